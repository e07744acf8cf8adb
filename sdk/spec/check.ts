/** Refuses options that cannot be meant, before anything happens. */
import type { StopOptions } from '../engine/stop.ts';
import { checkReadyOptions } from '../ready/index.ts';
import { LIFE_CHECKS, NOT_OF_RUN, refuseInRun } from './check-life.ts';
import { checkKept, LOG_CHECKS } from './check-logs.ts';
import { checkMounts, isAddresses, isDevices, isHosts } from './check-mounts.ts';
import { checkNamespaces, NAMESPACE_CHECKS } from './check-namespaces.ts';
import {
  assertObject,
  type Check,
  checkAll,
  describe,
  isAbortSignal,
  isBoolean,
  isEnvironment,
  isImage,
  isObject,
  isOneOf,
  isPositiveInteger,
  isStream,
  isString,
  isStrings,
  isTarget,
  isTimeout,
  isUser,
} from './checks.ts';
import { checkHealthCheck, isHealthCheck } from './health.ts';
import type { CollectOptions, ContainerOptions, ExecOptions, ProcessOptions, RunOptions } from './options.ts';
import { isSignal, normalizeSignal } from './signals.ts';

const isGroups: Check = (value) => {
  const isGroup = (group: unknown) => isUser(group) === undefined && !String(group).includes(':');
  return Array.isArray(value) && value.every(isGroup) ? undefined : 'an array of names and ids of groups';
};

const isTerminalSize: Check = (value) => {
  // 0 is what a terminal says that does not know its size.
  const isSize = (size: unknown) => Number.isInteger(size) && (size as number) >= 0 && (size as number) <= 0xffff;
  return isObject(value) && isSize(value.columns) && isSize(value.rows)
    ? undefined
    : '{ columns, rows } from 0 to 65535';
};

const PROCESS_CHECKS: Readonly<Record<string, Check>> = {
  env: isEnvironment,
  user: isUser,
  groups: isGroups,
  workdir: isTarget,
  tty: (value) => {
    const expected = typeof value === 'boolean' ? undefined : isTerminalSize(value);
    return expected === undefined ? undefined : `a boolean or ${expected}`;
  },
  stdin: (value) => {
    const isInput = typeof value === 'string' || value instanceof Uint8Array || isStream(value);
    return isInput ? undefined : "'pipe', 'ignore', 'inherit', a string, bytes, a stream or an async iterable";
  },
  stdout: isOneOf('pipe', 'ignore', 'inherit'),
  stderr: isOneOf('pipe', 'ignore', 'inherit'),
  signal: isAbortSignal,
};

const CONTAINER_CHECKS: Readonly<Record<string, Check>> = {
  ...PROCESS_CHECKS,
  command: isStrings,
  entrypoint: isStrings,
  ...LIFE_CHECKS,
  ...LOG_CHECKS,
  hostname: (value) => {
    const expected = isString(value);
    if (expected !== undefined) return expected;
    // It becomes a word of /etc/hosts.
    if (/\s/.test(value as string)) return 'a string without white space';
    // __NEW_UTS_LEN of the kernel.
    return Buffer.byteLength(value as string) <= 64 ? undefined : 'at most 64 bytes';
  },
  mounts: (value) => (Array.isArray(value) ? undefined : 'an array of mounts'),
  devices: isDevices,
  hosts: isHosts,
  dns: isAddresses,
  init: isBoolean,
  ...NAMESPACE_CHECKS,
  readOnly: isBoolean,
  upper: isOneOf('disk', 'tmpfs'),
  healthCheck: isHealthCheck,
  // Looked at by checkReadyOptions.
  ready: () => undefined,
  startTimeoutMs: isTimeout(1),
  stopSignal: isSignal,
};

const COLLECT_CHECKS: Readonly<Record<string, Check>> = {
  encoding: isOneOf('utf8', 'buffer'),
  maxOutputBytes: isPositiveInteger,
  timeoutMs: isTimeout(1),
};

const RUN_CHECKS: Readonly<Record<string, Check>> = {
  ...Object.fromEntries(Object.entries(CONTAINER_CHECKS).filter(([name]) => !(name in NOT_OF_RUN))),
  ...COLLECT_CHECKS,
};

const EXEC_CHECKS: Readonly<Record<string, Check>> = { ...PROCESS_CHECKS, ...COLLECT_CHECKS };

const STOP_CHECKS: Readonly<Record<string, Check>> = {
  timeoutMs: isTimeout(0),
  signal: (value) => (value instanceof AbortSignal ? "a signal to the container, as 'SIGTERM'" : isSignal(value)),
};

/**
 * @throws TypeError that names the option, what was given, and what was expected
 */
export function checkContainerOptions(options: unknown): void {
  checkAll('option', options, CONTAINER_CHECKS);
  checkTerminal(options as ProcessOptions);
  checkMounts(options as { mounts?: readonly unknown[] });
  checkNamespaces(options as ContainerOptions);
  checkKept(options as ContainerOptions);
  checkHealthCheck((options as { healthCheck?: unknown }).healthCheck);
  checkReadyOptions(options as { ready?: unknown });
}

/** As {@link checkContainerOptions}, for a process in a container. */
export function checkProcessOptions(options: unknown): void {
  checkAll('option', options, PROCESS_CHECKS);
  checkTerminal(options as ProcessOptions);
}

/** As {@link checkContainerOptions}, for `stop` and `restart`; with the signal by its name. */
export function checkStopOptions(options: StopOptions): StopOptions {
  checkAll('option', options, STOP_CHECKS);
  return options.signal === undefined ? options : { ...options, signal: normalizeSignal(options.signal) };
}

/** As {@link checkContainerOptions}, for `wait`. */
export function checkWaitOptions(options: unknown): void {
  checkAll('option', options, { signal: isAbortSignal });
}

/** The options that `run` and `exec` add, and those they pass on. */
export interface SplitOptions<T> {
  readonly collect: CollectOptions;
  readonly rest: Omit<T, keyof CollectOptions>;
}

/**
 * Checks the options of `run`, and tells those it adds from a container's.
 * @throws as {@link checkContainerOptions}
 */
export function splitRunOptions(options: RunOptions): SplitOptions<RunOptions> {
  assertObject('options', options);
  refuseInRun(options);
  // They may be there, and say no.
  const { command, detach, restart, ready, startTimeoutMs, ...others } = options as ContainerOptions & RunOptions;
  checkAll('option', others, RUN_CHECKS);
  return splitOptions(others);
}

/** As {@link splitRunOptions}, for `exec`. */
export function splitExecOptions(options: ExecOptions): SplitOptions<ExecOptions> {
  checkAll('option', options, EXEC_CHECKS);
  return splitOptions(options);
}

function splitOptions<T extends CollectOptions>(options: T): SplitOptions<T> {
  const { encoding, maxOutputBytes, timeoutMs, ...rest } = options;
  return { collect: { encoding, maxOutputBytes, timeoutMs }, rest };
}

/**
 * @throws TypeError unless `image` is an image
 */
export function checkImage(image: unknown): void {
  if (isImage(image) === undefined) return;
  throw new TypeError(`image must be an Image, as Image.host() gives, got ${describe(image)}`);
}

/**
 * @throws TypeError unless `size` is one of a terminal
 */
export function checkTerminalSize(size: unknown): void {
  const expected = isTerminalSize(size);
  if (expected !== undefined) throw new TypeError(`size must be ${expected}, got ${describe(size)}`);
}

/**
 * @throws TypeError unless `command` is one or more strings that C can hold
 */
export function checkCommand(command: unknown): asserts command is readonly string[] {
  const expected = isStrings(command) ?? ((command as unknown[]).length > 0 ? undefined : 'at least one string');
  if (expected !== undefined) throw new TypeError(`command must be ${expected}, got ${describe(command)}`);
}

/** A terminal is all three descriptors at once. */
function checkTerminal({ tty, ...options }: ProcessOptions): void {
  if (tty === undefined || tty === false) return;
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    if (options[name] === undefined || options[name] === 'pipe') continue;
    throw new TypeError(`option '${name}' must be 'pipe' with a tty, got ${describe(options[name])}`);
  }
}
