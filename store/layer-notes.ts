/**
 * What unpacking a layer could not keep, as sentences. It is kept beside the layer, so that whoever gets the image later
 * is told as well. Changed while the index is locked, as layers are.
 *
 *     notes/layers.<hex>   a JSON array: of a layer in `layers`, and only where there is something to say
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { hasCode } from '../syscalls/index.ts';
import { writeFileAtomically } from './atomic.ts';
import { parseDigest } from './digest.ts';
import { asArray, asString, parseJson } from './json.ts';
import type { Store } from './layout.ts';
import { temporaryPath } from './owner.ts';

/** The sentences about one layer; none where all of it was kept. */
export function readLayerNotes(store: Store, diffId: string): readonly string[] {
  const path = notesPath(store, diffId);
  try {
    return parseJson(readFileSync(path), `'${path}'`, (value) => asArray(value, 'the list', asString));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Keeps the sentences about layers, by diffID. */
export function writeLayerNotes(store: Store, notes: ReadonlyMap<string, readonly string[]>): void {
  for (const [diffId, sentences] of notes) {
    if (sentences.length === 0) continue;
    mkdirSync(store.notes, { recursive: true, mode: 0o700 });
    writeFileAtomically(temporaryPath(store), notesPath(store, diffId), JSON.stringify(sentences));
  }
}

/** Removes what is said of layers that are gone. */
export function discardLayerNotes({ root, notes }: Store): void {
  if (!existsSync(notes)) return;
  for (const name of readdirSync(notes)) {
    if (!existsSync(join(root, name.replace('.', '/')))) unlinkSync(join(notes, name));
  }
}

/** The same layer may lie in several directories, unpacked with other owners. */
function notesPath({ notes, layers }: Store, diffId: string): string {
  return join(notes, `${basename(layers)}.${parseDigest(diffId)}`);
}
