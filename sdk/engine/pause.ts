/**
 * Pauses containers, with signals: there is no control group of a container's own whose freezer could be used. That it
 * is paused, and which of its processes stood still before, is noted on disk, so that any process can let it go on.
 */
import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { containerPaths, readContainerState, type Store } from '../../store/index.ts';
import { hasCode } from '../../syscalls/index.ts';
import { freeze, type StoodStill, thawOthers } from './freeze.ts';

/** What is noted: which run was paused, and who stood still before. */
interface Pause {
  readonly run: number;
  readonly stoodStill: readonly StoodStill[];
}

/** Whether a container is paused, while it runs. A run that its supervisor has begun since is not. */
export function isPaused(store: Store, id: string): boolean {
  const { paused } = containerPaths(store, id);
  if (!existsSync(paused)) return false;
  const pause = readPause(paused);
  return pause === undefined || pause.run === runOf(store, id);
}

/** Which run a container is in: when it began. */
function runOf(store: Store, id: string): number {
  return Number(readContainerState(store, id)?.startedAt ?? 0);
}

/**
 * Makes all processes of a container stand still until {@link resumeContainer}, be it called by another process.
 * @throws CaissonError NOT_FROZEN; then all go on
 */
export async function pauseContainer(store: Store, id: string, initPid: number): Promise<void> {
  const { paused } = containerPaths(store, id);
  // First: if this process dies while it stops them, they can still be told to go on.
  const write = (stoodStill: readonly StoodStill[]) => {
    writeFileSync(paused, JSON.stringify({ run: runOf(store, id), stoodStill } satisfies Pause), { mode: 0o600 });
  };
  write([]);
  try {
    const { stoodStill, release } = await freeze(initPid);
    write(stoodStill);
    release();
  } catch (error) {
    forgetPause(store, id);
    throw error;
  }
}

/** Lets the processes of a paused container go on, but for those that stood still before. */
export function resumeContainer(store: Store, id: string, initPid: number): void {
  thawOthers(initPid, readPause(containerPaths(store, id).paused)?.stoodStill ?? []);
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
function readPause(path: string): Pause | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Pause;
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
