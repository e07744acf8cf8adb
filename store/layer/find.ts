/** Finds what is at a path of an image, as its containers would: links lead inside, whatever they say. */
import { posix } from 'node:path';
import { leave, type MergedDirectory } from './merged.ts';
import { linkAt, openFileAt } from './scan.ts';
import type { View } from './walk.ts';

/** How many links the kernel follows in a path (MAXSYMLINKS). */
const MAX_LINKS = 40;

/**
 * The directory at a path; undefined when there is none. One name at a time is looked up in directories that are open, so
 * no path is ever resolved by the kernel. The caller leaves what is returned, unless it is the root itself.
 */
export function findDirectory(view: View, root: MergedDirectory, path: string): MergedDirectory | undefined {
  const entered: MergedDirectory[] = [];
  const pending = split(Buffer.from(path).toString('latin1'));
  let found: MergedDirectory | undefined;
  try {
    for (let links = 0; pending.length > 0; ) {
      const name = pending.shift() as string;
      if (name === '..') leaveAll(entered.splice(-1));
      if (name === '..') continue;
      const top = entered.at(-1) ?? root;
      const seen = view.look(top, name);
      if (seen?.stats.isSymbolicLink() === true && ++links <= MAX_LINKS) {
        const target = linkAt(seen.directory, name).toString('latin1');
        if (target.startsWith('/')) leaveAll(entered.splice(0));
        pending.unshift(...split(target));
        continue;
      }
      const below = seen?.stats.isDirectory() === true ? view.enter(top, name) : [];
      if (below.length === 0) return undefined;
      entered.push(below);
    }
    found = entered.pop() ?? root;
    return found;
  } finally {
    leaveAll(entered);
  }
}

/**
 * Opens the ordinary file at a path; undefined when there is none. As with {@link findDirectory}, no path is resolved by
 * the kernel. The caller closes it.
 */
export function findFile(view: View, root: MergedDirectory, path: string): number | undefined {
  for (let links = 0, at = path; links <= MAX_LINKS; links++) {
    const name = posix.basename(at);
    const parent = findDirectory(view, root, posix.dirname(at));
    if (parent === undefined) return undefined;
    try {
      const seen = view.look(parent, name);
      // A device is not even opened.
      if (seen?.stats.isFile() === true) return openFileAt(seen.directory, name)?.fd;
      if (seen?.stats.isSymbolicLink() !== true) return undefined;
      const target = linkAt(seen.directory, name).toString();
      // Not normalized: what comes before a '..' may be a link.
      at = target.startsWith('/') ? target : `${posix.dirname(at)}/${target}`;
    } finally {
      if (parent !== root) leave(parent);
    }
  }
  return undefined;
}

function leaveAll(directories: readonly MergedDirectory[]): void {
  for (const each of directories) leave(each);
}

/** Names are bytes as latin1 text. */
function split(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}
