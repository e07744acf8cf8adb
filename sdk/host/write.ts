import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { hasCode } from '../../syscalls/index.ts';
import { isManualPage, looksLikeKey } from './etc.ts';
import type { SkeletonNode } from './source.ts';

/**
 * Writes the nodes of a skeleton into an empty directory. Synchronous: hundreds of calls of microseconds each.
 *
 * @param host the root directory to copy from; not the real one in tests.
 */
export function writeSkeleton(nodes: readonly SkeletonNode[], into: string, host = ''): void {
  for (const node of nodes) {
    const path = join(into, node.path);
    if (node.kind === 'directory') makeDirectory(path, node.mode);
    else if (node.kind === 'symlink') symlinkSync(node.target, path);
    else if (node.kind === 'file') writeFile(path, node.content, 0o644);
    else copyPublic(host + node.path, path);
  }
}

/** Copies what every user may read: so the copy is the same whoever makes it, and holds no secret of root. */
function copyPublic(from: string, to: string): void {
  // What has gone since it was listed is not in the copy.
  const stat = lstatSync(from, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
  else if (stat?.isDirectory() && (stat.mode & 0o005) === 0o005) {
    makeDirectory(to, 0o755);
    const names = readdirSync(from).filter((name) => !isManualPage(name));
    for (const name of names) copyPublic(join(from, name), join(to, name));
  } else if (stat?.isFile() && (stat.mode & 0o004) === 0o004) {
    const content = readPublic(from);
    if (content !== undefined && !looksLikeKey(basename(from), content)) writeFile(to, content, stat.mode & 0o755);
  }
}

function readPublic(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    // A security module, or a directory above, may forbid what the mode of the file allows.
    if (hasCode(error, 'EACCES', 'EPERM', 'ENOENT')) return undefined;
    throw error;
  }
}

function makeDirectory(path: string, mode: number): void {
  mkdirSync(path);
  chmodSync(path, mode); // the umask has no say
}

function writeFile(path: string, content: string | Buffer, mode: number): void {
  writeFileSync(path, content);
  chmodSync(path, mode);
}
