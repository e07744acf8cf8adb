/** Makes an image of what a container has changed, with a digest, as `docker commit` does. */
import {
  changeContainerUses,
  findImage,
  moveChangesBack,
  removeSnapshot,
  type SnapshotRecord,
} from '../../store/index.ts';
import { Image } from '../image.ts';
import { usesOf } from '../image-origin.ts';
import { type CommitOptions, changeConfig } from '../spec/commit.ts';
import { assertOnDisk, baseOf, type FilesOnDisk, takeSnapshot } from './snapshot.ts';

/**
 * Makes an image of a container. When that fails, the container is as it was, and nothing is left in the store.
 *
 * @throws CaissonError IMAGE_NOT_PORTABLE, REFERENCE_INVALID, and what {@link takeSnapshot} throws
 */
export async function commitContainer(files: FilesOnDisk, options: CommitOptions): Promise<Image> {
  const { reference, message, author, config = {}, compression, signal } = options;
  const { assertPortable, materializeSnapshot, newName } = await import('../../store/transfer.ts');
  const references = reference === undefined ? [] : [newName(reference)];
  assertOnDisk(files, 'made an image of');
  assertPortable(baseOf(files.store, files.base));
  const changes = {
    config: changeConfig(files.config, config),
    ...(author === undefined ? {} : { author }),
    ...(message === undefined ? {} : { message }),
  };
  const record = await takeSnapshot(files, options, changes);
  try {
    const stop = signal === undefined ? files.signal : AbortSignal.any([signal, files.signal]);
    const { digest } = await materializeSnapshot(files.store, record.id, { references, compression, signal: stop });
    return Image.ofStored({ ...findImage(files.store, digest), name: references[0] ?? digest });
  } catch (error) {
    await takeBack(files, record);
    throw error;
  }
}

/** The container has not run since: it waits for its turn. */
async function takeBack(
  { store, id, pid, isCopied, base, rebase }: FilesOnDisk,
  record: SnapshotRecord,
): Promise<void> {
  if (pid !== null || isCopied === true) {
    await removeSnapshot(store, record.id);
    return;
  }
  rebase(base);
  await moveChangesBack(store, id, record.id);
  await changeContainerUses(store, id, usesOf(base.origin));
}
