/**
 * Values that system calls take, as data: a plan can hold, print and compare them before there is a process
 * in whose memory they could be placed.
 */

/** Bytes with pointers in them: `argv`, `struct iovec`, `struct clone_args`. The same object is the same address. */
export interface Memory {
  readonly kind: 'memory';
  readonly bytes: Uint8Array;
  readonly pointers: readonly Pointer[];
  /** How a plan prints it, instead of its bytes. */
  readonly describe?: (() => string) | undefined;
}

/** A place in a {@link Memory} that holds the address (or, of a number, the value) of something else. */
export interface Pointer {
  readonly offset: number;
  /** Of a variable it is the place: whoever reads the memory reads the variable. A variable can be in one place only. */
  readonly to: Argument;
}

/** A 64-bit cell of a plan: the result of one step, an argument of later ones. Zero until it is written. */
export interface Variable {
  readonly kind: 'variable';
  readonly name: string;
  /** Where it is, of one that is part of something that the kernel reads or writes. @default wherever there is room */
  readonly at?: number | undefined;
}

/** The address of a variable, for system calls that write one. */
export interface AddressOf {
  readonly kind: 'address';
  readonly of: Variable;
}

/**
 * An argument of a system call: an integer, a C string, a buffer, NULL, memory with pointers in it, or a
 * variable of the plan.
 */
export type Argument = number | bigint | string | Uint8Array | null | Memory | Variable | AddressOf;

/** A file's name: text, or the raw bytes that Linux allows, with the NUL that ends them. */
export type Path = string | Uint8Array;

/** A struct or a buffer. In a call made now, the kernel writes into it. */
export type Bytes = Uint8Array | Memory;

/** Memory of `bytes`, with the addresses of other values at some offsets. */
export function memory(bytes: Uint8Array, pointers: readonly Pointer[] = [], describe?: () => string): Memory {
  return { kind: 'memory', bytes, pointers, describe };
}

/** A NULL-terminated array of C strings, as execve(2) takes. */
export function stringArray(strings: readonly string[]): Memory {
  for (const text of strings) assertNoNul(text, 'an argument or variable of a command');
  const pointers = strings.map((to, index) => ({ offset: index * 8, to }));
  return memory(new Uint8Array((strings.length + 1) * 8), pointers, () => JSON.stringify(strings));
}

/** A variable of a plan. Two variables are one when their names are. */
export function variable(name: string): Variable {
  return { kind: 'variable', name };
}

/** The eight bytes at an address, as a variable: of memory that the program has mapped there. */
export function cellAt(name: string, at: number): Variable {
  return { kind: 'variable', name, at };
}

/** The address of a variable. */
export function addressOf(of: Variable): AddressOf {
  return { kind: 'address', of };
}

/** Whether an argument is a {@link Memory}, {@link Variable} or {@link AddressOf}. */
export function isKind<K extends 'memory' | 'variable' | 'address'>(
  value: Argument,
  kind: K,
): value is Extract<Argument, { kind: K }> {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind;
}

/**
 * Refuses a NUL in a string on its way to the kernel: C would silently cut the string there.
 * @throws TypeError that names what was given
 */
export function assertNoNul(value: string, what: string): void {
  if (value.includes('\0')) {
    throw new TypeError(`${what} must not contain a NUL character, got ${JSON.stringify(value)}`);
  }
}

/** How a plan prints an argument: strings in quotes, variables by name, buffers by size. */
export function formatArgument(value: Argument): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof Uint8Array) return `<${value.length} bytes>`;
  if (value.kind === 'variable') return value.name;
  if (value.kind === 'address') return `&${value.of.name}`;
  return value.describe?.() ?? `<${value.bytes.length} bytes>`;
}
