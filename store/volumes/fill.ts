/** Fills volumes from images: with what containers would have seen at the place where the volume is mounted. */
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { hasCode } from '../../syscalls/index.ts';
import { writeFileAtomically } from '../atomic.ts';
import { findDirectory } from '../layer/find.ts';
import { leave } from '../layer/merged.ts';
import { type ImageDirectories, openImage } from '../layer/open-image.ts';
import { explainStoreError, type Store } from '../layout.ts';
import { withLock } from '../lock.ts';
import { temporaryPath } from '../owner.ts';
import { removeTree } from '../remove.ts';
import { copyMerged } from '../snapshots/copy.ts';
import { formatVolumeRecord, readVolumeRecord, volumeNotFound, volumePaths } from './record.ts';

/** What of an image a volume is filled with. */
export interface FillSource extends ImageDirectories {
  /** The directory in it. Its links are followed inside: none leads out (CVE-2022-23648). */
  readonly path: string;
}

/**
 * Notes that a container is about to have a volume; before the first has it, it is filled, when it is empty. Everybody
 * who is to have it waits for that. What is killed meanwhile leaves the volume empty, for the next to fill.
 *
 * @param source of a volume that is to stay empty, nothing
 * @throws CaissonError VOLUME_NOT_FOUND, STORE_FULL
 */
export async function useVolume(store: Store, name: string, source: FillSource | undefined): Promise<void> {
  if (readVolumeRecord(store, name)?.isUsed === true) return;
  await withLock(`${store.locks}/volume-${name}.lock`, async () => {
    const record = readVolumeRecord(store, name);
    if (record === undefined) throw volumeNotFound(store, name);
    if (record.isUsed) return;
    const { data, filling, record: path } = volumePaths(store, name);
    try {
      await removeTree(filling);
      if (source !== undefined && readdirSync(data).length === 0) await fill(source, filling, data);
      writeFileAtomically(temporaryPath(store), path, formatVolumeRecord({ ...record, isUsed: true }));
    } catch (error) {
      await removeTree(filling);
      throw explainStoreError(error, `filling volume '${name}'`, data);
    }
  });
}

/**
 * Makes a directory and fills it.
 * @param source of one that is to stay empty, nothing
 * @param path where nothing is; what fails on the way leaves what was made
 */
export async function fillDirectory(path: string, source: FillSource | undefined): Promise<void> {
  if (source === undefined || !(await copyFrom(source, path))) mkdirSync(path, { mode: 0o755 });
}

/** A directory takes an empty one's place by a rename in the same parent, whoever owns the two. */
async function fill(source: FillSource, filling: string, data: string): Promise<void> {
  if (!(await copyFrom(source, filling))) return;
  try {
    renameSync(filling, data);
  } catch (error) {
    // Somebody has written to the volume, past us.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    await removeTree(filling);
  }
}

/** Whether there was a directory to copy. */
async function copyFrom(source: FillSource, to: string): Promise<boolean> {
  const { view, top, close } = openImage(source);
  try {
    const found = findDirectory(view, top, source.path);
    if (found === undefined) return false;
    try {
      await copyMerged(view, found, to);
    } finally {
      if (found !== top) leave(found);
    }
    return true;
  } finally {
    close();
  }
}
