/** Ending a process with grace. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { CLOCK_BOOTTIME, hasCode } from '../../syscalls/index.ts';
import type { Image } from '../image.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { normalizeSignal, parseStopSignal, type Signal, signalNumber } from '../spec/signals.ts';
import { readMs } from './clock.ts';
import type { ExitStatus } from './exit-status.ts';
import { readStat, ticksToMs } from './processes.ts';

/** How to stop a container. */
export interface StopOptions {
  /**
   * How long it has, in milliseconds, before it gets SIGKILL. A first process that leaves the signal to the kernel would
   * never get it (man 7 pid_namespaces), and gets SIGKILL at once; in the first 250 ms of its life, once it has shown by
   * their end that it installs no handler. @default 10 000
   */
  readonly timeoutMs?: number | undefined;
  /** What it gets first: a name, or a number from 1 to 64. @default the container's `stopSignal` */
  readonly signal?: Signal | undefined;
}

/** How a container is stopped, by its user or at the end of a block. */
export interface StopRequest extends StopOptions {
  /** Whether it is removed next, with all that it could still save: then a young process is not waited for. */
  readonly isLast?: boolean | undefined;
}

/** A process that can be stopped. */
export interface Stoppable {
  readonly pid: number;
  /** Whether it is an init of ours. */
  readonly isReaper: boolean;
  kill(signal: Signal): unknown;
  wait(): Promise<ExitStatus>;
}

/** How long a container has to end when nobody says otherwise. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** The signal that a container is asked to end by: its own, or its image's, if that is one. */
export function stopSignalOf({
  options,
  image,
}: {
  readonly options: ContainerOptions;
  readonly image: Image;
}): Signal {
  if (options.stopSignal !== undefined) return normalizeSignal(options.stopSignal);
  return parseStopSignal(image.config.StopSignal ?? '') ?? 'SIGTERM';
}

/**
 * Sends a signal, then SIGKILL to what is still there after the grace. The first process of a PID namespace gets no
 * signal that it has no handler for (man 7 pid_namespaces); one that leaves this one to the kernel would only make its
 * owner wait, so it gets SIGKILL at once. But a young one may just be about to install its handler; and who ignores the
 * signal has said that he wants his time.
 */
export async function stopProcess(
  process: Stoppable,
  { signal, timeoutMs = DEFAULT_TIMEOUT_MS, isLast = false }: StopRequest & { readonly signal: Signal },
): Promise<ExitStatus> {
  // An init of ours takes every signal, which cannot be seen: while it waits for one, the kernel shows it as not blocked.
  const isSent = process.isReaper || disposes(process.pid, signal);
  if (isSent) process.kill(signal);
  const timer = setTimeout(() => process.kill('SIGKILL'), timeoutMs);
  try {
    if (!isSent) {
      const isDisposed = !isLast && (await willDispose(process.pid, signal, timeoutMs));
      process.kill(isDisposed ? signal : 'SIGKILL');
    }
    return await process.wait();
  } finally {
    clearTimeout(timer);
  }
}

/** How old a process is by when it has installed its handlers: Node takes 30 to 100 ms. */
const YOUNG_MS = 250;
/** The pause between two looks. */
const LOOK_MS = 10;

/** Looks at a young process again until it disposes of a signal. @returns false when it is old, or the time is up */
async function willDispose(pid: number, signal: Signal, timeoutMs: number): Promise<boolean> {
  const untilMs = performance.now() + Math.min(timeoutMs, YOUNG_MS - ageMs(pid));
  while (performance.now() < untilMs) {
    await pause(LOOK_MS);
    if (disposes(pid, signal)) return true;
  }
  return false;
}

/** How long ago a process was made; that of one that has ended, for ever. */
function ageMs(pid: number): number {
  const stat = readStat(pid);
  return stat === undefined ? Number.POSITIVE_INFINITY : readMs(CLOCK_BOOTTIME) - ticksToMs(stat.startTicks);
}

/** Whether any thread of a process handles, blocks or ignores a signal: it does not leave that to the kernel. */
function disposes(pid: number, signal: Signal): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some((thread) => {
      const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
      const bit = 1n << BigInt(signalNumber(signal) - 1);
      return ['SigCgt', 'SigBlk', 'SigIgn'].some((set) => (signalSet(status, set) & bit) !== 0n);
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
