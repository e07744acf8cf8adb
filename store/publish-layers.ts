/** How layers get their places in the store without anybody waiting for the disk; see unsynced.ts. */
import { existsSync, lstatSync, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { hasCode, SyscallError } from '../syscalls/index.ts';
import { publishDirectory, syncDirectory, syncDisk, writeFileAtomically } from './atomic.ts';
import { isBootKnown, readBootId } from './boot.ts';
import { withCatalog } from './catalog.ts';
import { layerPath, type Store } from './layout.ts';
import { temporaryPath } from './owner.ts';
import { removeTree } from './remove.ts';
import { beginSync } from './sync.ts';
import { lostNotes, type UnsyncedNote } from './unsynced.ts';
import { whileNothingIsTaken } from './use-lock.ts';

/**
 * Puts staged layers into their places, runs `action`, which may name the image that has them, and begins to write
 * them to the disk. A power cut before that is done costs no more than unpacking them again.
 *
 * @param layers paths in the store's `tmp`, by diffID
 */
export function publishLayers(store: Store, layers: ReadonlyMap<string, string>, action: () => void): void {
  // One that is a link leads to a snapshot, which is on the disk.
  const unpacked = [...layers].filter(([, path]) => lstatSync(path).isDirectory()).map(([diffId]) => diffId);
  const note = unpacked.length > 0 && isBootKnown() ? writeNote(store, unpacked) : undefined;
  // Where nothing tells one start of the machine from the next, a note would be of no use.
  if (unpacked.length > 0 && note === undefined) syncDisk(store.tmp);
  try {
    // Where another process has unpacked the same layer meanwhile, what is in it is the same.
    for (const [diffId, path] of layers) publishDirectory(path, layerPath(store, diffId));
    action();
  } finally {
    if (note !== undefined) removeWhenSynced(store, note);
  }
}

/**
 * Removes the layers that were lost with the power, so that they can be unpacked again.
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export async function removeLostLayers(store: Store): Promise<void> {
  if (lostNotes(store).length === 0) return;
  const trash = temporaryPath(store);
  try {
    await withCatalog(store, () => whileNothingIsTaken(store, () => discard(store, trash)));
  } finally {
    await removeTree(trash);
  }
}

function discard(store: Store, trash: string): void {
  mkdirSync(trash, 0o700);
  let count = 0;
  for (const { path: note, layers } of lostNotes(store)) {
    for (const name of layers) moveAside(join(store.root, name), join(trash, String(count++)));
    unlinkSync(note);
  }
}

function moveAside(path: string, aside: string): void {
  try {
    renameSync(path, aside);
  } catch (error) {
    // It had not got its place yet, or was removed since.
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  // Else it could be there again after a power cut, and the note not.
  syncDirectory(dirname(path));
}

function writeNote(store: Store, diffIds: readonly string[]): string {
  if (!existsSync(store.unsynced)) {
    mkdirSync(store.unsynced, { recursive: true, mode: 0o700 });
    syncDirectory(store.root);
  }
  const path = join(store.unsynced, basename(temporaryPath(store)));
  const layers = diffIds.map((diffId) => layerPath(store, diffId).slice(store.root.length + 1));
  const note: UnsyncedNote = { bootId: readBootId(), layers };
  writeFileAtomically(temporaryPath(store), path, JSON.stringify(note));
  return path;
}

/** Where no process can be started for it, the note stays: it will cost some time, should the machine be restarted. */
function removeWhenSynced(store: Store, path: string): void {
  try {
    beginSync(store, [{ path, is: 'removed' }]);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}
