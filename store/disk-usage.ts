/** How much of a disk what is in a directory takes. */
import { fstatSync, lstatSync, readdirSync, type Stats } from 'node:fs';
import {
  AT_FDCWD,
  close,
  hasCode,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  openat,
} from '../syscalls/index.ts';
import { callAsOwner } from './ids/index.ts';
import { listNames } from './layer/scan.ts';

/** How many entries are looked at before other work of this thread gets its turn. */
const ENTRIES_PER_TURN = 256;

/**
 * What all that is in directories takes, in bytes; a file of several names counts once. What cannot be looked into (a
 * directory of somebody else's that is closed, or deeper than a path may be long) counts as nothing.
 */
export async function diskUsage(...directories: readonly string[]): Promise<number> {
  const counted = new Set<number>();
  const waiting = directories.flatMap((each) => list(Buffer.from(each)));
  let bytes = 0;
  for (let path = waiting.pop(), turn = 1; path !== undefined; path = waiting.pop(), turn++) {
    if (turn % ENTRIES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    const stats = orNothing(() => look(path as Buffer));
    if (stats === undefined) continue;
    if (stats.nlink > 1 && !stats.isDirectory()) {
      if (counted.has(stats.ino)) continue;
      counted.add(stats.ino);
    }
    bytes += stats.blocks * 512;
    if (stats.isDirectory()) waiting.push(...list(path));
  }
  return bytes;
}

const SLASH = Buffer.from('/');

function list(directory: Buffer): Buffer[] {
  const names = orNothing(() => namesIn(directory)) ?? [];
  return names.map((name) => Buffer.concat([directory, SLASH, name]));
}

function namesIn(directory: Buffer): Buffer[] {
  try {
    return readdirSync(directory, { encoding: 'buffer' });
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error;
    const names = asOwner(directory, O_RDONLY | O_DIRECTORY, listNames);
    return names.map((name) => Buffer.from(name, 'latin1'));
  }
}

function look(path: Buffer): Stats {
  try {
    return lstatSync(path);
  } catch (error) {
    if (!hasCode(error, 'EACCES')) throw error;
    return asOwner(path, O_PATH, (fd) => fstatSync(fd));
  }
}

/** Looks at what a subordinate id has, and has closed to this user. */
function asOwner<T>(path: Buffer, flags: number, use: (fd: number) => T): T {
  const bytes = Buffer.concat([path, Buffer.alloc(1)]);
  const fd = callAsOwner(openat, AT_FDCWD, bytes, flags | O_NOFOLLOW | O_CLOEXEC, 0);
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}

function orNothing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}
