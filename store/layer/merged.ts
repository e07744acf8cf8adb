/**
 * Several directories seen as overlayfs shows them, without a mount: what an upper one has hides what is below, a
 * whiteout removes it, and an opaque directory hides all of it.
 */
import type { BigIntStats } from 'node:fs';
import { closeSync } from 'node:fs';
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

/** Closes what {@link enter} opened. */
export function leave(directories: MergedDirectory): void {
  for (const directory of directories) closeSync(directory);
}
