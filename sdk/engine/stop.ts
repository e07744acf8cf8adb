/** Ending a process with grace. */
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { hasCode } from '../../syscalls/index.ts';
import type { Image } from '../image.ts';
import type { ContainerOptions } from '../spec/options.ts';
import type { ExitStatus } from './exit-status.ts';

/** How to stop a container. */
export interface StopOptions {
  /** How long it has, in milliseconds, before it gets SIGKILL. @default 10 000 */
  readonly timeoutMs?: number | undefined;
  /** What it gets first. @default the container's `stopSignal` */
  readonly signal?: NodeJS.Signals | undefined;
}

/** A process that can be stopped. */
export interface Stoppable {
  readonly pid: number;
  /** Whether it is an init of ours. */
  readonly isReaper: boolean;
  kill(signal: NodeJS.Signals): unknown;
  wait(): Promise<ExitStatus>;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** The signal that a container is asked to end by: its own, or its image's. */
export function stopSignalOf({
  options,
  image,
}: {
  readonly options: ContainerOptions;
  readonly image: Image;
}): NodeJS.Signals {
  return options.stopSignal ?? ((image.config.StopSignal ?? 'SIGTERM') as NodeJS.Signals);
}

/**
 * Sends a signal, then SIGKILL to what is still there after the grace. The first process of a PID namespace gets no
 * signal that it has no handler for (man 7 pid_namespaces); one that neither handles nor blocks this one would only
 * make its owner wait, so it gets SIGKILL at once.
 */
export async function stopProcess(
  process: Stoppable,
  signal: NodeJS.Signals,
  timeoutMs = DEFAULT_TIMEOUT_MS,
): Promise<ExitStatus> {
  // An init of ours takes every signal, which cannot be seen: while it waits for one, the kernel shows it as not blocked.
  process.kill(process.isReaper || canReceive(process.pid, signal) ? signal : 'SIGKILL');
  const timer = setTimeout(() => process.kill('SIGKILL'), timeoutMs);
  try {
    return await process.wait();
  } finally {
    clearTimeout(timer);
  }
}

/** Whether any thread of a process handles or blocks a signal. */
function canReceive(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some((thread) => {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      const bit = 1n << BigInt(constants.signals[signal] - 1);
      return ['SigCgt', 'SigBlk'].some((set) => (signalSet(status, set) & bit) !== 0n);
    });
  } catch (error) {
    // It has ended, or ends just now.
    if (hasCode(error, 'ENOENT', 'ESRCH')) return true;
    throw error;
  }
}

/** A line of /proc/PID/status: signals as hexadecimal bits, signal 1 the lowest (man 5 proc_pid_status). */
function signalSet(status: string, name: string): bigint {
  return BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
}
