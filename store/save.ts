/** Writes images to an archive, for other stores and other tools. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CaissonError } from '../syscalls/index.ts';
import { writeArchive } from './archive.ts';
import { linkBlob, readChunks, writeAll } from './blobs.ts';
import { readCatalog, storedNameOf } from './catalog.ts';
import { isDigest, verify } from './digest.ts';
import { findEntry, readImage } from './images.ts';
import type { Store } from './layout.ts';
import { temporaryPath } from './owner.ts';
import { removeTree } from './remove.ts';
import { type BlobOpener, dockerMembers, ociMembers, type SavedImage } from './save-members.ts';

/** How to save images. */
export interface SaveOptions {
  /**
   * `oci`: an OCI image layout, with everything as it is in the store, so that digests stay the same. `docker`: what
   * `docker save` writes today, for `docker load` and all others: layers uncompressed, under names of both formats.
   * @default 'oci'
   */
  readonly format?: 'oci' | 'docker' | undefined;
  /** Stops saving; a file that was begun is removed, a stream is destroyed. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes images to one archive. The same images give the same bytes. An image that is given by a name has that name
 * in the archive, one that is given by its digest has none.
 *
 * @param destination the path of a file, which appears when it is complete, or of a device or FIFO, which is written to;
 * or a stream, which is ended
 * @throws CaissonError IMAGE_NOT_FOUND, BLOB_NOT_FOUND, DIGEST_MISMATCH: nothing is left of the file then, and the
 * stream is destroyed
 */
export async function saveImage(
  store: Store,
  references: string | readonly string[],
  destination: string | Writable,
  { format = 'oci', signal }: SaveOptions = {},
): Promise<void> {
  const pins = temporaryPath(store);
  try {
    mkdirSync(pins, { mode: 0o700 });
    const images = chooseImages(store, typeof references === 'string' ? [references] : references);
    const open = blobOpener(store, pins, signal);
    const members = format === 'oci' ? ociMembers(images, open) : await dockerMembers(images, open);
    const archive = writeArchive(members);
    await (typeof destination === 'string' ? writeFile(archive, destination) : pipeline(archive, destination));
  } catch (error) {
    if (typeof destination !== 'string') destination.destroy(error as Error);
    throw error;
  } finally {
    await removeTree(pins);
  }
}

/** Each image once, with the names it is asked for by. */
function chooseImages(store: Store, references: readonly string[]): SavedImage[] {
  if (references.length === 0) throw new TypeError('references must name at least one image');
  const entries = readCatalog(store);
  const images = new Map<string, SavedImage>();
  for (const reference of references) {
    const { entry } = findEntry(store, reference, entries);
    const name = isDigest(reference) || reference.includes('@') ? undefined : storedNameOf(entry);
    const before = images.get(entry.digest)?.references ?? [];
    const names = name === undefined || before.includes(name) ? before : [...before, name];
    images.set(entry.digest, { entry, references: names, ...readImage(store, entry) });
  }
  return [...images.values()];
}

/**
 * Opens blobs through links of our own, all made before the first is read: who removes the image meanwhile does not
 * remove what is read here.
 */
function blobOpener(store: Store, pins: string, signal: AbortSignal | undefined): BlobOpener {
  return (blob) => {
    const path = join(pins, blob.digest.slice('sha256:'.length));
    if (existsSync(path) || linkBlob(store, blob, path)) return () => verify(readChunks(path, signal), blob, 'blob');
    throw new CaissonError('BLOB_NOT_FOUND', `blob ${blob.digest} is not in the store at '${store.root}'`, {
      hint: 'load or pull the image again',
    });
  };
}

async function writeFile(archive: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  // A device or a FIFO is written to: /dev/null and /dev/stdout must not be replaced by a file.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) return pipeline(archive, createWriteStream(path));
  const unfinished = `${path}.${randomBytes(6).toString('hex')}.unfinished`;
  const fd = openSync(unfinished, 'wx');
  try {
    try {
      for await (const chunk of archive) writeAll(fd, chunk);
    } finally {
      closeSync(fd);
    }
    renameSync(unfinished, path);
  } catch (error) {
    unlinkSync(unfinished);
    throw error;
  }
}
