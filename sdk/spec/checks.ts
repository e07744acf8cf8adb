/** What checks of options are made of. */
import { isAbsolute, normalize } from 'node:path';
import { hintFor } from './suggest.ts';

/** Says what a value should be, or undefined when it is. */
export interface Check {
  (value: unknown): string | undefined;
  /** How an error shows the value, where not all of it is for everybody's eyes. @default {@link describe} */
  readonly describe?: (value: unknown) => string;
}

/** The checks of an object's members, by name. */
export type Checks = Readonly<Record<string, Check>>;

/** Text that C can hold. */
export const isString: Check = (value) => {
  if (typeof value !== 'string') return 'a string';
  return value.includes('\0') ? 'a string without NUL characters' : undefined;
};

/** True or false. */
export const isBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'a boolean');

/** A list of texts. */
export const isStrings: Check = (value) => {
  return Array.isArray(value) && value.every((item) => isString(item) === undefined)
    ? undefined
    : 'an array of strings without NUL characters';
};

/** A path of a container. */
export const isTarget: Check = (value) => {
  return isString(value) ?? (isAbsolute(value as string) ? undefined : 'an absolute path in the container');
};

/** On the root itself nothing can be mounted so that a process would see it: its root lies beneath. */
export const isMountTarget: Check = (value) => {
  return isTarget(value) ?? (normalize(`${value}/`) === '/' ? 'an absolute path below / in the container' : undefined);
};

/** A path of this machine. */
export const isSource: Check = (value) => (value === '' ? 'a path of this machine' : isString(value));

/** How much or how many of something. */
export const isPositiveInteger: Check = (value) => {
  return Number.isSafeInteger(value) && (value as number) > 0 ? undefined : 'a positive integer';
};

/** Milliseconds of a timer of Node's, of which a longer one would fire at once. */
export const isTimeout = (least: 0 | 1): Check => {
  return (value) => {
    const isValid = Number.isInteger(value) && (value as number) >= least && (value as number) <= 0x7fff_ffff;
    return isValid ? undefined : `an integer from ${least} to 2147483647`;
  };
};

/** Permissions of a file. */
export const isMode: Check = (value) => {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0o7777
    ? undefined
    : 'permissions from 0 to 0o7777';
};

/** One of some words. */
export const isOneOf = (...values: readonly string[]): Check => {
  const expected = values.map((value) => `'${value}'`).join(' or ');
  return (value) => (values.includes(value as string) ? undefined : expected);
};

/** An object with members: no list, and no Map, Promise or the like, whose members nobody could see. */
export const isObject = (value: unknown): value is Record<string, unknown> => {
  return typeof value === 'object' && Object.prototype.toString.call(value) === '[object Object]';
};

/** An Image, of whatever copy of this package. */
export const isImage: Check = (value) => (isObject(value) && isObject(value.origin) ? undefined : 'an Image');

/** Whether it is a stream, of Node's kind or of the Web's, or anything else that comes piece by piece. */
export const isStream = (value: unknown): value is AsyncIterable<unknown> => {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
};

/** An AbortSignal. */
export const isAbortSignal: Check = (value) => (value instanceof AbortSignal ? undefined : 'an AbortSignal');

/** Somebody whom a container knows. */
export const isUser: Check = (value) => {
  if (typeof value === 'string') return value === '' ? 'a user' : isString(value);
  const isId = Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 0xffff_ffff;
  return isId ? undefined : 'a name, an id below 4294967295, uid:gid or name:group';
};

/** Variables of a process. What they hold may be secret: an error names the first that is wrong. */
export const isEnvironment: Check = Object.assign(
  (value: unknown) => {
    const isValid = isObject(value) && Object.entries(value).every(isVariable);
    return isValid ? undefined : 'an object of strings without NUL characters, with names without =';
  },
  {
    describe(value: unknown): string {
      if (!isObject(value)) return kindOf(value);
      const [name = '', text] = Object.entries(value).find((entry) => !isVariable(entry)) ?? [];
      if (!isVariableName(name)) return `the name '${name.replace(/[=\0].*$/s, '=…')}'`;
      return `${typeof text === 'string' ? 'one with a NUL character' : kindOf(text)} for '${name}'`;
    },
  },
);

function isVariable([name, text]: [string, unknown]): boolean {
  return isVariableName(name) && (text === undefined || isString(text) === undefined);
}

function isVariableName(name: string): boolean {
  return name !== '' && !/[=\0]/.test(name);
}

/** `'a number'`, `'an array'`, `'a Map'`. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const kind = typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : typeof value;
  return `${/^[AEIO]/i.test(kind) ? 'an' : 'a'} ${kind === 'Array' || kind === 'Object' ? kind.toLowerCase() : kind}`;
}

/**
 * Checks each member of an object.
 * @param what `'option'`, or what stands before a member's name: `'mounts[0].'`
 * @throws TypeError that names the member, what was given, and what was expected
 */
export function checkAll(what: string, options: unknown, checks: Checks): void {
  assertObject(what === 'option' ? 'options' : what.slice(0, -1), options);
  const label = (name: string) => (what === 'option' ? `option '${name}'` : `${what}${name}`);
  for (const [name, value] of Object.entries(options)) {
    const check = own(checks, name);
    if (check === undefined) {
      const known = Object.keys(checks);
      throw new TypeError(`unknown ${label(name)}; there are ${known.join(', ')}${hintFor(name, known)}`);
    }
    if (value === undefined) continue;
    const expected = check(value);
    if (expected === undefined) continue;
    throw new TypeError(`${label(name)} must be ${expected}, got ${(check.describe ?? describe)(value)}`);
  }
}

/** @throws TypeError unless `value` is an object with members */
export function assertObject(what: string, value: unknown): asserts value is Record<string, unknown> {
  if (!isObject(value)) throw new TypeError(`${what} must be an object, got ${describe(value)}`);
}

/** A member that an object has itself: `toString` is no option. */
export function own<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** The most that an error shows of a value. */
const MAX_SHOWN = 200;

/** A value as an error shows it. */
export function describe(value: unknown): string {
  const text = describeAll(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

function describeAll(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'number' || value instanceof Date) return String(value);
  const short = inShort(value);
  if (short !== undefined) return short;
  try {
    return JSON.stringify(value, showMember) ?? String(value);
  } catch {
    return String(value);
  }
}

/** What is said of an object whose members are no concern: bytes, a Map, a container. */
function inShort(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  if (value instanceof Uint8Array) return `${kindOf(value)} of ${value.byteLength} bytes`;
  if (!isObject(value)) return kindOf(value);
  const { name: kind = 'Object' } = value.constructor ?? {};
  if (kind === 'Object') return undefined;
  return typeof value.name === 'string' ? `${kind} '${value.name}'` : `a ${kind}`;
}

function showMember(this: Record<string, unknown>, name: string, value: unknown): unknown {
  // JSON has no word for them but null, which is what was not given.
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  // What a Buffer makes of itself for JSON is four times as long as what it holds.
  return inShort(this[name]) ?? value;
}
