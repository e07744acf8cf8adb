/**
 * Directories of containers that have changed nothing, kept for this thread's next ones. Making and removing a
 * container's directory is four new inodes and four freed ones, 0.6 ms on ext4; and where many were freed in the last
 * minute, ext4 takes milliseconds to find one that was not. To take a spare is one rename.
 */
import { lstatSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { chmod, rmdir, unlink } from 'node:fs/promises';
import { isError, llistxattr, shared } from '../../syscalls/index.ts';
import { containerPathsIn, type Store } from '../layout.ts';
import { beforeLeaving, ownerOf } from '../owner.ts';
import { removeTreeNow } from '../remove.ts';
import { RECORD_BYTES } from './record.ts';
import { CREATED, encodeCell } from './state-cell.ts';

/** How many are kept: as many containers as start at about the same time. */
const MAX_SPARES = 16;

/** The mode of `upper`, which overlay shows as that of `/`. */
export const ROOT_MODE = 0o755;

/** What overlayfs leaves in `work` of a volatile mount, in the order it goes. */
const LEAVINGS: readonly (readonly [remove: (path: string) => Promise<void>, path: string])[] = [
  [unlink, 'work/work/incompat/volatile/dirty'],
  [rmdir, 'work/work/incompat/volatile'],
  [rmdir, 'work/work/incompat'],
  [rmdir, 'work/work'],
];

/** It gives these no permissions, and only root needs none. */
const CLOSED: readonly string[] = ['work/work', 'work/work/incompat', 'work/work/incompat/volatile'];

/** What this thread has of spares in a store. */
interface Spares {
  readonly clean: string[];
  /** Those whose `work` is still to be cleaned, or just being. */
  readonly used: Set<string>;
}

const { sparesOf, made } = shared('spares', () => ({ sparesOf: new Map<Store, Spares>(), made: { count: 0 } }));

/** A directory with `upper`, `work` and an old record in it, all as if new; undefined when there is none. */
export function takeSpare(store: Store): string | undefined {
  return sparesOf.get(store)?.clean.pop();
}

/** Keeps the directory of a removed container; false when there is something in it, or there are enough. */
export function keepSpare(store: Store, path: string): boolean {
  let spares = sparesOf.get(store);
  if (spares === undefined) {
    spares = { clean: [], used: new Set() };
    sparesOf.set(store, spares);
    beforeLeaving(() => removeSpares(store));
  }
  if (spares.clean.length + spares.used.size >= MAX_SPARES || !isEmpty(path)) return false;
  const spare = `${store.spares}/${ownerOf(store)}.${made.count++}`;
  try {
    renameSync(path, spare);
  } catch {
    // Whatever it is, removing the directory meets it again.
    return false;
  }
  spares.used.add(spare);
  // Not unref'd: then it would wait for something to happen, and be in the way of that.
  setImmediate(() => void cleanSpare(spare, spares));
  return true;
}

/**
 * In the thread pool, though each step is short: a file system mounted with `discard` waits for the disk whenever blocks
 * are freed, 0.08 ms a directory here.
 */
async function cleanSpare(spare: string, { used, clean }: Spares): Promise<void> {
  try {
    // There is nothing in that of a container which kept its changes in memory, or was never started.
    if (readdirSync(`${spare}/work`).length > 0) await removeLeavings(spare);
    // Not one of those that go with this thread.
    if (!used.has(spare)) return;
    if (!isAsMade(spare)) return discardNow(spare);
    writeFileSync(containerPathsIn(spare).state, encodeCell(CREATED), { flag: 'r+' });
    clean.push(spare);
  } catch {
    // Something else than overlayfs leaves.
    if (used.has(spare)) discardNow(spare);
  } finally {
    used.delete(spare);
  }
}

async function removeLeavings(spare: string): Promise<void> {
  if (euid() !== 0) for (const name of CLOSED) await chmod(`${spare}/${name}`, 0o700);
  for (const [remove, name] of LEAVINGS) await remove(`${spare}/${name}`);
}

/** Whether a container has left nothing that takes long to remove: then whoever removes it need not wait for the rest. */
function isEmpty(path: string): boolean {
  try {
    return readdirSync(containerPathsIn(path).upper).length === 0 && readdirSync(path).length === ENTRIES;
  } catch {
    return false;
  }
}

/** Whether what a container sees as `/` is as it was made: its mode, owner and attributes belong to it, too. */
function isAsMade(path: string): boolean {
  const { upper, record } = containerPathsIn(path);
  const { mode, uid, gid } = lstatSync(upper);
  if ((mode & 0o7777) !== ROOT_MODE || uid !== euid() || gid !== lstatSync(path).gid) return false;
  if (lstatSync(record).size !== RECORD_BYTES) return false;
  const names = Buffer.alloc(1024);
  const length = llistxattr(upper, names, names.length);
  return names.toString('latin1', 0, length).split('\0').every(isOverlays);
}

/** `upper`, `work`, `record.json` and `state`. */
const ENTRIES = 4;

/** What overlayfs notes on its upper directory: not the container's doing. */
function isOverlays(name: string): boolean {
  return name === '' || /^(trusted|user)\.overlay\.(uuid|impure|origin)$/.test(name);
}

function removeSpares(store: Store): void {
  const { clean = [], used = new Set<string>() } = sparesOf.get(store) ?? {};
  const all = [...clean.splice(0), ...used];
  used.clear();
  for (const spare of all) discardNow(spare);
}

/** It bears this thread's name, so what cannot be removed now is swept. There is nobody here to be told. */
function discardNow(spare: string): void {
  try {
    removeTreeNow(spare);
  } catch (error) {
    if (!(isError(error) && 'errno' in error)) throw error;
  }
}

let uid: number | undefined;

function euid(): number {
  uid ??= process.geteuid?.() ?? 0;
  return uid;
}
