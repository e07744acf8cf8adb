import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { acrossCopies } from './copies.ts';

/** What a failed system call was asked to do: the part of {@link SyscallError} the caller knows. */
export interface SyscallFailure {
  /** The kernel's error number, positive, as in errno(3). */
  readonly errno: number;
  /** The name of the call, as in its man page. */
  readonly syscall: string;
  /** The file the call was about, where it was about one. */
  readonly path?: string | undefined;
  /** The second file, as for mount(2) or rename(2). */
  readonly dest?: string | undefined;
  /** The place of the failed step in its plan, where a plan made the call. */
  readonly step?: number | undefined;
  /** What the call was for, in words: `'mounting proc'`. */
  readonly purpose?: string | undefined;
  /** What to do about it, where that is known. */
  readonly hint?: string | undefined;
}

/**
 * A system call that failed, in the shape of Node's own system errors:
 * `code` ('EPERM'), `errno` (negative, as in `fs`), `syscall`, `path` and `dest`.
 */
export class SyscallError extends Error {
  static {
    acrossCopies(SyscallError, 'SyscallError');
  }

  override readonly name = 'SyscallError';
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  declare readonly path?: string;
  declare readonly dest?: string;
  declare readonly step?: number;
  declare readonly purpose?: string;
  declare readonly hint?: string;

  constructor(failure: SyscallFailure) {
    super(formatFailure(failure));
    this.code = errnoName(failure.errno);
    this.errno = -failure.errno;
    this.syscall = failure.syscall;
    const { path, dest, step, purpose, hint } = failure;
    Object.assign(this, withoutUndefined({ path, dest, step, purpose, hint }));
  }
}

/** What may be said of a {@link CaissonError} besides its code and message. */
export interface CaissonErrorOptions {
  /** What to do about it, where that is known; appended to the message in parentheses. */
  readonly hint?: string | undefined;
  /** The error this one explains. */
  readonly cause?: unknown;
  /** The exit code a shell would give: 126 or 127 for a command that cannot be run. Of a failed start: the command's. */
  readonly exitCode?: number | undefined;
  /** Of a failed start: the signal that ended the command. */
  readonly signal?: NodeJS.Signals | undefined;
  /** Of a failed start: whether the kernel ended the command, and some process meanwhile for want of memory. */
  readonly oomKilled?: boolean | undefined;
  /** Of a failed start: the last lines of the command's output. */
  readonly stdout?: string | undefined;
  /** As `stdout`. */
  readonly stderr?: string | undefined;
  /** Of a failed start: what was waited for in vain, and what was last seen of it. */
  readonly missing?: string | undefined;
}

/**
 * An error of caisson itself, told apart by its stable `code` (`'IMAGE_NOT_FOUND'`).
 * The message names the values involved; `hint` says what to do; `cause` keeps what lies beneath.
 */
export class CaissonError extends Error {
  static {
    acrossCopies(CaissonError, 'CaissonError');
  }

  override readonly name = 'CaissonError';
  readonly code: string;
  declare readonly hint?: string;
  declare readonly exitCode?: number;
  declare readonly signal?: NodeJS.Signals;
  declare readonly oomKilled?: boolean;
  declare readonly stdout?: string;
  declare readonly stderr?: string;
  declare readonly missing?: string;

  constructor(code: string, message: string, { cause, ...fields }: CaissonErrorOptions = {}) {
    const { hint } = fields;
    const advice = [hint, MACHINE_CODES.has(code) ? "'npx caisson probe' tells more" : undefined].filter(isGiven);
    const text = advice.length === 0 ? message : `${message} (${advice.join('; ')})`;
    super(text, cause === undefined ? undefined : { cause });
    this.code = code;
    Object.assign(this, withoutUndefined(fields));
  }
}

/** Errors that are due to the machine or its settings, and not to what was asked for. */
const MACHINE_CODES: ReadonlySet<string> = new Set([
  'NO_USER_NAMESPACES',
  'OVERLAY_REFUSED',
  'MEMFD_NOEXEC',
  'USER_NOT_MAPPED',
  'IDS_NOT_MAPPED',
  'KOFFI_NOT_LOADED',
]);

function isGiven(text: string | undefined): text is string {
  return text !== undefined;
}

/** The kernel's name of an error number: `errnoName(1) === 'EPERM'`. */
export function errnoName(errno: number): string {
  // Of two names of one number the first is the usual one: EAGAIN, not EWOULDBLOCK.
  names ??= new Map(
    Object.entries(constants.errno)
      .toReversed()
      .map(([name, value]) => [value, name]),
  );
  return names.get(errno) ?? `E${errno}`;
}

let names: ReadonlyMap<number, string> | undefined;

/** The error number of a name: `errnoNumber('EPERM') === 1`. */
export function errnoNumber(name: string): number {
  const value = (constants.errno as Record<string, number | undefined>)[name];
  if (value === undefined) throw new TypeError(`unknown error name '${name}'`);
  return value;
}

/**
 * Whether `error` is a {@link SyscallError} or a system error of Node with one of these codes. By what it looks like: where
 * a test runner gives each test file globals of its own, errors of Node are no instances of that `Error`.
 */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return isError(error) && 'code' in error && codes.includes(String(error.code));
}

/** Whether this is an error, of whatever globals. */
export function isError(value: unknown): value is Error {
  return typeof value === 'object' && value !== null && 'message' in value && 'stack' in value;
}

/** Node makes the map anew at each call. */
let descriptions: ReturnType<typeof getSystemErrorMap> | undefined;

function formatFailure({ errno, syscall, path, dest, purpose, hint }: SyscallFailure): string {
  descriptions ??= getSystemErrorMap();
  const description = descriptions.get(-errno)?.[1];
  const target = [path, dest].filter((name) => name !== undefined).map((name) => `'${name}'`);
  return [
    purpose === undefined ? '' : `${purpose}: `,
    description === undefined ? errnoName(errno) : `${errnoName(errno)}: ${description}`,
    `, ${syscall}`,
    target.length > 0 ? ` ${target.join(' -> ')}` : '',
    hint === undefined ? '' : ` (${hint})`,
  ].join('');
}

function withoutUndefined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
