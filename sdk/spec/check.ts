/** Refuses options that cannot be meant, before anything happens. */
import { constants } from 'node:os';
import { isAbsolute, normalize } from 'node:path';
import type { CollectOptions, ProcessOptions } from './options.ts';

/** Says what is wrong with a value, or undefined when nothing is. */
type Check = (value: unknown) => string | undefined;

const isString: Check = (value) => {
  if (typeof value !== 'string') return 'a string';
  return value.includes('\0') ? 'a string without NUL characters' : undefined;
};
const isBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'a boolean');
const isStrings: Check = (value) => {
  return Array.isArray(value) && value.every((item) => isString(item) === undefined)
    ? undefined
    : 'an array of strings without NUL characters';
};
const isTarget: Check = (value) => {
  return isString(value) ?? (isAbsolute(value as string) ? undefined : 'an absolute path in the container');
};
/** On the root itself nothing can be mounted so that a process would see it: its root lies beneath. */
const isMountTarget: Check = (value) => {
  return isTarget(value) ?? (normalize(`${value}/`) === '/' ? 'an absolute path below / in the container' : undefined);
};
const isSource: Check = (value) => (value === '' ? 'a path of this machine' : isString(value));
const isPositiveInteger: Check = (value) => {
  return Number.isSafeInteger(value) && (value as number) > 0 ? undefined : 'a positive integer';
};
const isOneOf = (...values: readonly string[]): Check => {
  const expected = values.map((value) => `'${value}'`).join(' or ');
  return (value) => (values.includes(value as string) ? undefined : expected);
};
const isObject = (value: unknown): value is Record<string, unknown> => {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
};

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
  name: (value) => {
    const isName = typeof value === 'string' && /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(value);
    return isName ? undefined : 'letters, digits, _ . - and a letter or digit first';
  },
  hostname: (value) => {
    // __NEW_UTS_LEN of the kernel.
    return isString(value) ?? (Buffer.byteLength(value as string) <= 64 ? undefined : 'at most 64 bytes');
  },
  mounts: (value) => (Array.isArray(value) ? undefined : 'an array of mounts'),
  init: isBoolean,
  network: isOneOf('none', 'host'),
  readOnly: isBoolean,
  upper: isOneOf('disk', 'tmpfs'),
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

const MOUNT_CHECKS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  bind: { type: isString, source: isSource, target: isMountTarget, readOnly: isBoolean },
  tmpfs: {
    type: isString,
    target: isMountTarget,
    sizeBytes: isPositiveInteger,
    mode: (value) => {
      return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0o7777
        ? undefined
        : 'permissions from 0 to 0o7777';
    },
    readOnly: isBoolean,
  },
};

const REQUIRED = ['source', 'target'];

/**
 * @throws TypeError that names the option, what was given, and what was expected
 */
export function checkContainerOptions(options: unknown): void {
  checkAll('option', options, CONTAINER_CHECKS);
  checkTerminal(options as ProcessOptions);
  checkMounts(options as { mounts?: readonly unknown[] });
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

function checkMounts({ mounts = [] }: { mounts?: readonly unknown[] | undefined }): void {
  mounts.forEach((mount, index) => {
    const checks = isObject(mount) ? own(MOUNT_CHECKS, String(mount.type)) : undefined;
    if (checks === undefined || !isObject(mount)) {
      throw new TypeError(`mounts[${index}] must have a type of 'bind' or 'tmpfs', got ${describe(mount)}`);
    }
    for (const name of REQUIRED) {
      if (name in checks && mount[name] === undefined) {
        throw new TypeError(`mounts[${index}] of type '${mount.type}' must have a ${name}, got ${describe(mount)}`);
      }
    }
    checkAll(`mounts[${index}].`, mount, checks);
  });
}

function checkAll(what: string, options: unknown, checks: Readonly<Record<string, Check>>): void {
  if (!isObject(options)) throw new TypeError(`options must be an object, got ${describe(options)}`);
  const label = (name: string) => (what === 'option' ? `option '${name}'` : `${what}${name}`);
  for (const [name, value] of Object.entries(options)) {
    const check = own(checks, name);
    if (check === undefined) {
      throw new TypeError(`unknown ${label(name)}; there are ${Object.keys(checks).join(', ')}`);
    }
    if (value === undefined) continue;
    const expected = check(value);
    if (expected !== undefined) throw new TypeError(`${label(name)} must be ${expected}, got ${describe(value)}`);
  }
}

/** A member that an object has itself: `toString` is no option. */
function own<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
