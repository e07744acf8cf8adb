/**
 * The names of snapshots. A name is that of one image: while `index.json` is locked, what gets a name takes it from
 * what had it, here or there. Where a process died in between, the name is still the snapshot's.
 */
import { readFileSync } from 'node:fs';
import { hasCode } from '../../syscalls/index.ts';
import { writeFileAtomically } from '../atomic.ts';
import { asStrings, parseDocument } from '../json.ts';
import type { Store } from '../layout.ts';
import { temporaryPath } from '../owner.ts';

/** The ids of snapshots by their complete names. */
export function readSnapshotNames(store: Store): Readonly<Record<string, string>> {
  const path = namesPath(store);
  try {
    return parseDocument(readFileSync(path), `'${path}'`, (document) => asStrings(document, 'the document'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return {};
    throw error;
  }
}

/** The complete names of a snapshot. */
export function namesOfSnapshot(store: Store, id: string): string[] {
  return Object.entries(readSnapshotNames(store)).flatMap(([name, each]) => (each === id ? [name] : []));
}

/** Gives names to a snapshot. The index must be locked. */
export function addSnapshotNames(store: Store, id: string, references: readonly string[]): void {
  write(store, { ...readSnapshotNames(store), ...Object.fromEntries(references.map((name) => [name, id])) });
}

/**
 * Takes names from the snapshots that have them. The index must be locked.
 * @param isLosing which names @returns those that were a snapshot's
 */
export function dropSnapshotNames(store: Store, isLosing: (name: string, id: string) => boolean): string[] {
  const before = Object.entries(readSnapshotNames(store));
  const after = before.filter(([name, id]) => !isLosing(name, id));
  if (after.length < before.length) write(store, Object.fromEntries(after));
  return before.filter((each) => !after.includes(each)).map(([name]) => name);
}

function write(store: Store, names: Readonly<Record<string, string>>): void {
  writeFileAtomically(temporaryPath(store), namesPath(store), JSON.stringify(names));
}

function namesPath(store: Store): string {
  return `${store.snapshots}/names.json`;
}
