/** How much of a disk what is in a directory takes. */
import { lstatSync, readdirSync } from 'node:fs';
import { hasCode } from '../syscalls/index.ts';

/** How many entries are looked at before other work of this thread gets its turn. */
const ENTRIES_PER_TURN = 256;

/**
 * What all that is in directories takes, in bytes; a file of several names counts once. What cannot be looked into (a
 * directory closed to this user, or deeper than a path may be long) counts as nothing.
 */
export async function diskUsage(...directories: readonly string[]): Promise<number> {
  const counted = new Set<number>();
  const waiting = directories.flatMap((each) => list(Buffer.from(each)));
  let bytes = 0;
  for (let path = waiting.pop(), turn = 1; path !== undefined; path = waiting.pop(), turn++) {
    if (turn % ENTRIES_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    const stats = orNothing(() => lstatSync(path as Buffer));
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
  const names = orNothing(() => readdirSync(directory, { encoding: 'buffer' })) ?? [];
  return names.map((name) => Buffer.concat([directory, SLASH, name]));
}

function orNothing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}
