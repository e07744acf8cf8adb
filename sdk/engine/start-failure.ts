/** The error of a start that came to nothing: everything somebody wants to know who was not there. */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import type { ExitStatus } from './exit-status.ts';

/** The last lines of both streams. */
export interface LastLines {
  readonly stdout: string;
  readonly stderr: string;
}

/** What is known of a start that came to nothing. */
export interface FailedStart {
  /** Of the container: its name. */
  readonly name: string;
  /** How its command ended; undefined when it still ran. */
  readonly status: ExitStatus | undefined;
  /** Whether the kernel has ended processes for want of memory since the start. */
  readonly wasShortOfMemory: boolean;
  readonly output: LastLines;
  /** What was waited for in vain, in words; empty when nothing was. */
  readonly missing: string;
  /** How long it had, where that was not enough. */
  readonly timeoutMs?: number | undefined;
  readonly cause?: unknown;
}

/** The error to throw: START_FAILED when the command has ended, NOT_READY when it has not. Pure. */
export function startFailure(failed: FailedStart): CaissonError {
  const { status, output, missing, cause } = failed;
  const oomKilled = endedBySigkill(status) && failed.wasShortOfMemory;
  const message = [describeEnd(failed, oomKilled), ...describeOutput(output)].join('\n');
  return new CaissonError(status === undefined ? 'NOT_READY' : 'START_FAILED', message, {
    exitCode: status?.exitCode ?? undefined,
    signal: status?.signal ?? undefined,
    oomKilled,
    ...output,
    missing,
    cause,
  });
}

/** An init of ours exits with 128 + n for signal n, and so does a shell of what it ran. */
function endedBySigkill(status: ExitStatus | undefined): boolean {
  return status?.signal === 'SIGKILL' || status?.exitCode === 128 + constants.signals.SIGKILL;
}

function describeEnd({ name, status, missing, timeoutMs, cause }: FailedStart, oomKilled: boolean): string {
  const waited = missing === '' ? '' : `; it waited for ${missing}`;
  if (status !== undefined) {
    const how = status.signal === null ? `with exit code ${status.exitCode}` : `by ${status.signal}`;
    return `container '${name}' ended ${how} before it was ready${oomKilled ? ', for want of memory' : ''}${waited}`;
  }
  if (timeoutMs !== undefined) return `container '${name}' was not ready after ${timeoutMs} ms${waited}`;
  return `container '${name}' cannot become ready: ${cause instanceof Error ? cause.message : String(cause)}${waited}`;
}

function describeOutput(output: LastLines): string[] {
  return (['stderr', 'stdout'] as const)
    .filter((name) => output[name].trim() !== '')
    .map((name) => `${name}, the last lines:\n${output[name].replace(/^/gm, '  ')}`);
}

/**
 * How many processes the kernel has ended on this machine for want of memory, since it was started: to compare, as long as
 * no control group counts for a container alone (man 5 proc, /proc/vmstat; Linux 4.13).
 */
export function countOomKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'latin1'))?.[1] ?? 0);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'EPERM')) return 0;
    throw error;
  }
}
