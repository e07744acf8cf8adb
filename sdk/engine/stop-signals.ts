/**
 * Makes processes stand still with signals, where there is no freezer: SIGSTOP can be neither handled nor ignored, and a
 * call that is under way ends before it takes effect. What a process can notice is that it is told to go on (SIGCONT),
 * and its parent that it stood still.
 */
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import type { StoodStill } from '../../store/index.ts';
import { clone, clone3, close, hasCode, pidfd_send_signal } from '../../syscalls/index.ts';
import { openProcess, readProc, readStat } from './processes.ts';
import { type Patience, type Stoppable, stopEach, untilStill } from './standstill.ts';

/** A process, held so that its number cannot become another's. */
interface Held {
  readonly pid: number;
  readonly pidfd: number;
  /** Whether it is we who stopped it. */
  readonly isOurs: boolean;
}

/**
 * Stops processes. When it resolves, none of them makes system calls; when it fails, all go on.
 *
 * @returns those that stood still before
 * @throws CaissonError NOT_FROZEN
 */
export async function stopBySignals(members: Stoppable, patience: Patience): Promise<readonly StoodStill[]> {
  const held = new Map<number, Held>();
  try {
    // A process may make another before it stops: until there is none that was not there.
    for (let count = -1; count < held.size; ) {
      count = held.size;
      await stopEach(members, held, patience, (pid) => stopOne(members, held, pid));
      await untilStill(() => [...held.keys()].filter((pid) => !isStill(pid)), patience);
    }
    return [...held.values()].filter(({ isOurs }) => !isOurs).map(({ pid }) => identify(pid));
  } catch (error) {
    for (const { pidfd, isOurs } of [...held.values()].reverse()) if (isOurs) sendSignal(pidfd, 'SIGCONT');
    throw error;
  } finally {
    for (const { pidfd } of held.values()) close(pidfd);
  }
}

/** Lets processes go on that stand still, but for those that did so before. */
export function continueBySignals(members: Stoppable, stoodStill: readonly StoodStill[]): void {
  const isOther = (pid: number) =>
    stoodStill.some((each) => each.pid === pid && each.startTicks === identify(pid).startTicks);
  // The first process comes last: what it is told of its children, it is told when they go on.
  for (const pid of members.list().reverse()) {
    const pidfd = isOther(pid) ? undefined : openProcess(pid);
    if (pidfd === undefined) continue;
    if (members.has(pid)) sendSignal(pidfd, 'SIGCONT');
    close(pidfd);
  }
}

function identify(pid: number): StoodStill {
  return { pid, startTicks: readStat(pid)?.startTicks ?? 0 };
}

function stopOne(members: Stoppable, held: Map<number, Held>, pid: number): void {
  const pidfd = openProcess(pid);
  if (pidfd === undefined) return;
  // The number may have become another's before it was held.
  if (!members.has(pid)) {
    close(pidfd);
    return;
  }
  const isOurs = !/^[Tt]/.test(stateOf(`/proc/${pid}`) ?? '');
  held.set(pid, { pid, pidfd, isOurs });
  if (isOurs) sendSignal(pidfd, 'SIGSTOP');
}

function sendSignal(pidfd: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
  const result = pidfd_send_signal.attempt(pidfd, constants.signals[signal], null, 0);
  // ESRCH: it has ended, which is as still as can be.
  if (result < 0 && result !== -constants.errno.ESRCH) pidfd_send_signal(pidfd, constants.signals[signal], null, 0);
}

/** Whether no thread of a process runs, or will before it is told to. */
function isStill(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const state = stateOf(`/proc/${pid}/task/${thread}`);
      return state === undefined || /^[TtZX]/.test(state) || (state === 'D' && isInVfork(pid, thread));
    });
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return true;
    throw error;
  }
}

/** man 5 proc_pid_stat: the state follows the name, in which anything may be. */
function stateOf(directory: string): string | undefined {
  const stat = readProc(`${directory}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
}

/** It waits for its child, which is stopped, and until then no signal stops it. */
function isInVfork(pid: number, thread: string): boolean {
  const call = Number(readProc(`/proc/${pid}/task/${thread}/syscall`)?.split(' ')[0] ?? -1);
  return [VFORK, clone.numbers, clone3.numbers].some((numbers) => Object.values(numbers).includes(call));
}

const VFORK = { x64: 58 };
