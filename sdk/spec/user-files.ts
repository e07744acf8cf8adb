/**
 * The files that say who users are. They are the container's: opened inside its root, read only when they are ordinary
 * files, and only to a limit (CVE-2024-9676, CVE-2026-47262).
 */
import { fstatSync, readSync } from 'node:fs';
import {
  AT_FDCWD,
  CaissonError,
  close,
  hasCode,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  OPEN_HOW,
  openat,
  openat2,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '../../syscalls/index.ts';

/** Longer files are not read: a passwd file of 1 MiB has some 15,000 users. */
const MAX_BYTES = 1_048_576;

/** The greatest id; the one above it means "unchanged" to the kernel. */
export const MAX_ID = 0xffff_fffe;

/** The lines of passwd(5) and group(5) that matter. */
export interface UserFiles {
  readonly passwd: readonly { name: string; uid: number; gid: number; home: string }[];
  readonly group: readonly { name: string; gid: number; members: readonly string[] }[];
}

/**
 * Reads /etc/passwd and /etc/group of a root.
 * @param roots directories that the root is put together from; of each file, the first that has something of its name
 *   decides, whatever it is. Links from one into another lead nowhere: a container's own files are read by engine/users.ts
 */
export function readUserFiles(roots: readonly string[]): UserFiles {
  return parseUserFiles(readFirst(roots, 'etc/passwd'), readFirst(roots, 'etc/group'));
}

/** Reads the text of /etc/passwd and /etc/group. */
export function parseUserFiles(passwd: string, group: string): UserFiles {
  return {
    passwd: parseColons(passwd).flatMap(([name = '', , uid, gid, , home = '']) => {
      const ids = [parseId(uid), parseId(gid)];
      const [id, group] = ids;
      return id === undefined || group === undefined ? [] : [{ name, uid: id, gid: group, home }];
    }),
    group: parseColons(group).flatMap(([name = '', , gid, members = '']) => {
      const id = parseId(gid);
      return id === undefined ? [] : [{ name, gid: id, members: members.split(',').filter((member) => member !== '') }];
    }),
  };
}

/** Reads an ordinary file inside a root, whatever is there; undefined when there is none, or one of no use. */
export function readFileInside(root: string, path: string): string | undefined {
  try {
    return readInside(root, path);
  } catch (error) {
    if (!hasCode(error, 'INVALID_USER')) throw error;
    return undefined;
  }
}

/**
 * Reads and closes an open user file; undefined when it is no ordinary file.
 * @throws CaissonError INVALID_USER when it is longer than any such file
 */
export function readUserFile(file: number, path: string): string | undefined {
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return undefined;
    if (stat.size > MAX_BYTES) {
      throw new CaissonError(
        'INVALID_USER',
        `/${path} of the container has ${stat.size} bytes; at most ${MAX_BYTES} are read`,
      );
    }
    const buffer = Buffer.alloc(stat.size);
    return buffer.toString('utf8', 0, readSync(file, buffer));
  } finally {
    close(file);
  }
}

/** The id that is written; undefined where none is. */
export function parseId(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

function parseColons(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function readFirst(roots: readonly string[], path: string): string {
  const root = roots.find((each) => hasName(each, path));
  return root === undefined ? '' : (readInside(root, path) ?? '');
}

function hasName(root: string, path: string): boolean {
  try {
    close(openInside(root, path, O_PATH | O_NOFOLLOW));
    return true;
  } catch (error) {
    return !hasCode(error, 'ENOENT');
  }
}

/** Reads an ordinary file inside a root; undefined when there is none. */
function readInside(root: string, path: string): string | undefined {
  let file: number;
  try {
    // O_NONBLOCK: a FIFO must not make us wait for its other end.
    file = openInside(root, path, O_RDONLY | O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO')) return undefined;
    throw error;
  }
  return readUserFile(file, path);
}

function openInside(root: string, path: string, flags: number): number {
  const directory = openat(AT_FDCWD, root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  try {
    const how = OPEN_HOW.encode({ flags: flags | O_CLOEXEC, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS });
    return openat2(directory, path, how, OPEN_HOW.size);
  } finally {
    close(directory);
  }
}
