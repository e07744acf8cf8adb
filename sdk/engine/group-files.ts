/** What is read and written of control groups of version 2 (kernel, Documentation/admin-guide/cgroup-v2.rst). */
import { mkdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '../../syscalls/index.ts';
import { readSetting } from './restrictions.ts';

/** Makes a group that is frozen from the start: what is moved into it makes no step there, and no other process. */
export function makeFrozen(group: string): void {
  try {
    mkdirSync(group);
  } catch (error) {
    // Of somebody who died while he froze it.
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  setFrozen(group, true);
}

/** Freezes a group, or thaws one that may be gone. */
export function setFrozen(group: string, frozen: boolean): void {
  try {
    writeFileSync(join(group, 'cgroup.freeze'), frozen ? '1' : '0', { flag: 'r+' });
  } catch (error) {
    if (frozen || !hasCode(error, 'ENOENT', 'ENODEV')) throw error;
  }
}

/** Whether all in a group stand still. The topmost has no such file, and cannot be frozen. */
export function isFrozen(group: string): boolean {
  return /^frozen 1$/m.test(readSetting(join(group, 'cgroup.events')));
}

/** Who is in a group; none, when there is no such group any more. */
export function processesIn(group: string): number[] {
  return readSetting(join(group, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
}

/**
 * Makes what moves processes into groups, those that have not ended. The first takes as long as a grace period of RCU, some milliseconds in which nothing else
 * need wait; those that follow soon, next to nothing (kernel/cgroup/cgroup.c, cgroup_threadgroup_rwsem). So one that
 * was moved is written once more before the next, who may not be there after such a wait.
 */
export function mover(): (pid: number, group: string) => Promise<void> {
  let first: { readonly pid: number; readonly group: string } | undefined;
  let lastMs = 0;
  return async (pid, group) => {
    first ??= { pid, group };
    if (performance.now() - lastMs > SOON_MS) await writeFile(...write(first)).catch(unlessEnded);
    try {
      writeFileSync(...write({ pid, group }));
    } catch (error) {
      unlessEnded(error);
    }
    lastMs = performance.now();
  };
}

/** Less than a grace period takes. */
const SOON_MS = 2;

function write(join: { readonly pid: number; readonly group: string }) {
  return [`${join.group}/cgroup.procs`, String(join.pid), { flag: 'r+' }] as const;
}

function unlessEnded(error: unknown): void {
  if (!hasCode(error, 'ESRCH')) throw error;
}
