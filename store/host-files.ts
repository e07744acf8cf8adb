/** What this machine has: its files, of which some are not there or not for everybody, and its programs. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { hasCode } from '../syscalls/index.ts';

/** Reads a text file of this machine; empty where there is none, or it is not for this user. */
export function readHostFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return '';
    throw error;
  }
}

/**
 * Finds a program on the PATH.
 * @param more absolute directories that are looked into as well, after those
 */
export function findProgram(name: string, more: readonly string[] = []): string | undefined {
  const directories = (process.env.PATH ?? '').split(':').filter((directory) => directory.startsWith('/'));
  return [...directories, ...more].map((directory) => `${directory}/${name}`).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
