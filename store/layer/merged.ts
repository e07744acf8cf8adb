/**
 * Several directories seen as overlayfs shows them, without a mount: what an upper one has hides what is below, a
 * whiteout removes it, and an opaque directory hides all of it.
 */
import type { BigIntStats } from 'node:fs';
import { AT_FDCWD, close, O_CLOEXEC, O_DIRECTORY, O_RDONLY, openat } from '../../syscalls/index.ts';
import { isOpaqueAt, isWhiteoutAt } from './overlay.ts';
import { listNames, statAt } from './scan.ts';
import { openDirectory } from './tree.ts';

/** The directories of one path that are seen as one: descriptors, the uppermost first. */
export type MergedDirectory = readonly number[];

/** What is seen at a name. */
export interface Seen {
  /** The directory it lies in. */
  readonly directory: number;
  readonly stats: BigIntStats;
}

/** What is seen at a name of a merged directory; undefined when there is nothing. */
export function lookUp(directories: MergedDirectory, name: string): Seen | undefined {
  for (const directory of directories) {
    const stats = statAt(directory, name);
    if (stats === undefined) continue;
    return isWhiteoutAt(directory, name, stats) ? undefined : { directory, stats };
  }
  return undefined;
}

/** The names that are seen in a merged directory, in the order of their bytes. */
export function namesOf(directories: MergedDirectory): string[] {
  const names = new Set(directories.flatMap(listNames));
  return [...names].filter((name) => lookUp(directories, name) !== undefined).sort();
}

/** Opens the directory that is seen at a name; none where something else is. The caller closes it with {@link leave}. */
export function enter(directories: MergedDirectory, name: string): MergedDirectory {
  const entered: number[] = [];
  for (const directory of directories) {
    const stats = statAt(directory, name);
    if (stats === undefined) continue;
    const opened = stats.isDirectory() ? openDirectory(directory, name) : undefined;
    if (opened === undefined) break;
    entered.push(opened);
    if (isOpaqueAt(opened)) break;
  }
  return entered;
}

/** Opens a directory of this machine as one of those that are merged. The caller closes it with {@link leave}. */
export function openLower(path: string): number {
  return openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

/**
 * Closes what {@link enter} and {@link openLower} opened. Not with node:fs, which in worker threads keeps account of what
 * it has opened itself.
 */
export function leave(directories: MergedDirectory): void {
  for (const directory of directories) close(directory);
}
