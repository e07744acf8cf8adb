/** Refuses options that cannot be meant, before anything happens. */
import { constants } from 'node:os';
import { checkReadyOptions } from '../ready/index.ts';
import { LIFE_CHECKS } from './check-life.ts';
import { checkKept, LOG_CHECKS } from './check-logs.ts';
import { checkMounts, isAddresses, isDevices, isHosts } from './check-mounts.ts';
import { checkNamespaces, NAMESPACE_CHECKS } from './check-namespaces.ts';
import {
  type Check,
  checkAll,
  describe,
  isBoolean,
  isObject,
  isOneOf,
  isPositiveInteger,
  isString,
  isStrings,
  isTarget,
} from './checks.ts';
import { checkHealthCheck, isHealthCheck } from './health.ts';
import type { CollectOptions, ContainerOptions, ProcessOptions } from './options.ts';

const PROCESS_CHECKS: Readonly<Record<string, Check>> = {
  env: (value) => {
    const isVariable = ([name, text]: [string, unknown]) => {
      return name !== '' && !/[=\0]/.test(name) && (text === undefined || isString(text) === undefined);
    };
    const isValid = isObject(value) && Object.entries(value).every(isVariable);
    return isValid ? undefined : 'an object of strings without NUL characters, with names without =';
  },
  user: (value) => {
    if (typeof value === 'string') return value === '' ? 'a user' : isString(value);
    const isId = Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 0xffff_ffff;
    return isId ? undefined : 'a name, an id below 4294967295, uid:gid or name:group';
  },
  workdir: isTarget,
  tty: (value) => {
    if (typeof value === 'boolean') return undefined;
    // 0 is what a terminal says that does not know its size.
    const isSize = (size: unknown) => Number.isInteger(size) && (size as number) >= 0 && (size as number) <= 0xffff;
    return isObject(value) && isSize(value.columns) && isSize(value.rows)
      ? undefined
      : 'a boolean or { columns, rows } from 0 to 65535';
  },
  stdin: (value) => {
    // Streams of both kinds are async iterables.
    const isStream = typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
    const isInput = typeof value === 'string' || value instanceof Uint8Array || isStream;
    return isInput ? undefined : "'pipe', 'ignore', 'inherit', a string, bytes, a stream or an async iterable";
  },
  stdout: isOneOf('pipe', 'ignore', 'inherit'),
  stderr: isOneOf('pipe', 'ignore', 'inherit'),
  signal: (value) => (value instanceof AbortSignal ? undefined : 'an AbortSignal'),
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
  startTimeoutMs: (value) => COLLECT_CHECKS.timeoutMs?.(value),
  stopSignal: (value) => {
    return typeof value === 'string' && value in constants.signals ? undefined : "the name of a signal, as 'SIGTERM'";
  },
};

const COLLECT_CHECKS: Readonly<Record<string, Check>> = {
  encoding: isOneOf('utf8', 'buffer'),
  maxOutputBytes: isPositiveInteger,
  timeoutMs: (value) => {
    // A longer timer of Node's would fire at once.
    return isPositiveInteger(value) === undefined && (value as number) <= 0x7fff_ffff
      ? undefined
      : 'an integer from 1 to 2147483647';
  },
};

const SNAPSHOT_CHECKS: Readonly<Record<string, Check>> = {
  reference: isString,
  pause: isBoolean,
  signal: PROCESS_CHECKS.signal as Check,
};

const COMMIT_CHECKS: Readonly<Record<string, Check>> = {
  ...SNAPSHOT_CHECKS,
  message: isString,
  author: isString,
  config: (value) => (isObject(value) ? undefined : 'an object'),
  compression: isOneOf('gzip', 'zstd', 'none'),
};

const CONFIG_CHECKS: Readonly<Record<string, Check>> = {
  env: PROCESS_CHECKS.env as Check,
  command: isStrings,
  entrypoint: isStrings,
  user: isString,
  workdir: isTarget,
  labels: (value) => {
    const isText = (text: unknown) => text === undefined || isString(text) === undefined;
    return isObject(value) && Object.values(value).every(isText) ? undefined : 'an object of strings';
  },
  exposedPorts: (value) => {
    const isPort = (port: string) => /^[0-9]{1,5}(-[0-9]{1,5})?(\/(tcp|udp|sctp))?$/.test(port);
    return isStrings(value) ?? ((value as string[]).every(isPort) ? undefined : "an array of ports, as '80/tcp'");
  },
  volumes: (value) => {
    const isPath = (path: string) => isTarget(path) === undefined;
    return isStrings(value) ?? ((value as string[]).every(isPath) ? undefined : 'an array of absolute paths');
  },
  stopSignal: CONTAINER_CHECKS.stopSignal as Check,
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

/** As {@link checkContainerOptions}, for the options that `run` and `exec` add. */
export function checkCollectOptions(options: unknown): void {
  checkAll('option', options, COLLECT_CHECKS);
}

/** As {@link checkContainerOptions}, for `snapshot`. */
export function checkSnapshotOptions(options: unknown): void {
  checkAll('option', options, SNAPSHOT_CHECKS);
}

/** As {@link checkContainerOptions}, for `commit`. */
export function checkCommitOptions(options: unknown): void {
  checkAll('option', options, COMMIT_CHECKS);
  checkAll('config.', (options as { config?: unknown }).config ?? {}, CONFIG_CHECKS);
}

/** Tells the options that `run` and `exec` add from those they pass on. */
export function splitCollectOptions<T extends CollectOptions>(
  options: T,
): { collect: CollectOptions; rest: Omit<T, keyof CollectOptions> } {
  const { encoding, maxOutputBytes, timeoutMs, ...rest } = options;
  return { collect: { encoding, maxOutputBytes, timeoutMs }, rest };
}

/**
 * @throws TypeError unless `image` is an image
 */
export function checkImage(image: unknown): void {
  if (isObject(image) && typeof image.root === 'function') return;
  throw new TypeError(`image must be an Image, as Image.host() gives, got ${describe(image)}`);
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
