/** Reading directories. */
import { Dirent } from 'node:fs';
import { getdents64, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, RESOLVE_NO_SYMLINKS } from '../../syscalls/index.ts';
import type { AgentFile } from '../engine/agent.ts';
import { asked, assertLength } from './error.ts';
import { encodePath, type RawPath, toText } from './path.ts';
import { openInAgent, type Session } from './session.ts';
import { lstat } from './stat.ts';

/** What is in a directory. */
export interface Entry {
  readonly name: RawPath;
  /** One of node:fs's `UV_DIRENT_…`; unknown on file systems that do not tell. */
  readonly type: number;
}

/** libuv's uv_dirent_type_t, which node:fs's Dirent takes. */
export const UV_DIRENT = {
  UNKNOWN: 0,
  FILE: 1,
  DIR: 2,
  LINK: 3,
  FIFO: 4,
  SOCKET: 5,
  CHAR: 6,
  BLOCK: 7,
} as const;

/** By what getdents64(2) says, DT_… of dirent.h. */
const TYPES: Readonly<Record<number, number>> = {
  1: UV_DIRENT.FIFO,
  2: UV_DIRENT.CHAR,
  4: UV_DIRENT.DIR,
  6: UV_DIRENT.BLOCK,
  8: UV_DIRENT.FILE,
  10: UV_DIRENT.LINK,
  12: UV_DIRENT.SOCKET,
};

const BUFFER_BYTES = 0x8000;

/** The entries of a directory, in the order of their names' bytes. */
export async function list(session: Session, path: RawPath): Promise<Entry[]> {
  const question = { syscall: 'scandir', path };
  assertLength(question);
  const directory = openInAgent(session, path, { flags: O_RDONLY | O_DIRECTORY });
  return asked(question, listOpened(session, directory));
}

/**
 * The entries of a directory below another that the agent has open: through no symbolic link, whoever puts one there
 * meanwhile.
 */
export async function listBelow(session: Session, from: AgentFile, path: RawPath): Promise<Entry[]> {
  const how = {
    flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
    resolve: RESOLVE_NO_SYMLINKS,
    from: from.descriptor,
  };
  return asked({ syscall: 'scandir', path }, listOpened(session, openInAgent(session, path, how)));
}

/** Closes the directory, too. Two reads are asked for ahead: the second of a small one says that there is no more. */
async function listOpened({ agent }: Session, directory: AgentFile): Promise<Entry[]> {
  const entries: Entry[] = [];
  const read = async () => {
    const buffer = Buffer.alloc(BUFFER_BYTES);
    const length = await agent.call(getdents64, directory.descriptor, buffer, buffer.length);
    return decodeEntries(buffer.subarray(0, length));
  };
  try {
    let [, first, second] = await settled([directory.opened, read(), read()] as const);
    for (;;) {
      entries.push(...first, ...second);
      if (second.length === 0) break;
      [first, second] = await settled([read(), read()] as const);
    }
  } finally {
    void directory.close();
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Waits for all, and throws the first error in their order: of a file that could not be opened, not of its use. */
export async function settled<T extends readonly unknown[]>(promises: T): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(promises);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as never;
}

/** struct linux_dirent64: `d_ino`, `d_off`, `d_reclen`, `d_type`, `d_name`. */
function decodeEntries(bytes: Buffer): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt16LE(at + 16)) {
    const name = bytes.toString('latin1', at + 19, bytes.indexOf(0, at + 19));
    if (name !== '.' && name !== '..') entries.push({ name, type: TYPES[bytes[at + 18] ?? 0] ?? UV_DIRENT.UNKNOWN });
  }
  return entries;
}

/** What node:fs calls the options of readdir. */
export interface ReaddirOptions {
  readonly encoding?: BufferEncoding | 'buffer' | null;
  readonly withFileTypes?: boolean;
  readonly recursive?: boolean;
}

/** As node:fs's: names, or `Dirent`s; with `recursive`, the ones below too, and their names are paths. */
export async function readdir(
  session: Session,
  path: RawPath,
  options: ReaddirOptions = {},
): Promise<(string | Buffer | Dirent)[]> {
  const found: (string | Buffer | Dirent)[] = [];
  const directories = [''];
  for (const directory of directories) {
    const where = directory === '' ? path : `${path}/${directory}`;
    for (const entry of await list(session, where)) {
      const type = entry.type === UV_DIRENT.UNKNOWN ? await typeOf(session, `${where}/${entry.name}`) : entry.type;
      const name = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (options.withFileTypes === true) found.push(dirent(encodePath(entry.name, options), type, toText(where)));
      else found.push(encodePath(name, options));
      if (options.recursive === true && type === UV_DIRENT.DIR) directories.push(name);
    }
  }
  return found;
}

/** Node's own class, whose constructor its types leave out. */
function dirent(name: string | Buffer, type: number, parent: string): Dirent {
  return new (Dirent as unknown as new (...args: unknown[]) => Dirent)(name, type, parent);
}

async function typeOf(session: Session, path: RawPath): Promise<number> {
  const found = await lstat(session, path, false);
  if (found.isDirectory()) return UV_DIRENT.DIR;
  if (found.isFile()) return UV_DIRENT.FILE;
  if (found.isSymbolicLink()) return UV_DIRENT.LINK;
  return UV_DIRENT.UNKNOWN;
}
