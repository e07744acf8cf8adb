/**
 * Makes the processes of a container stand still for a moment, with signals: SIGSTOP can be neither handled nor
 * ignored, and a call that is under way ends before it takes effect. What a process can notice is that it is told to go
 * on (SIGCONT), and its parent that it stood still.
 */
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { CaissonError, clone, clone3, close, hasCode, pidfd_send_signal } from '../../syscalls/index.ts';
import { membersOf, openProcess, readProc, readStat } from './processes.ts';

/** A container whose processes stand still. */
export interface Frozen {
  /** Lets them go on; those that stood still before do not. Idempotent. */
  thaw(): void;
  /** Leaves them as they are: whoever calls {@link thawOthers} lets them go on. */
  release(): void;
  /** Those that stood still before. */
  readonly stoodStill: readonly StoodStill[];
}

/** A process that stood still, by its id and its start: the id alone may be another's later. */
export interface StoodStill {
  readonly pid: number;
  readonly startTicks: number;
}

/** A process, held so that its number cannot become another's. */
interface Held {
  readonly pid: number;
  readonly pidfd: number;
  /** Whether it is we who stopped it. */
  readonly isOurs: boolean;
}

/** How long processes are waited for that are deep in the kernel: on a disk that does not answer. */
const DEADLINE_MS = 10_000;

/**
 * Stops all processes of the PID namespace that a process is the first of. When it resolves, none of them makes
 * system calls; when it fails, all go on.
 *
 * @throws CaissonError NOT_FROZEN when a process does not stop within ten seconds
 */
export async function freeze(initPid: number, signal?: AbortSignal): Promise<Frozen> {
  const held = new Map<number, Held>();
  const thaw = () => {
    for (const { pidfd, isOurs } of [...held.values()].reverse()) {
      if (isOurs) sendSignal(pidfd, 'SIGCONT');
      close(pidfd);
    }
    held.clear();
  };
  try {
    const deadline = Date.now() + DEADLINE_MS;
    // A process may make another before it is stopped: until there is none that was not there.
    while (stopOthers(initPid, held)) {
      for (;;) {
        const moving = [...held.values()].filter(({ pid }) => !isStill(pid));
        if (moving.length === 0) break;
        signal?.throwIfAborted();
        if (Date.now() > deadline) throw notFrozen(moving.map(({ pid }) => pid));
        // Nothing tells that somebody else's child has stopped.
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    const stoodStill = [...held.values()].filter(({ isOurs }) => !isOurs).map(({ pid }) => identify(pid));
    const release = () => {
      for (const { pidfd } of held.values()) close(pidfd);
      held.clear();
    };
    return { thaw, release, stoodStill };
  } catch (error) {
    thaw();
    throw error;
  }
}

/** Lets all processes of a container go on that stand still, but for some. */
export function thawOthers(initPid: number, others: readonly StoodStill[]): void {
  const members = membersOf(initPid);
  const isOther = (pid: number) =>
    others.some((each) => each.pid === pid && each.startTicks === identify(pid).startTicks);
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

/** Stops the processes that are not held yet; whether there were any. */
function stopOthers(initPid: number, held: Map<number, Held>): boolean {
  const members = membersOf(initPid);
  let isNew = false;
  for (const pid of members.list()) {
    if (held.has(pid)) continue;
    const pidfd = openProcess(pid);
    if (pidfd === undefined) continue;
    // The number may have become another's before it was held.
    if (!members.has(pid)) {
      close(pidfd);
      continue;
    }
    const isOurs = !/^[Tt]/.test(stateOf(`/proc/${pid}`) ?? '');
    held.set(pid, { pid, pidfd, isOurs });
    if (isOurs) sendSignal(pidfd, 'SIGSTOP');
    isNew = true;
  }
  return isNew;
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

function notFrozen(pids: readonly number[]): CaissonError {
  const message = `processes ${pids.join(', ')} of the container do not stop: they are waiting in the kernel`;
  return new CaissonError('NOT_FROZEN', message, { hint: 'try again, or give { pause: false }' });
}
