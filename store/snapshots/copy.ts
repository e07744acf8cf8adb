/**
 * Copies a tree as it is: owners, modes, times, all extended attributes, devices, holes, and files of several names as
 * such. Nothing in the source may change meanwhile.
 */
import { type BigIntStats, closeSync, lstatSync, mkdirSync, openSync } from 'node:fs';
import {
  AT_FDCWD,
  close,
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
import { linkAt, listNames, statAt } from '../layer/scan.ts';
import { copyAttributes } from './attributes.ts';
import { type CopyAbilities, copyContent } from './content.ts';

/** Two open directories, and the path of both in their trees: bytes as latin1 text. */
interface Pair {
  readonly from: number;
  readonly to: number;
  readonly path: string;
}

interface Copying {
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
  mkdirSync(to, 0o700);
  let count = 0;
  for (const isPiece of copySteps(from, to)) {
    if (!isPiece && ++count % ENTRIES_PER_TURN !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}

/** Copies an entry, or a piece of a file, at a time: yields which. */
function* copySteps(from: string, to: string): Generator<boolean> {
  const stats = lstatSync(from, { bigint: true });
  yield* withPair(from, to, '', function* (top) {
    const copying = { abilities: { canClone: true, canCopyInKernel: true }, root: top.to, links: new Map() };
    yield* copyDirectory(top, copying);
  });
  copyAttributes(Buffer.from(from), Buffer.from(to), () => true, stats);
}

function* withPair(
  from: string | Buffer,
  to: string | Buffer,
  path: string,
  action: (pair: Pair) => Generator<boolean>,
): Generator<boolean> {
  const source = openToRead(from, O_DIRECTORY);
  try {
    const target = openSync(to, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    try {
      yield* action({ from: source, to: target, path });
    } finally {
      closeSync(target);
    }
  } finally {
    close(source);
  }
}

/** Deep first, because what is made in a directory changes its times. As many are open as the tree is deep. */
function* copyDirectory({ from, to, path }: Pair, copying: Copying): Generator<boolean> {
  for (const name of listNames(from)) {
    const [source, target] = [from, to].map((fd) => Buffer.from(`/proc/self/fd/${fd}/${name}`, 'latin1')) as [
      Buffer,
      Buffer,
    ];
    const stats = statAt(from, name);
    if (stats === undefined) continue;
    const entry = { name: Buffer.from(`${name}\0`, 'latin1'), path: path === '' ? name : `${path}/${name}` };
    if (stats.isDirectory()) {
      mkdirSync(target, 0o700);
      yield* withPair(source, target, entry.path, (inner) => copyDirectory(inner, copying));
    } else if (isLinked(stats, entry, to, copying)) {
      yield false;
      continue;
    } else if (stats.isFile()) yield* copyFile(source, to, entry.name, copying);
    else if (stats.isSymbolicLink()) symlinkat(Buffer.concat([linkAt(from, name), NUL]), to, entry.name);
    else mknodat(to, entry.name, Number(stats.mode), Number(stats.rdev));
    copyAttributes(source, target, () => true, stats);
    yield false;
  }
}

/** Of a file with several names, the second and later ones are made as names of the first. */
function isLinked(
  { nlink, dev, ino }: BigIntStats,
  { name, path }: { name: Buffer; path: string },
  to: number,
  { links, root }: Copying,
): boolean {
  if (nlink === 1n) return false;
  const key = `${dev}:${ino}`;
  const first = links.get(key);
  if (first === undefined) links.set(key, Buffer.from(`${path}\0`, 'latin1'));
  else callAsOwner(linkat, root, first, to, name, 0);
  return first !== undefined;
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
