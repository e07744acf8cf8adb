/**
 * Where an image is loaded from: a directory, or an archive that is read once and taken apart into files of our own.
 * Either way it is files by name, and a name never becomes a path.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { ReadEntry } from 'tar';
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { readArchive } from './archive.ts';
import { checkDocumentSize, linkBlob, readChunks, writeAll } from './blobs.ts';
import { isDigest } from './digest.ts';
import { type JsonObject, parseDocument } from './json.ts';
import { decompress } from './layer/decompress.ts';
import type { Store } from './layout.ts';

/** A file that an image may be made of. */
export interface SourceFile {
  readonly path: string;
  readonly size: number;
  /** Where it was measured already. */
  readonly digest?: string;
}

/** The files of an image that is being loaded. */
export interface ImageSource {
  /** What errors call it: its path in quotes. */
  readonly name: string;
  /** The file of that name, slashes between its parts; undefined when there is none. */
  find(name: string): SourceFile | undefined;
}

/** An archive with more members than this is no image. */
const MAX_MEMBERS = 65_536;

/**
 * Opens a directory or an archive (compressed or not) as files by name.
 *
 * @param staging a directory of our own, which the members of an archive are written to
 * @throws CaissonError IMAGE_NOT_FOUND when there is nothing at `path`
 * @throws CaissonError ARCHIVE_INVALID
 */
export async function openSource(
  store: Store,
  path: string,
  staging: string,
  signal?: AbortSignal,
): Promise<ImageSource> {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new CaissonError('IMAGE_NOT_FOUND', `there is no image at '${path}'`);
  if (stats.isDirectory()) return { name: `'${path}'`, find: (name) => findInDirectory(path, name) };
  if (!stats.isFile()) throw new CaissonError('IMAGE_INVALID', `'${path}' is neither a directory nor an archive`);
  const members = await unpackArchive(store, decompress(readChunks(path, signal)), staging);
  return { name: `'${path}'`, find: (name) => members.get(name) };
}

/** Reads a document of an image that is being loaded; undefined when there is no file of that name. */
export function readSourceDocument<T>(
  source: ImageSource,
  name: string,
  read: (document: JsonObject) => T,
): T | undefined {
  const bytes = readSourceFile(source, name);
  return bytes === undefined ? undefined : parseDocument(bytes, `'${name}' of ${source.name}`, read);
}

/** Reads a file that can only be a document; undefined when there is none of that name. */
export function readSourceFile(source: ImageSource, name: string): Buffer | undefined {
  const file = source.find(name);
  if (file === undefined) return undefined;
  checkDocumentSize(file.size, `'${name}' of ${source.name}`);
  return readFileSync(file.path);
}

function findInDirectory(directory: string, name: string): SourceFile | undefined {
  const path = join(directory, name);
  let fd: number;
  try {
    // Not to wait for whoever writes to a FIFO of that name.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  const stats = fstatSync(fd);
  closeSync(fd);
  return stats.isFile() ? { path, size: stats.size } : undefined;
}

async function unpackArchive(store: Store, archive: AsyncIterable<Uint8Array>, staging: string) {
  const members = new Map<string, SourceFile>();
  const links = new Map<string, string>();
  let count = 0;
  let open: MeasuredFile | undefined;
  mkdirSync(staging, { recursive: true, mode: 0o700 });
  try {
    await readArchive(archive, (member) => {
      if (++count > MAX_MEMBERS) {
        throw new CaissonError('ARCHIVE_INVALID', `the archive is no image: it has more than ${MAX_MEMBERS} members`);
      }
      const name = memberName('.', member.path);
      const path = join(staging, String(count));
      if (member.type === 'SymbolicLink') links.set(name, memberName(posix.dirname(name), member.linkpath ?? ''));
      if (member.type === 'Link') links.set(name, memberName('.', member.linkpath ?? ''));
      if (!FILE_TYPES.has(member.type)) return;
      const known = linkKnownBlob(store, name, member, path);
      if (known !== undefined) {
        members.set(name, known);
        return;
      }
      const file = createMeasuredFile(path);
      open = file;
      member.on('data', file.write).on('end', () => {
        open = undefined;
        members.set(name, file.close());
      });
    });
  } finally {
    open?.close();
  }
  for (const [name, target] of links) {
    const file = members.get(followLinks(links, target));
    if (file !== undefined && !members.has(name)) members.set(name, file);
  }
  return members;
}

const FILE_TYPES: ReadonlySet<string> = new Set(['File', 'OldFile', 'ContiguousFile']);

/** docker save writes a layer that two images share once, and a symbolic link to it. */
function followLinks(links: ReadonlyMap<string, string>, name: string): string {
  let target = name;
  for (let hops = 0; hops < 8; hops++) target = links.get(target) ?? target;
  return target;
}

function memberName(directory: string, name: string): string {
  return posix.normalize(posix.join(directory, name)).replace(/^\/+/, '');
}

/** A blob that the store has already is not written again: it was verified when it came. */
function linkKnownBlob(store: Store, name: string, { size }: ReadEntry, path: string): SourceFile | undefined {
  const digest = name.replace(/^blobs\/sha256\//, 'sha256:');
  return isDigest(digest) && linkBlob(store, { digest, size }, path) ? { path, size, digest } : undefined;
}

interface MeasuredFile {
  readonly write: (bytes: Uint8Array) => void;
  readonly close: () => SourceFile;
}

/** A new file that is written piece by piece, and then known by its digest. */
function createMeasuredFile(path: string): MeasuredFile {
  const fd = openSync(path, 'wx', 0o400);
  const hash = createHash('sha256');
  let size = 0;
  return {
    write(bytes) {
      writeAll(fd, bytes);
      hash.update(bytes);
      size += bytes.length;
    },
    close() {
      closeSync(fd);
      return { path, size, digest: `sha256:${hash.digest('hex')}` };
    },
  };
}
