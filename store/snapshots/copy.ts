/**
 * Copies a tree as it is: owners, modes, times, all extended attributes, devices, holes, and files of several names as
 * such. Nothing in the source may change meanwhile.
 */
import { type BigIntStats, closeSync, fstatSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import {
  AT_FDCWD,
  close,
  hasCode,
  linkat,
  mknodat,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  openat,
  symlinkat,
} from '../../syscalls/index.ts';
import { callAsOwner } from '../ids/index.ts';
import { leave, type MergedDirectory } from '../layer/merged.ts';
import { linkAt } from '../layer/scan.ts';
import { PLAIN, type View } from '../layer/walk.ts';
import { copyAttributes, isNoUpperNote } from './attributes.ts';
import { type CopyAbilities, copyContent } from './content.ts';

/** What is copied, open, and the directory it goes to; and the path of both in their trees: bytes as latin1 text. */
interface Pair {
  readonly from: MergedDirectory;
  readonly to: number;
  readonly path: string;
}

interface Copying {
  readonly view: View;
  /** Gives a copy the attributes of what it is a copy of. */
  readonly attribute: (from: Buffer, to: Buffer, stats: BigIntStats) => void;
  /** Whether what this user may not copy is left out; else it is an error. */
  readonly isLenient: boolean;
  readonly abilities: CopyAbilities;
  /** The copy's directory, from which paths lead to files that were copied. */
  readonly root: number;
  /** Where the copy of a file is that has other names still to come. */
  readonly links: Map<string, Buffer>;
}

/** How many entries are copied before other work of this thread gets its turn. */
const ENTRIES_PER_TURN = 128;

/**
 * Copies a directory with all that is in it to a path where nothing is. What fails on the way leaves what was copied:
 * the caller removes it.
 *
 * @param signal stops copying; its reason is the error
 */
export async function copyTree(from: string, to: string, signal?: AbortSignal): Promise<void> {
  const source = openToRead(from, O_DIRECTORY);
  const attribute = (...[one, other, stats]: Parameters<Copying['attribute']>) =>
    copyAttributes(one, other, () => true, stats);
  try {
    await inTurns(copySteps([source], to, { view: PLAIN, attribute, isLenient: false }), signal);
  } finally {
    close(source);
  }
}

/**
 * {@link copyTree} of what several directories show as one. What overlayfs notes in them is not copied, nor is what this
 * user may not read; what he may not give its owner becomes his own.
 *
 * @param from stays open
 */
export async function copyMerged(view: View, from: MergedDirectory, to: string): Promise<void> {
  const attribute = (...[one, other, stats]: Parameters<Copying['attribute']>) => {
    try {
      copyAttributes(one, other, isNoUpperNote, stats);
    } catch (error) {
      if (!hasCode(error, 'EPERM', 'EINVAL')) throw error;
      copyAttributes(one, other, isNoUpperNote, withOwner(stats, lstatSync(other, { bigint: true })));
    }
  };
  await inTurns(copySteps(from, to, { view, attribute, isLenient: true }));
}

function withOwner(stats: BigIntStats, { uid, gid }: BigIntStats): BigIntStats {
  return Object.assign(Object.create(Object.getPrototypeOf(stats)), stats, { uid, gid });
}

async function inTurns(steps: Generator<boolean>, signal?: AbortSignal): Promise<void> {
  let count = 0;
  for (const isPiece of steps) {
    if (!isPiece && ++count % ENTRIES_PER_TURN !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}

/** Copies an entry, or a piece of a file, at a time: yields which. */
function* copySteps(
  from: MergedDirectory,
  to: string,
  how: Pick<Copying, 'view' | 'attribute' | 'isLenient'>,
): Generator<boolean> {
  const [top = -1] = from;
  const stats = fstatSync(top, { bigint: true });
  mkdirSync(to, 0o700);
  const root = openToWrite(to);
  try {
    const copying = { ...how, abilities: { canClone: true, canCopyInKernel: true }, root, links: new Map() };
    yield* copyDirectory({ from, to: root, path: '' }, copying);
  } finally {
    closeSync(root);
  }
  how.attribute(Buffer.from(`/proc/self/fd/${top}/.`), Buffer.from(to), stats);
}

/** Deep first, because what is made in a directory changes its times. As many are open as the tree is deep. */
function* copyDirectory({ from, to, path }: Pair, copying: Copying): Generator<boolean> {
  for (const name of copying.view.names(from)) {
    const seen = copying.view.look(from, name);
    if (seen === undefined) continue;
    const { stats, directory } = seen;
    const [source, target] = [directory, to].map((fd) => Buffer.from(`/proc/self/fd/${fd}/${name}`, 'latin1')) as [
      Buffer,
      Buffer,
    ];
    const entry = { name: Buffer.from(`${name}\0`, 'latin1'), path: path === '' ? name : `${path}/${name}` };
    try {
      if (stats.isDirectory()) yield* copyInner(from, name, { target, path: entry.path }, copying);
      else if (isLinked(stats, entry, to, copying)) {
        yield false;
        continue;
      } else if (stats.isFile()) yield* copyFile(source, to, entry.name, copying);
      else if (stats.isSymbolicLink()) symlinkat(Buffer.concat([linkAt(directory, name), NUL]), to, entry.name);
      else mknodat(to, entry.name, Number(stats.mode), Number(stats.rdev));
    } catch (error) {
      if (!copying.isLenient || !hasCode(error, 'EPERM', 'EACCES')) throw error;
      copying.links.delete(keyOf(stats));
      continue;
    }
    copying.attribute(source, target, stats);
    yield false;
  }
}

function* copyInner(
  from: MergedDirectory,
  name: string,
  { target, path }: { readonly target: Buffer; readonly path: string },
  copying: Copying,
): Generator<boolean> {
  mkdirSync(target, 0o700);
  const inner = copying.view.enter(from, name);
  try {
    const opened = openToWrite(target);
    try {
      yield* copyDirectory({ from: inner, to: opened, path }, copying);
    } finally {
      closeSync(opened);
    }
  } finally {
    leave(inner);
  }
}

function openToWrite(path: string | Buffer): number {
  return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/** Of a file with several names, the second and later ones are made as names of the first. */
function isLinked(
  stats: BigIntStats,
  { name, path }: { name: Buffer; path: string },
  to: number,
  { links, root }: Copying,
): boolean {
  if (stats.nlink === 1n) return false;
  const key = keyOf(stats);
  const first = links.get(key);
  if (first === undefined) links.set(key, Buffer.from(`${path}\0`, 'latin1'));
  else callAsOwner(linkat, root, first, to, name, 0);
  return first !== undefined;
}

function keyOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

function* copyFile(source: Buffer, to: number, name: Buffer, { abilities }: Copying): Generator<boolean> {
  const input = openToRead(source);
  try {
    const output = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600);
    try {
      for (const _ of copyContent(input, output, abilities)) yield true;
    } finally {
      close(output);
    }
  } finally {
    close(input);
  }
}

/** Also what its owner, a container's root, may have forbidden himself to read. */
function openToRead(path: string | Buffer, flags = 0): number {
  const terminated = Buffer.concat([Buffer.from(path), NUL]);
  return callAsOwner(openat, AT_FDCWD, terminated, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags, 0);
}

const NUL = Buffer.alloc(1);
