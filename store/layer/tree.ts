/**
 * The tree a layer is unpacked into. Names come from strangers, so no path is ever resolved by the string: parents
 * are opened beneath the root's descriptor by a kernel that follows no symbolic link (openat2(2)), and what is done is
 * done to one name in an open directory.
 */
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import {
  CaissonError,
  close,
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
import { attemptAsOwner } from '../ids/index.ts';
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

/**
 * Opens a directory in an open directory, through no symbolic link; undefined when there is none of that name. The
 * caller closes it.
 */
export function openDirectory(directory: number, name: string): number | undefined {
  const path = toBytes(name);
  for (;;) {
    const fd = attemptAsOwner(openat2, directory, path, HOW, OPEN_HOW.size);
    if (fd >= 0) return fd;
    if (NOT_THERE.has(-fd)) return undefined;
    // Asked again, it says as an error what is wrong, unless it was a rename at the same time (EAGAIN).
    if (-fd !== EAGAIN) return openat2(directory, path, HOW, OPEN_HOW.size);
  }
}

const { EAGAIN, EEXIST, ELOOP, ENOENT, ENOTDIR } = constants.errno;
const NOT_THERE: ReadonlySet<number> = new Set([ENOENT, ENOTDIR, ELOOP]);

const HOW = OPEN_HOW.encode({
  flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC,
  resolve: RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
});

/** Opens a directory to unpack a layer into; the caller closes the tree. */
export function openTree(path: string): Tree {
  const root: Directory = { fd: openSync(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), path: '' };
  let current = root;

  /** Makes a directory the one that is open. */
  function stayIn(directory: Directory): Directory {
    if (current !== root) close(current.fd);
    current = directory;
    return directory;
  }

  function open(path: string): Directory | undefined {
    const fd = openDirectory(root.fd, path === '' ? '.' : path);
    return fd === undefined ? undefined : { fd, path };
  }

  function enter(components: Components, made: (directory: Directory) => void): Directory {
    const path = components.join('/');
    if (path === current.path) return current;
    if (components.length === 0) return stayIn(root);
    const there = open(path);
    if (there !== undefined) return stayIn(there);
    const parent = enter(components.slice(0, -1), made);
    const directory = stayIn({ fd: makeDirectory(parent.fd, components.at(-1) ?? ''), path });
    made(directory);
    return directory;
  }

  return {
    root,
    enter,
    open,
    remove(directory, name) {
      const removed = joinPath(directory.path, name);
      if (current.path === removed || current.path.startsWith(`${removed}/`)) stayIn(root);
      removeTreeAt(directory.fd, toBytes(name));
    },
    close() {
      stayIn(root);
      closeSync(root.fd);
    },
  };
}

/** Makes a directory and opens it. What has the name and is no directory gives way. */
function makeDirectory(parent: number, name: string): number {
  const path = toBytes(name);
  const result = mkdirat.attempt(parent, path, 0o700);
  if (result === -EEXIST) unlinkat(parent, path, 0);
  if (result < 0) mkdirat(parent, path, 0o700);
  const fd = openDirectory(parent, name);
  if (fd === undefined) throw new Error(`this is a bug of caisson: '${name}' vanished from a layer being unpacked`);
  return fd;
}
