/** What was asked of a container by a process that is not its owner: it is there until the container's next start. */
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { hasCode } from '../../syscalls/index.ts';
import { containerPaths, type Store } from '../layout.ts';

/** Whether it is to end, or to be removed. */
export type StopRequest = 'stop' | 'remove';

/** Notes that somebody wants a container's end: from now on nobody starts it again by himself. */
export function askToStop(store: Store, id: string, request: StopRequest): void {
  try {
    writeFileSync(containerPaths(store, id).stopped, request, { mode: 0o600 });
  } catch (error) {
    // It is removed already. Or the disk is full: then the file is there at least, and that it is says to stop.
    if (!hasCode(error, 'ENOENT') && !(hasCode(error, 'ENOSPC', 'EDQUOT') && stopRequestOf(store, id))) throw error;
  }
}

/** What was asked; undefined when nothing was. */
export function stopRequestOf(store: Store, id: string): StopRequest | undefined {
  try {
    return readFileSync(containerPaths(store, id).stopped, 'utf8') === 'remove' ? 'remove' : 'stop';
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Forgets it: the container is being started. */
export function forgetStop(store: Store, id: string): void {
  try {
    unlinkSync(containerPaths(store, id).stopped);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}
