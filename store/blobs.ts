/** Content by its digest. A blob is there or not; once there it does not change. */
import {
  closeSync,
  createReadStream,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { digestOf, type Expected, verify } from './digest.ts';
import { type JsonObject, parseDocument } from './json.ts';
import { blobPath, explainStoreError, type Store } from './layout.ts';

/** Manifests and configurations are small; what is bigger is an attack on memory. */
export const MAX_DOCUMENT_BYTES = 4 * 1024 * 1024;

/** Whether a blob is in the store, of that size where one is given. */
export function hasBlob(store: Store, { digest, size }: Expected): boolean {
  const stats = statSync(blobPath(store, digest), { throwIfNoEntry: false });
  return stats !== undefined && (size === undefined || stats.size === size);
}

/**
 * Gives a blob of the store a second name, at `path` on the same disk, that keeps it from being pruned; false where
 * the store has none of that digest and size.
 */
export function linkBlob(store: Store, expected: Expected, path: string): boolean {
  if (!hasBlob(store, expected)) return false;
  try {
    linkSync(blobPath(store, expected.digest), path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Writes a stream to a new file, verified and synced; where it is not what was expected, the file is removed. */
export async function writeVerified(
  source: AsyncIterable<Uint8Array>,
  expected: Expected,
  path: string,
): Promise<void> {
  const fd = openSync(path, 'wx', 0o400);
  try {
    for await (const chunk of verify(source, expected, 'blob')) writeAll(fd, chunk);
    fsyncSync(fd);
  } catch (error) {
    unlinkSync(path);
    throw explainStoreError(error, `writing blob ${expected.digest}`, path);
  } finally {
    closeSync(fd);
  }
}

/** write(2) may write less than it was given, as when a disk is almost full. */
export function writeAll(fd: number, chunk: Uint8Array, position: number | null = null): void {
  for (let done = 0; done < chunk.length; ) {
    done += writeSync(fd, chunk, done, chunk.length - done, position === null ? null : position + done);
  }
}

/** The content of a file that may be big. It is opened when the first piece is asked for, and so never left open. */
export async function* readChunks(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: CHUNK_BYTES, signal }) as AsyncIterable<Buffer>;
}

/** Each piece that is read costs a turn of the event loop. */
const CHUNK_BYTES = 512 * 1024;

/**
 * Reads a JSON document from a blob, verified, and at most {@link MAX_DOCUMENT_BYTES} of it.
 *
 * @throws CaissonError BLOB_NOT_FOUND, IMAGE_INVALID, DIGEST_MISMATCH
 */
export function readBlobDocument<T>(
  store: Store,
  expected: Expected,
  what: string,
  read: (document: JsonObject) => T,
): T {
  return readDocumentFrom(openBlobFile(store, expected.digest), expected, what, read);
}

/** {@link readBlobDocument} for a blob that lies at `path`: ENOENT when there is none. */
export function readDocumentAt<T>(
  path: string,
  expected: Expected,
  what: string,
  read: (document: JsonObject) => T,
): T {
  return readDocumentFrom(openSync(path, 'r'), expected, what, read);
}

/** Closes the descriptor. */
function readDocumentFrom<T>(fd: number, expected: Expected, what: string, read: (document: JsonObject) => T): T {
  try {
    checkDocumentSize(fstatSync(fd).size, `${what} ${expected.digest}`);
    const bytes = readFileSync(fd);
    checkDocument(bytes, expected, what);
    return parseDocument(bytes, `${what} ${expected.digest}`, read);
  } finally {
    closeSync(fd);
  }
}

/** Refuses a document that is too big to be read into memory. */
export function checkDocumentSize(size: number, what: string): void {
  if (size <= MAX_DOCUMENT_BYTES) return;
  throw new CaissonError(
    'IMAGE_INVALID',
    `${what} has ${size} bytes, more than the ${MAX_DOCUMENT_BYTES} of a document`,
  );
}

/** Refuses a document that is not the one that was asked for. */
export function checkDocument(bytes: Uint8Array, { digest, size }: Expected, what: string): void {
  const actual = digestOf(bytes);
  if (actual !== digest)
    throw new CaissonError('DIGEST_MISMATCH', `${what} should have digest ${digest}, but has ${actual}`);
  if (size === undefined || bytes.length === size) return;
  throw new CaissonError('SIZE_MISMATCH', `${what} ${digest} should have ${size} bytes, but has ${bytes.length}`);
}

function openBlobFile(store: Store, digest: string): number {
  try {
    return openSync(blobPath(store, digest), 'r');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    throw new CaissonError('BLOB_NOT_FOUND', `blob ${digest} is not in the store at '${store.root}'`, { cause: error });
  }
}
