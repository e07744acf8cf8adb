/**
 * Pauses containers, with signals: there is no control group of a container's own whose freezer could be used. That it
 * is paused, and which of its processes stood still before, is noted on disk, so that any process can let it go on.
 */
import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { containerPaths, type Store } from '../../store/index.ts';
import { hasCode } from '../../syscalls/index.ts';
import { freeze, type StoodStill, thawOthers } from './freeze.ts';

/** Whether a container is paused, while it runs. */
export function isPaused(store: Store, id: string): boolean {
  return existsSync(containerPaths(store, id).paused);
}

/**
 * Makes all processes of a container stand still until {@link resumeContainer}, be it called by another process.
 * @throws CaissonError NOT_FROZEN; then all go on
 */
export async function pauseContainer(store: Store, id: string, initPid: number): Promise<void> {
  const { paused } = containerPaths(store, id);
  // First: if this process dies while it stops them, they can still be told to go on.
  writeFileSync(paused, '[]', { mode: 0o600 });
  try {
    const { stoodStill, release } = await freeze(initPid);
    writeFileSync(paused, JSON.stringify(stoodStill), { mode: 0o600 });
    release();
  } catch (error) {
    forgetPause(store, id);
    throw error;
  }
}

/** Lets the processes of a paused container go on, but for those that stood still before. */
export function resumeContainer(store: Store, id: string, initPid: number): void {
  thawOthers(initPid, readStoodStill(containerPaths(store, id).paused));
  forgetPause(store, id);
}

/** Forgets that a container was paused, when it has ended. */
export function forgetPause(store: Store, id: string): void {
  try {
    unlinkSync(containerPaths(store, id).paused);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

/** What a process that died while it paused the container left is not to be relied upon. */
function readStoodStill(path: string): StoodStill[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as StoodStill[];
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
