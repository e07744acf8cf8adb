/** How a container's processes are ended. */
import { constants } from 'node:os';
import { hasCode, kill, pidfd_send_signal } from '../../syscalls/index.ts';
import { END_SIGNAL } from '../plan/signals.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { type Signal, signalNumber } from '../spec/signals.ts';
import { makesNamespace, type Spec } from '../spec/spec.ts';

/**
 * Whether the first process of a container, and of what is executed in it, is a keeper (plan/keeper.ts): without it,
 * what it keeps would go on. So it is told to end all, instead of being ended itself.
 */
export function isKept(spec: Pick<Spec, 'linux'>): boolean {
  return !makesNamespace(spec, 'pid');
}

/** The same of a container that is known by the options it was made with alone. */
export function asksToBeKept(options: Pick<ContainerOptions, 'namespaces'>): boolean {
  return (options.namespaces?.pid ?? 'private') !== 'private';
}

/** Sends a signal to a process of a container; false when it has ended. SIGKILL ends all that it keeps. */
export function signalProcess(pidfd: number, signal: Signal, kept: boolean): boolean {
  const isEnd = kept && signal === 'SIGKILL';
  try {
    pidfd_send_signal(pidfd, isEnd ? END_SIGNAL : signalNumber(signal), null, 0);
    // Whoever has stopped it could otherwise keep it from ending.
    if (isEnd) pidfd_send_signal(pidfd, constants.signals.SIGCONT, null, 0);
    return true;
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false;
    throw error;
  }
}

/**
 * Ends a process and all of its group, which it leads from when it has a session of its own.
 * @param pid of a child of ours that is not reaped: until then the number of its group is nobody else's, either
 * @returns false when it has ended
 */
export function endGroup(pid: number, pidfd: number): boolean {
  const isEnded = signalProcess(pidfd, 'SIGKILL', false);
  // ESRCH: it does not lead a group yet. EPERM: the others have become somebody whom nobody here may signal.
  kill.attempt(-pid, constants.signals.SIGKILL);
  return isEnded;
}
