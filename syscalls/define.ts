/**
 * One declaration, two uses: a system call is declared by the prototype of its man page and its number per
 * architecture. The declaration is a function that makes the call now, on this thread, and has a `step` that
 * makes the same call part of a plan.
 */
import { SyscallError } from './error.ts';
import { architecture, bindSyscall, lastErrno, type Architecture } from './libc.ts';
import { assertNoNul, formatArgument, isKind, type Argument } from './memory.ts';
import { materialize } from './materialize.ts';
import { parsePrototype, type Parameter } from './prototype.ts';
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
  readonly flags: Readonly<Record<string, FlagTable>>;
}

/** The kernel's names of the bits (or values) of an argument. */
export type FlagTable = Readonly<Record<string, number | bigint>>;

/** A system call: call it to make it now; `step` to plan it. */
export interface Syscall<Args extends readonly Argument[]> extends Declaration {
  /**
   * Makes the call now, on the calling thread, and returns its result.
   * @throws SyscallError when the kernel refuses
   * @throws TypeError when an argument does not fit its C type
   */
  (...args: Args): number;
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
 * @param flags names of bits, by parameter, for printing
 * @example
 * export const unshare = define<[flags: number]>('int unshare(int flags)', { x64: 272, arm64: 97 });
 */
export function define<Args extends readonly Argument[]>(
  prototype: string,
  numbers: number | Readonly<Partial<Record<Architecture, number>>>,
  flags: Readonly<Record<string, FlagTable>> = {},
): Syscall<Args> {
  const { name, parameters } = parsePrototype(prototype);
  const declaration: Declaration = {
    syscall: name,
    prototype,
    numbers: typeof numbers === 'number' ? { x64: numbers, arm64: numbers } : numbers,
    parameters,
    flags,
  };
  const call = (...args: Args) => perform(declaration, args);
  const step = (purpose: string, args: readonly Argument[], options: StepOptions = {}): CallStep => {
    checkArguments(declaration, args);
    return { kind: 'call', call: declaration, args, purpose, ...options };
  };
  return Object.assign(call, declaration, { step });
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
    const table = flags[parameters[index]?.name ?? ''];
    const isNumber = typeof value === 'number' || typeof value === 'bigint';
    return table !== undefined && isNumber ? formatFlags(value, table) : formatArgument(value);
  });
  return `${syscall}(${formatted.join(', ')})`;
}

function perform(declaration: Declaration, args: readonly Argument[]): number {
  checkArguments(declaration, args);
  const keepAlive: Uint8Array[] = [];
  const values = args.map((value) => materialize(value, keepAlive));
  const kinds = declaration.parameters.map(({ isPointer }) => (isPointer ? 'pointer' : 'integer'));
  const result = bound(kinds)(numberOf(declaration, architecture()), ...values);
  if (result === -1) {
    throw new SyscallError({ errno: lastErrno(), syscall: declaration.syscall, ...pathsOf(declaration, args) });
  }
  return Number(result);
}

const functions = new Map<string, ReturnType<typeof bindSyscall>>();

function bound(kinds: readonly ('integer' | 'pointer')[]): ReturnType<typeof bindSyscall> {
  const key = kinds.join();
  let found = functions.get(key);
  if (found === undefined) {
    found = bindSyscall(kinds);
    functions.set(key, found);
  }
  return found;
}

/** koffi truncates integers and cuts strings at a NUL without a word, so both are refused before it sees them. */
function checkArguments({ syscall, parameters }: Declaration, args: readonly Argument[]): void {
  if (args.length !== parameters.length) {
    throw new TypeError(`${syscall} takes ${parameters.length} arguments, got ${args.length}`);
  }
  args.forEach((value, index) => {
    const { name, isPointer, min, max } = parameters[index] as Parameter;
    if (typeof value === 'string') assertNoNul(value, `${name} of ${syscall}`);
    if (isPointer ? typeof value === 'number' && value !== 0 : !isIntegerLike(value)) {
      throw new TypeError(`${name} of ${syscall} must be ${isPointer ? 'a pointer' : 'an integer'}, got ${formatArgument(value)}`);
    }
    if ((typeof value === 'number' || typeof value === 'bigint') && (value < min || value > max)) {
      throw new TypeError(`${name} of ${syscall} must be from ${min} to ${max}, got ${value}`);
    }
  });
}

function isIntegerLike(value: Argument): boolean {
  return Number.isSafeInteger(value) || typeof value === 'bigint' || isKind(value, 'variable');
}

function formatFlags(value: number | bigint, table: FlagTable): string {
  const exact = Object.entries(table).find(([, bits]) => BigInt(bits) === BigInt(value));
  if (exact !== undefined) return exact[0];
  let rest = BigInt(value);
  if (rest <= 0n) return String(value);
  const names: string[] = [];
  for (const [name, flag] of Object.entries(table)) {
    const bits = BigInt(flag);
    if (bits > 0n && (rest & bits) === bits) {
      names.push(name);
      rest &= ~bits;
    }
  }
  return [...names, ...(rest === 0n ? [] : [`0x${rest.toString(16)}`])].join('|');
}
