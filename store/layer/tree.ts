/**
 * The tree a layer is unpacked into. Names come from strangers, so no path is ever resolved by the string: parents
 * are opened beneath the root's descriptor by a kernel that follows no symbolic link (openat2(2)), and what is done is
 * done to one name in an open directory.
 */
import { closeSync, openSync } from 'node:fs';
import {
  CaissonError,
  close,
  hasCode,
  mkdirat,
  O_CLOEXEC,
  O_DIRECTORY,
  O_RDONLY,
  OPEN_HOW,
  openat2,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  unlinkat,
} from '../../syscalls/index.ts';
import { removeTreeAt } from '../remove.ts';

/** A name of an entry, taken apart: bytes as latin1 text, one character each, without `.` and slashes. */
export type Components = readonly string[];

/** An open directory. */
export interface Directory {
  readonly fd: number;
  /** From the root, bytes as latin1 text, no slash at either end; empty for the root. */
  readonly path: string;
}

/** The directory that a layer is unpacked into. */
export interface Tree {
  readonly root: Directory;
  /**
   * The directory of that name, made with all above it where they are missing; what is in the way and is no directory
   * is removed. It stays open until the next call.
   *
   * @param made is told of each directory that was made
   */
  enter(components: Components, made: (directory: Directory) => void): Directory;
  /** The directory of that name as it is now; undefined when there is none. The caller closes it. */
  open(path: string): Directory | undefined;
  /** Removes what has that name in an open directory. That there is nothing is no error. */
  remove(directory: Directory, name: string): void;
  close(): void;
}

/**
 * Takes a name from an archive apart. An absolute one is taken from the layer's root, as everywhere.
 * @throws CaissonError LAYER_INVALID when it has `..` in it
 */
export function splitName(name: Buffer): Components {
  const components = name.toString('latin1').split('/');
  if (components.includes('..')) {
    throw new CaissonError('LAYER_INVALID', `'${name.toString()}' is a way out of the layer`);
  }
  return components.filter((component) => component !== '' && component !== '.');
}

/** A name as system calls take it: its bytes, and the NUL that ends them. */
export function toBytes(latin1: string): Buffer {
  return Buffer.from(`${latin1}\0`, 'latin1');
}

/** The path of a name in a directory, in the form {@link Directory} has it. */
export function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** A name in an open directory as one path, for system calls that take no descriptor. The kernel reads no link in it. */
export function pathInDirectory({ fd }: Directory, name: string): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}/${name}`, 'latin1');
}

/** Opens a directory to unpack a layer into; the caller closes the tree. */
export function openTree(path: string): Tree {
  const root: Directory = { fd: openSync(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path: '' };
  let current = root;

  function leave(): void {
    if (current !== root) close(current.fd);
    current = root;
  }

  return {
    root,
    enter(components, made) {
      const wanted = components.join('/');
      if (wanted === current.path) return current;
      leave();
      if (components.length > 0) current = openIfThere(root, wanted) ?? makeAll(root, components, made);
      return current;
    },
    open: (wanted) => (wanted === '' ? openIfThere(root, '.', '') : openIfThere(root, wanted)),
    remove(directory, name) {
      const removed = joinPath(directory.path, name);
      if (current.path === removed || current.path.startsWith(`${removed}/`)) leave();
      removeTreeAt(directory.fd, toBytes(name));
    },
    close() {
      leave();
      closeSync(root.fd);
    },
  };
}

function makeAll(root: Directory, components: Components, made: (directory: Directory) => void): Directory {
  let directory = root;
  for (const name of components) {
    const next = openOrMake(directory, name, made);
    if (directory !== root) close(directory.fd);
    directory = next;
  }
  return directory;
}

function openOrMake(parent: Directory, name: string, made: (directory: Directory) => void): Directory {
  const path = joinPath(parent.path, name);
  const there = openIfThere(parent, name, path);
  if (there !== undefined) return there;
  try {
    unlinkat(parent.fd, toBytes(name), 0);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  mkdirat(parent.fd, toBytes(name), 0o700);
  const directory = openIfThere(parent, name, path);
  if (directory === undefined)
    throw new Error(`this is a bug of caisson: '${path}' vanished from a layer being unpacked`);
  made(directory);
  return directory;
}

const HOW = OPEN_HOW.encode({
  flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC,
  resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
});

function openIfThere(from: Directory, name: string, path = name): Directory | undefined {
  for (;;) {
    try {
      return { fd: openat2(from.fd, toBytes(name), HOW, OPEN_HOW.size), path };
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return undefined;
      if (!hasCode(error, 'EAGAIN')) throw error;
    }
  }
}
