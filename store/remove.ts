/**
 * Removes trees that containers and images made: as deep, as wide and with modes as odd as they please, and
 * perhaps still changing. Every step is made relative to an open directory and follows no symbolic link.
 *
 * A directory that is not empty is first moved up beside the others, so neither the depth of the tree nor the
 * length of a path matters, and two directories are open at a time.
 */
import { chmodSync, fstatSync, readdirSync } from 'node:fs';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  close,
  hasCode,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  openat,
  RENAME_NOREPLACE,
  renameat2,
  unlinkat,
} from '../syscalls/index.ts';
import { takeBack } from './ids/index.ts';

/** How many entries are removed before other work of this thread gets its turn. */
const ENTRIES_PER_TURN = 256;

/** A name, or its bytes with the NUL that ends them. */
type Name = string | Uint8Array;

/**
 * Removes a file or a tree. What is small is gone when this returns, what is big when the promise resolves.
 * That there is nothing at `path` is no error.
 */
export function removeTree(path: string): Promise<void> {
  return inTurns(steps(AT_FDCWD, path));
}

/** As {@link removeTree}, all of it before it returns: for when this thread ends. */
export function removeTreeNow(path: string): void {
  removeTreeAt(AT_FDCWD, path);
}

/** Removes what an open directory has under `name`, at once. */
export function removeTreeAt(directory: number, name: Name): void {
  const removal = steps(directory, name);
  while (removal.next().done !== true);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function inTurns(removal: Generator<void>): Promise<void> {
  try {
    if (removal.next().done === true) return Promise.resolve();
  } catch (error) {
    return Promise.reject(error);
  }
  return (async () => {
    do await nextTurn();
    while (removal.next().done !== true);
  })();
}

function* steps(at: number, path: Name): Generator<void> {
  const top = openDirectory(at, path);
  if (top === undefined) return unlink(at, path, 0);
  try {
    const removal = { top, moveUp: mover(top), isTurnOver: counter(ENTRIES_PER_TURN) };
    for (let entries = list(top); entries.length > 0; entries = list(top)) {
      for (const { name, isDirectory } of entries) {
        if (isDirectory) yield* empty(removal, name);
        else unlink(top, name, 0);
        if (removal.isTurnOver()) yield;
      }
    }
  } finally {
    close(top);
  }
  unlink(at, path, AT_REMOVEDIR);
}

/** A tree on its way. */
interface Removal {
  /** The directory that all is moved up to. */
  readonly top: number;
  moveUp(from: number, name: Name): void;
  isTurnOver(): boolean;
}

function counter(limit: number): () => boolean {
  let count = 0;
  return () => ++count % limit === 0;
}

/** Empties a directory in `top` and removes it; the directories in it become its siblings. */
function* empty({ top, moveUp, isTurnOver }: Removal, name: Name): Generator<void> {
  const directory = openDirectory(top, name);
  if (directory === undefined) return;
  try {
    for (const child of list(directory)) {
      if (child.isDirectory) moveUp(directory, child.name);
      else unlink(directory, child.name, 0);
      if (isTurnOver()) yield;
    }
  } finally {
    close(directory);
  }
  unlink(top, name, AT_REMOVEDIR);
}

function mover(top: number): (from: number, name: Name) => void {
  let counter = 0;
  return (from, name) => {
    // Linux wants a directory that gets another parent to be writable: its '..' changes.
    const directory = openDirectory(from, name);
    if (directory === undefined) return;
    close(directory);
    for (;;) {
      try {
        renameat2(from, name, top, `.removed-${counter++}`, RENAME_NOREPLACE);
        return;
      } catch (error) {
        if (hasCode(error, 'ENOENT')) return;
        if (!hasCode(error, 'EEXIST')) throw error;
      }
    }
  };
}

/** That it is gone, has something in it again, or has become something else is seen by the next look. */
function unlink(at: number, name: Name, flags: number): void {
  try {
    unlinkat(at, name, flags);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'EISDIR', 'ENOTDIR')) throw error;
  }
}

/** Opens a directory, made ours to read and write if it was not; undefined when it is no (longer a) directory. */
function openDirectory(at: number, name: Name): number | undefined {
  let handle: number | undefined;
  try {
    handle = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
    const { uid, mode } = fstatSync(handle);
    if (uid !== process.geteuid?.()) takeBack(handle);
    // chmod(2) of the name could be led to another file by a symbolic link; of the descriptor it cannot.
    if ((mode & 0o700) !== 0o700) chmodSync(`/proc/self/fd/${handle}`, 0o700);
    return openat(handle, '.', O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
    throw error;
  } finally {
    if (handle !== undefined) close(handle);
  }
}

function list(directory: number): { readonly name: Uint8Array; readonly isDirectory: boolean }[] {
  const options = { encoding: 'buffer', withFileTypes: true } as const;
  return readdirSync(`/proc/self/fd/${directory}`, options).map((entry) => ({
    name: Buffer.concat([entry.name, NUL]),
    isDirectory: entry.isDirectory(),
  }));
}

const NUL = Buffer.alloc(1);
