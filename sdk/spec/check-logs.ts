/** Refuses what cannot be meant of what a container reads and writes: what is kept of it, and who gets it. */
import {
  type Check,
  type Checks,
  checkAll,
  describe,
  isAbortSignal,
  isBoolean,
  isObject,
  isPositiveInteger,
} from './checks.ts';
import type { ContainerOptions } from './options.ts';

/** Each rotation renames so many files. */
const MAX_FILES = 1000;

const KEPT_CHECKS: Checks = {
  maxFileBytes: isPositiveInteger,
  maxFiles: (value) => {
    return isPositiveInteger(value) === undefined && (value as number) <= MAX_FILES
      ? undefined
      : `an integer from 1 to ${MAX_FILES}`;
  },
  maxMemoryBytes: isPositiveInteger,
};

/** The option `logs` of a container; its members are for {@link checkKept}. */
export const LOG_CHECKS: Checks = { logs: (value) => (isObject(value) ? undefined : 'an object') };

/** @throws TypeError for what cannot be kept, and for streams of a detached container that would be this process's */
export function checkKept({ logs, detach, stdin, stdout, stderr }: ContainerOptions): void {
  if (logs !== undefined) checkAll('logs.', logs, KEPT_CHECKS);
  if (detach !== true) return;
  if (stdin !== undefined && stdin !== 'pipe' && stdin !== 'ignore') {
    const given = typeof stdin === 'string' ? describe(stdin) : 'something that this process has';
    throw new TypeError(
      `option 'stdin' of a detached container must be 'pipe' or 'ignore', got ${given}: write to container.attach().stdin`,
    );
  }
  for (const [name, value] of Object.entries({ stdout, stderr })) {
    if (value !== 'inherit') continue;
    throw new TypeError(`option '${name}' of a detached container cannot be 'inherit': it outlives this process`);
  }
}

const isDate: Check = (value) => {
  return value instanceof Date && !Number.isNaN(value.getTime()) ? undefined : 'a valid Date';
};

const LOGS_CHECKS: Checks = {
  follow: isBoolean,
  tail: (value) => (Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'an integer from 0 on'),
  since: isDate,
  until: isDate,
  stdout: isBoolean,
  stderr: isBoolean,
  signal: isAbortSignal,
};

/** @throws TypeError that names the option, what was given, and what was expected */
export function checkLogsOptions(options: unknown): void {
  checkAll('option', options, LOGS_CHECKS);
}

/** @throws TypeError that names the option, what was given, and what was expected */
export function checkAttachOptions(options: unknown): void {
  checkAll('option', options, { logs: isBoolean });
}
