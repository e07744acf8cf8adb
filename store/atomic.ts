/** Files and directories that appear whole or not at all, also when the power goes. */
import { closeSync, fsync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode, syncfs } from '../syscalls/index.ts';

/** Writes a file under a temporary name, then gives it its own, in place of the one that had it. */
export function writeFileAtomically(temporary: string, path: string, content: string | Uint8Array): void {
  try {
    writeFileSync(temporary, content, { flag: 'wx', flush: true, mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncDirectory(dirname(path));
}

/** Writes to the disk what is in a file. */
export async function syncFile(path: string): Promise<void> {
  const fd = openSync(path, 'r');
  try {
    await new Promise<void>((resolve, reject) => fsync(fd, (error) => (error ? reject(error) : resolve())));
  } finally {
    closeSync(fd);
  }
}

/** Gives a file its name, in place of the one that had it. The file must have been synced to the disk. */
export function publishFile(temporary: string, path: string): void {
  renameSync(temporary, path);
  syncDirectory(dirname(path));
}

/** {@link publishFile} for many, which are on the disk together when this returns. */
export function publishFiles(files: Iterable<readonly [temporary: string, path: string]>): void {
  const directories = new Set<string>();
  for (const [temporary, path] of files) {
    renameSync(temporary, path);
    directories.add(dirname(path));
  }
  for (const directory of directories) syncDirectory(directory);
}

/**
 * Gives a directory its name; false where there is one of that name already, which stays.
 * What is in it must be on the disk ({@link syncDisk}), or noted as what may not be.
 */
export function publishDirectory(temporary: string, path: string): boolean {
  try {
    renameSync(temporary, path);
  } catch (error) {
    // EISDIR and ENOTDIR: one of the two is a link to a directory.
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'EISDIR', 'ENOTDIR')) return false;
    throw error;
  }
  syncDirectory(dirname(path));
  return true;
}

/** Writes to the disk all that was written to the file system that `path` is on: cheaper than a fsync per file. */
export function syncDisk(path: string): void {
  withDescriptor(path, (fd) => syncfs(fd));
}

/** Writes to the disk which names a directory has. */
export function syncDirectory(path: string): void {
  withDescriptor(path, fsyncSync);
}

function withDescriptor(path: string, action: (fd: number) => unknown): void {
  const fd = openSync(path, 'r');
  try {
    action(fd);
  } finally {
    closeSync(fd);
  }
}
