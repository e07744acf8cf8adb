/** What a container changed, as a list: as `docker diff` has it, with the kinds of what changed. */
import { isUtf8 } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import { CaissonError, close } from '../../syscalls/index.ts';
import { MAX_DEPTH, typeOf } from './describe.ts';
import { enter, leave, lookUp, type MergedDirectory, namesOf, openLower, type Seen } from './merged.ts';
import { isOpaqueAt, isWhiteoutAt } from './overlay.ts';
import type { EntryType } from './read.ts';
import { attributeAt, listNames, statAt } from './scan.ts';
import { joinPath, openDirectory } from './tree.ts';

/** Something that is not as it was. */
export interface Change {
  /** From the root, with a slash at its start; the bytes where they are no UTF-8. */
  readonly path: string | Buffer;
  /** A directory is modified also when only something in it is. */
  readonly kind: 'added' | 'modified' | 'deleted';
  /** Of what is there now, or of what was deleted. */
  readonly type: Exclude<EntryType, 'hardlink'> | 'socket';
}

/** A directory that the changes lie over. */
export interface LowerDirectory {
  readonly path: string;
  /** Where its content is seen, and nothing else below: a path without a slash at either end. @default the root */
  readonly target?: string | undefined;
}

/**
 * What an upper directory of overlayfs changes of those below it, a directory before what is in it.
 *
 * What was copied up and is as it was is no change. Content is not compared: a file that has the size and the time it
 * had counts as the same.
 *
 * @param lowers base first
 */
export function listChanges(upper: string, lowers: readonly LowerDirectory[]): Change[] {
  const roots = lowers.filter(({ target = '' }) => target === '').toReversed();
  const comparison: Comparison = {
    changes: [],
    targets: groupByTarget(lowers),
  };
  const opened: number[] = [];
  const open = (path: string) => {
    opened.unshift(openLower(path));
    return opened[0] as number;
  };
  try {
    const below = roots.map(({ path }) => open(path));
    compare(comparison, { path: '', upper: open(upper), lower: below, depth: 0 });
    return comparison.changes;
  } finally {
    leave(opened);
  }
}

/** The paths at each target, the uppermost first. */
function groupByTarget(lowers: readonly LowerDirectory[]): ReadonlyMap<string, readonly string[]> {
  const targets = new Map<string, string[]>();
  for (const { path, target = '' } of lowers) targets.set(target, [path, ...(targets.get(target) ?? [])]);
  return targets;
}

interface Comparison {
  readonly changes: Change[];
  /** The directories that are seen below others than the root, by where. */
  readonly targets: ReadonlyMap<string, readonly string[]>;
}

/** A directory above, and what was seen in its place; that is nothing where it is new. */
interface Pair {
  readonly path: string;
  readonly upper: number;
  readonly lower: MergedDirectory;
  readonly depth: number;
}

function compare(comparison: Comparison, { path, upper, lower, depth }: Pair): void {
  const { changes } = comparison;
  const there = listNames(upper);
  // A directory that hides those below has removed what is in them and not in it.
  const names = new Set([...there, ...(isOpaqueAt(upper) ? namesOf(lower) : [])]);
  for (const name of [...names].sort()) {
    const before = lookUp(lower, name);
    const stats = statAt(upper, name);
    const isGone = stats === undefined || isWhiteoutAt(upper, name, stats);
    if (isGone && before === undefined) continue;
    const inside = joinPath(path, name);
    const kind = isGone ? 'deleted' : before === undefined ? 'added' : 'modified';
    const count = changes.push(describe(inside, kind, isGone ? (before as Seen).stats : stats));
    if (isGone) continue;
    if (stats.isDirectory()) descend(comparison, { path, upper, lower, depth }, name);
    const isAsBefore = before !== undefined && isSame(before, { directory: upper, stats }, name);
    if (isAsBefore && changes.length === count) changes.pop();
  }
}

function descend(comparison: Comparison, { path, upper, lower, depth }: Pair, name: string): void {
  const inside = joinPath(path, name);
  if (depth >= MAX_DEPTH) {
    throw new CaissonError('LAYER_NOT_PACKED', `'${inside.slice(0, 100)}…' is in more than ${MAX_DEPTH} directories`);
  }
  const directory = openDirectory(upper, name);
  if (directory === undefined) return;
  const target = comparison.targets.get(inside);
  const below = target?.map((path) => openLower(path)) ?? enter(lower, name);
  try {
    compare(comparison, { path: inside, upper: directory, lower: below, depth: depth + 1 });
  } finally {
    leave(below);
    close(directory);
  }
}

/** As Docker compares: the time of a directory changes with what is in it, which is told anyway. */
function isSame(before: Seen, now: Seen, name: string): boolean {
  const same = (...members: readonly (keyof BigIntStats)[]) =>
    members.every((member) => before.stats[member] === now.stats[member]);
  if (!same('mode', 'uid', 'gid', 'rdev')) return false;
  if (!now.stats.isDirectory() && !same('size', 'mtimeNs')) return false;
  const [old, current] = [before, now].map(({ directory }) => attributeAt(directory, name, 'security.capability'));
  return old === undefined || current === undefined ? old === current : old.equals(current);
}

function describe(path: string, kind: Change['kind'], stats: BigIntStats): Change {
  const bytes = Buffer.from(`/${path}`, 'latin1');
  return {
    path: isUtf8(bytes) ? bytes.toString() : bytes,
    kind,
    // A hard link is a file here, as it is one to stat(2).
    type: (typeOf(stats) as Change['type'] | undefined) ?? 'socket',
  };
}
