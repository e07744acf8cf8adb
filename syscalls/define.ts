/**
 * One declaration, two uses: a system call is declared by the prototype of its man page and its number per
 * architecture. The declaration is a function that makes the call now, on this thread, and has a `step` that
 * makes the same call part of a plan.
 */
import { SyscallError } from './error.ts';
import type { LibcFunction } from './koffi-types.ts';
import { type Architecture, architecture, bindSyscall, lastErrno } from './libc.ts';
import { materialize } from './materialize.ts';
import { type Argument, assertNoNul, formatArgument, isKind } from './memory.ts';
import { type FlagTable, formatMode, formatNumber, type OneOf } from './names.ts';
import { type Parameter, type Prototype, parsePrototype } from './prototype.ts';
import type { CallStep, StepOptions } from './step.ts';

/** What is known of a system call without making it. */
export interface Declaration {
  /** Its name in the kernel. */
  readonly syscall: string;
  /** Its prototype as in the man page. */
  readonly prototype: string;
  /** Its number per architecture; one that lacks the call has none. */
  readonly numbers: Readonly<Partial<Record<Architecture, number>>>;
  readonly parameters: readonly Parameter[];
  /** How to print an argument: the names of flags, by parameter. */
  readonly flags: Readonly<Record<string, FlagTable | OneOf>>;
}

/** A system call: call it to make it now; `step` to plan it. */
export interface Syscall<Args extends readonly Argument[]> extends Declaration {
  /**
   * Makes the call now, on the calling thread, and returns its result.
   * @throws SyscallError when the kernel refuses
   * @throws TypeError when an argument does not fit its C type
   */
  (...args: Args): number;
  /**
   * As the call itself, but a refusal is a result: the negative error number. For errors that are no surprise and come
   * often, such as EAGAIN: an error object with its stack takes ten times as long as most calls.
   */
  attempt(...args: Args): number;
  /**
   * The same call as a step of a plan. Arguments may be variables of the plan.
   * @param purpose completes "it failed while …"
   */
  step(purpose: string, args: Planned<Args>, options?: StepOptions): CallStep;
}

/** The arguments of a call in a plan: each may be what an earlier step gave. */
export type Planned<Args extends readonly Argument[]> = { readonly [K in keyof Args]: Args[K] | Argument };

/**
 * Declares a system call.
 *
 * @param prototype as in the man page: types of integers are checked, `char *` parameters are the paths of errors
 * @param numbers the same on both architectures (all calls since Linux 5.1) or by architecture
 * @param flags names of bits (or, with `oneOf`, of values), by parameter, for printing
 * @example
 * export const unshare = define<[flags: number]>('int unshare(int flags)', { x64: 272, arm64: 97 });
 */
export function define<Args extends readonly Argument[]>(
  prototype: string,
  numbers: number | Readonly<Partial<Record<Architecture, number>>>,
  flags: Readonly<Record<string, FlagTable | OneOf>> = {},
): Syscall<Args> {
  let parsed: Prototype | undefined;
  const parse = () => {
    parsed ??= parsePrototype(prototype);
    return parsed;
  };
  let performed: Performer | undefined;
  const attempt = (...args: Args) => {
    performed ??= performer(call);
    return performed(args);
  };
  const call = ((...args: Args) => {
    const result = attempt(...args);
    if (result < 0) throw new SyscallError({ errno: -result, syscall: call.syscall, ...pathsOf(call, args) });
    return result;
  }) as Syscall<Args>;
  const step = (purpose: string, args: readonly Argument[], options: StepOptions = {}): CallStep => {
    checkArguments(call, args);
    return { kind: 'call', call, args, purpose, ...options };
  };
  const perArchitecture = typeof numbers === 'number' ? { x64: numbers, arm64: numbers } : numbers;
  Object.assign(call, { prototype, numbers: perArchitecture, flags, attempt, step });
  // Parsed when first asked for: a program imports a hundred declarations and uses a few.
  Object.defineProperty(call, 'syscall', { get: () => parse().name, enumerable: true });
  Object.defineProperty(call, 'parameters', { get: () => parse().parameters, enumerable: true });
  return call;
}

/**
 * The number of a call on an architecture.
 * @throws TypeError when the architecture lacks it
 */
export function numberOf({ syscall, numbers }: Declaration, arch: Architecture): number {
  const number = numbers[arch];
  if (number === undefined) throw new TypeError(`there is no system call ${syscall} on ${arch}`);
  return number;
}

/** The files a call with these arguments is about: its first two C strings that name files. */
export function pathsOf({ parameters }: Declaration, args: readonly Argument[]): { path?: string; dest?: string } {
  const [path, dest] = parameters
    .map(({ isPath }, index) => (isPath ? args[index] : undefined))
    .filter((value) => typeof value === 'string' || value instanceof Uint8Array)
    .map((value) => (typeof value === 'string' ? value : Buffer.from(value).toString('latin1').replace(/\0.*$/s, '')))
    .filter((value) => value !== '');
  return { ...(path === undefined ? {} : { path }), ...(dest === undefined ? {} : { dest }) };
}

/** The call as strace(1) prints it: `unshare(CLONE_NEWNS|CLONE_NEWPID)`. */
export function formatCall({ syscall, parameters, flags }: Declaration, args: readonly Argument[]): string {
  const formatted = args.map((value, index) => {
    if (typeof value !== 'number' && typeof value !== 'bigint') return formatArgument(value);
    const { name, type } = parameters[index] as Parameter;
    return formatNumber(value, flags[name] ?? {}, type === 'mode_t' ? formatMode : String);
  });
  return `${syscall}(${formatted.join(', ')})`;
}

/** Makes a call now. @returns its result, or the negative error number */
type Performer = (args: readonly Argument[]) => number;

/** Some thirty calls are on the way of each start, so there are loops here, and what can be known once is. */
function performer(declaration: Declaration): Performer {
  const number = numberOf(declaration, architecture());
  const functions: LibcFunction[] = [];
  return (args) => {
    checkArguments(declaration, args);
    const keepAlive: Uint8Array[] = [];
    const values: unknown[] = [];
    // By the value, not by the parameter: some parameters take either, such as `arg2` of prctl(2). A bit each.
    let pointers = 0;
    for (let index = 0; index < args.length; index++) {
      const given = args[index] as Argument;
      const value = typeof given === 'object' && given !== null ? materialize(given, keepAlive) : given;
      if (typeof value !== 'number' && typeof value !== 'bigint') pointers |= 1 << index;
      values.push(value);
    }
    functions[pointers] ??= bound(args.length, pointers);
    const result = (functions[pointers] as LibcFunction)(number, ...values);
    const outcome = result === -1 ? -lastErrno() : Number(result);
    // This use is the last one, so that no buffer is collected while the kernel has its address.
    keepAlive.length = 0;
    return outcome;
  };
}

const allBound = new Map<string, LibcFunction>();

/** @param pointers which of the arguments are pointers and not integers, as bits */
function bound(count: number, pointers: number): LibcFunction {
  const kinds = Array.from({ length: count }, (_, index) => (pointers & (1 << index) ? 'pointer' : 'integer'));
  const key = kinds.join();
  let found = allBound.get(key);
  if (found === undefined) {
    found = bindSyscall(kinds);
    allBound.set(key, found);
  }
  return found;
}

/** koffi truncates integers and cuts strings at a NUL without a word, so both are refused before it sees them. */
function checkArguments(declaration: Declaration, args: readonly Argument[]): void {
  const { syscall, parameters } = declaration;
  if (args.length !== parameters.length) {
    throw new TypeError(`${syscall} takes ${parameters.length} arguments, got ${args.length}`);
  }
  for (let index = 0; index < args.length; index++) {
    const [parameter, value] = [parameters[index] as Parameter, args[index] as Argument];
    // Most arguments are plainly in order, and to name one for an error takes as long as the call.
    if (!isInOrder(parameter, value)) checkArgument(`${parameter.name} of ${syscall}`, parameter, value);
    if (parameter.unitBytes > 0) checkLength(declaration, args, index);
  }
}

/** The kernel would go on behind the buffer, in memory of whoever's. */
function checkLength({ syscall, parameters }: Declaration, args: readonly Argument[], index: number): void {
  const length = args[index];
  const room = roomIn(args[index - 1] as Argument);
  const { name, unitBytes } = parameters[index] as Parameter;
  if (room === undefined || !isNumber(length) || Number(length) * unitBytes <= room) return;
  const buffer = (parameters[index - 1] as Parameter).name;
  const most = Math.floor(room / unitBytes);
  throw new TypeError(`${name} of ${syscall} must be at most ${most}, what ${buffer} has room for, got ${length}`);
}

/** How many bytes a buffer has; undefined for what is none. */
function roomIn(buffer: Argument): number | undefined {
  if (buffer instanceof Uint8Array) return buffer.length;
  if (typeof buffer === 'string') return Buffer.byteLength(buffer) + 1;
  return typeof buffer === 'object' && buffer !== null && buffer.kind === 'memory' ? buffer.bytes.length : undefined;
}

function isInOrder({ isPointer, isPath, min, max }: Parameter, value: Argument): boolean {
  if (typeof value === 'number') return !isPointer && Number.isSafeInteger(value) && value >= min && value <= max;
  if (!isPointer || isPath) return false;
  return value === null || value instanceof Uint8Array;
}

function checkArgument(what: string, { isPointer, isWord, isPath, min, max }: Parameter, value: Argument): void {
  if (typeof value === 'string') assertNoNul(value, what);
  if (isPath && value instanceof Uint8Array && (value.length === 0 || value.indexOf(0) !== value.length - 1)) {
    throw new TypeError(`${what} must end with a NUL and have no other`);
  }
  if (!((isPointer || isWord) && isPointerLike(value)) && !((!isPointer || isWord) && isIntegerLike(value))) {
    throw new TypeError(`${what} must be ${isPointer ? 'a pointer' : 'an integer'}, got ${formatArgument(value)}`);
  }
  if (isNumber(value) && (value < min || value > max)) {
    throw new TypeError(`${what} must be from ${min} to ${max}, got ${value}`);
  }
}

/** A number other than 0 is no pointer: more likely it is an argument in the wrong place. Addresses are bigints. */
function isPointerLike(value: Argument): boolean {
  return value === 0 || typeof value === 'bigint' || typeof value === 'string' || typeof value === 'object';
}

function isNumber(value: Argument | undefined): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}

function isIntegerLike(value: Argument): boolean {
  return Number.isSafeInteger(value) || typeof value === 'bigint' || isKind(value, 'variable');
}
