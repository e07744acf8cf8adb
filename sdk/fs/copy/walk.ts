/** A tree as entries of a copy. What is in it may change meanwhile: nothing is looked at twice, and no link followed. */
import type { BigIntStats } from 'node:fs';
import {
  close,
  hasCode,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  readlinkat,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../../../syscalls/index.ts';
import { type Entry, UV_DIRENT } from '../directory.ts';
import { MAX_PATH_BYTES, type RawPath } from '../path.ts';
import { readAttributes } from './attributes.ts';
import type { CopyEntry, EntryType } from './entry.ts';
import { readPieces } from './pieces.ts';

/** A tree that can be walked: on this machine, or in a container. */
export interface Source {
  /** Opens what is at a path below the top (''), by a descriptor of this process; through no symbolic link. */
  open(path: RawPath, flags: number): Promise<number>;
  /** What is in a directory below the top. */
  list(path: RawPath): Promise<readonly Entry[]>;
  /** The statistics of a descriptor, in the ids that entries are to have. */
  stat(descriptor: number): BigIntStats;
}

/** How many things of a directory are opened ahead. */
const AHEAD = 16;

/** Walks a tree: those above first, names in the order of their bytes. */
export async function* walk(source: Source, signal?: AbortSignal): AsyncGenerator<CopyEntry> {
  const isSame = knowsHardlinks();
  const top = await describe(source, '', UV_DIRENT.UNKNOWN, signal);
  if (top === undefined) return;
  yield isSame(top);
  if (top.entry.type === 'directory') yield* walkDirectory(source, '', isSame, signal);
}

async function* walkDirectory(
  source: Source,
  path: RawPath,
  isSame: ReturnType<typeof knowsHardlinks>,
  signal: AbortSignal | undefined,
): AsyncGenerator<CopyEntry> {
  const names = [...(await source.list(path))];
  const opening: ReturnType<typeof describe>[] = [];
  try {
    while (names.length + opening.length > 0) {
      for (const { name, type } of names.splice(0, AHEAD - opening.length)) {
        const described = describe(source, path === '' ? name : `${path}/${name}`, type, signal);
        // Looked at below, in its turn.
        described.catch(() => undefined);
        opening.push(described);
      }
      const described = await opening.shift();
      if (described === undefined) continue;
      const { entry } = described;
      yield isSame(described);
      if (entry.type === 'directory') yield* walkDirectory(source, entry.path, isSame, signal);
    }
  } finally {
    for (const each of await Promise.allSettled(opening)) {
      if (each.status === 'fulfilled') each.value?.entry.release();
    }
  }
}

interface Described {
  readonly entry: CopyEntry;
  /** The same for all names of a file that has many. */
  readonly inode: string | undefined;
}

/** Makes hard links of what has come by another name before. */
function knowsHardlinks(): (described: Described) => CopyEntry {
  const names = new Map<string, RawPath>();
  return ({ entry, inode }) => {
    const first = inode === undefined ? undefined : names.get(inode);
    if (inode !== undefined && first === undefined) names.set(inode, entry.path);
    if (first === undefined) return entry;
    entry.release();
    return { ...entry, type: 'hardlink', target: first, size: 0 };
  };
}

/** Opens something and says what it is; undefined when it is gone meanwhile. */
async function describe(
  source: Source,
  path: RawPath,
  type: number,
  signal: AbortSignal | undefined,
): Promise<Described | undefined> {
  const descriptor = await open(source, path, type);
  if (descriptor === undefined) return undefined;
  let isOpen = true;
  const release = () => {
    if (isOpen) close(descriptor);
    isOpen = false;
  };
  try {
    const stat = source.stat(descriptor);
    const kind = typeOf(stat);
    const isFile = kind === 'file';
    const entry: CopyEntry = {
      type: kind,
      path,
      target: kind === 'symlink' ? readLink(descriptor) : '',
      mode: Number(stat.mode) & 0o7777,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      size: isFile ? Number(stat.size) : 0,
      mtimeNs: stat.mtimeNs,
      xattrs: isFile || kind === 'directory' ? readAttributes(descriptor) : new Map(),
      content: () => readPieces(descriptor, Number(stat.size), signal),
      isPatient: true,
      release,
    };
    if (!isFile) release();
    return { entry, inode: isFile && stat.nlink > 1n ? `${stat.dev}:${stat.ino}` : undefined };
  } catch (error) {
    release();
    throw error;
  }
}

const FLAGS: Readonly<Record<number, number>> = {
  [UV_DIRENT.FILE]: O_RDONLY | O_NOFOLLOW | O_NONBLOCK,
  [UV_DIRENT.DIR]: O_RDONLY | O_NOFOLLOW | O_DIRECTORY,
};

/** As what it was in its directory; when it is something else by now, as nothing but a place. */
async function open(source: Source, path: RawPath, type: number): Promise<number | undefined> {
  const flags = FLAGS[type];
  try {
    if (flags !== undefined) return await source.open(path, flags);
    const place = await source.open(path, O_PATH | O_NOFOLLOW);
    const known = typeOf(source.stat(place));
    if (known !== 'file' && known !== 'directory') return place;
    close(place);
    return await open(source, path, known === 'file' ? UV_DIRENT.FILE : UV_DIRENT.DIR);
  } catch (error) {
    if (path !== '' && hasCode(error, 'ENOENT')) return undefined;
    if (flags === undefined || !hasCode(error, 'ELOOP', 'ENOTDIR', 'ENXIO', 'EACCES')) throw error;
    // Of a file that may not be read, this is the error to report.
    const place = await source.open(path, O_PATH | O_NOFOLLOW);
    const known = typeOf(source.stat(place));
    if (known !== 'file' && known !== 'directory') return place;
    close(place);
    throw error;
  }
}

function typeOf({ mode }: Pick<BigIntStats, 'mode'>): EntryType {
  switch (Number(mode) & S_IFMT) {
    case S_IFREG:
      return 'file';
    case S_IFDIR:
      return 'directory';
    case S_IFLNK:
      return 'symlink';
    case S_IFIFO:
      return 'fifo';
    case S_IFSOCK:
      return 'socket';
    default:
      return 'device';
  }
}

/** Of a link that is open as a place, `''` is itself (man 2 readlinkat). */
function readLink(descriptor: number): RawPath {
  const target = Buffer.alloc(MAX_PATH_BYTES);
  return target.toString('latin1', 0, readlinkat(descriptor, '', target, target.length));
}
