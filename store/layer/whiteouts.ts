/**
 * How a layer says that something of the layers below is gone: names that begin with `.wh.` (image-spec, layer.md).
 * Overlay has its own form: a character device 0:0 for anything, an attribute on a directory that hides those below.
 *
 * Everybody may make that device, without any capability, since Linux 5.8 (fs/namei.c: vfs_mknod), and overlay in a
 * user namespace needs 5.11 anyway. So root and others get the same, but for the attribute's name.
 *
 * What is removed is only ever of the layers below, wherever in the archive it says so.
 */
import { lstatSync } from 'node:fs';
import { CaissonError, close, fsetxattr, hasCode, makedev, mknodat, S_IFCHR, unlinkat } from '../../syscalls/index.ts';
import { OPAQUE_ATTRIBUTES } from './opaque.ts';
import { type Directory, joinPath, pathInDirectory, type Tree, toBytes } from './tree.ts';

/** What the name of something begins with that removes what has the rest of the name. */
export const PREFIX = '.wh.';
/** The name of what hides all below the directory it is in. */
export const OPAQUE = '.wh..wh..opq';
/** aufs kept its own books in layers, under names that are whiteouts of whiteouts. */
const AUFS_PREFIX = '.wh..wh.';

/** What one layer removes. */
export interface Whiteouts {
  /** Removes what a name that {@link isWhiteout} speaks of, from what is below `parent`. */
  add(parent: Directory, name: string): void;
  /** To be told of each directory that is new. */
  directoryMade(directory: Directory): void;
  /** Takes back what turned out to be without effect, when the layer is complete. */
  finish(): void;
}

/** Whether a name in an archive is no file, but removes one. */
export function isWhiteout(name: string): boolean {
  return name.startsWith(PREFIX);
}

/** Whether a name is of aufs' books, and nothing else. */
export function isAufsName(name: string): boolean {
  return name.startsWith(AUFS_PREFIX) && name !== OPAQUE;
}

/** @param isRoot whether overlay reads `trusted.*` attributes of this layer, or `user.*` */
export function trackWhiteouts(tree: Tree, isRoot: boolean): Whiteouts {
  const removed = new Set<string>();
  const opaque = new Set<string>();

  function makeOpaque({ fd, path }: Directory): void {
    opaque.add(path);
    fsetxattr(fd, OPAQUE_ATTRIBUTES[isRoot ? 0 : 1], Buffer.from('y'), 1, 0);
  }

  return {
    add(parent, name) {
      if (name === OPAQUE) {
        makeOpaque(parent);
        return;
      }
      const hidden = name.slice(PREFIX.length);
      if (['', '.', '..'].includes(hidden)) throw new CaissonError('LAYER_INVALID', `'${name}' removes nothing`);
      const path = joinPath(parent.path, hidden);
      removed.add(path);
      if (makeDevice(parent, hidden)) return;
      // The layer has something of that name itself, which stays; a directory hides the one below.
      const directory = tree.open(path);
      if (directory === undefined) return;
      makeOpaque(directory);
      close(directory.fd);
    },
    directoryMade(directory) {
      if (removed.has(directory.path) || opaque.has(directory.path)) makeOpaque(directory);
    },
    finish() {
      if (opaque.size === 0) return;
      for (const path of removed) if (isBelow(path, opaque)) removeDevice(tree, path);
    },
  };
}

function makeDevice(parent: Directory, name: string): boolean {
  try {
    mknodat(parent.fd, toBytes(name), S_IFCHR, makedev(0, 0));
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function isBelow(path: string, directories: ReadonlySet<string>): boolean {
  const components = path.split('/');
  return components.some((_, index) => directories.has(components.slice(0, index).join('/')));
}

/**
 * Where a directory hides all that is below, there is nothing to be removed; and overlay lists the devices of a
 * directory that it does not merge with another.
 */
function removeDevice(tree: Tree, path: string): void {
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  const directory = tree.open(path.slice(0, Math.max(slash, 0)));
  if (directory === undefined) return;
  const stats = lstatSync(pathInDirectory(directory, name), { throwIfNoEntry: false });
  if (stats?.isCharacterDevice() && stats.rdev === 0) unlinkat(directory.fd, toBytes(name), 0);
  close(directory.fd);
}
