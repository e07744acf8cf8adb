/** What checks of options are made of. */
import { isAbsolute, normalize } from 'node:path';

/** Says what is wrong with a value, or undefined when nothing is. */
export type Check = (value: unknown) => string | undefined;

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

/** An object that is no list. */
export const isObject = (value: unknown): value is Record<string, unknown> => {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
};

/**
 * Checks each member of an object.
 * @param what `'option'`, or what stands before a member's name: `'mounts[0].'`
 * @throws TypeError that names the member, what was given, and what was expected
 */
export function checkAll(what: string, options: unknown, checks: Checks): void {
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
export function own<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** A value as an error shows it. */
export function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
