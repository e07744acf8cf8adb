/** C structs, laid out as the x86-64 and arm64 ABIs lay them out: every member at a multiple of its size. */
import { type Argument, assertNoNul, formatArgument, type Memory, memory, type Pointer } from './memory.ts';
import { type FlagTable, formatNumber, type OneOf } from './names.ts';

/** The types of struct members that system calls use. `pointer` is 8 bytes; `u8[16]` is an array of bytes. */
export type MemberType = 'u8' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64' | 'pointer' | `u8[${number}]`;

/** What a member holds when the struct is read: integers of 64 bits and pointers are bigints. */
export type MemberValue<T extends MemberType> = T extends 'u64' | 'i64' | 'pointer'
  ? bigint
  : T extends `u8[${number}]`
    ? Uint8Array
    : number;

type Members = Readonly<Record<string, MemberType>>;

type Values<M extends Members> = Readonly<Partial<Record<keyof M, Argument>>>;

/** A C struct, declared once: written for a call, read after one. */
export interface Struct<M extends Members> {
  /** Its name in the C headers. */
  readonly name: string;
  /** Its size in bytes, with the padding at its end. */
  readonly size: number;
  /** Each member's distance from the start, in bytes. */
  readonly offsets: Readonly<Record<keyof M, number>>;
  /**
   * The struct with these members; the others are zero. An array of bytes may be given as text, a C string then.
   * @throws TypeError for what does not fit its member
   */
  encode(values: Values<M>): Memory;
  /** Structs one behind the other, as an array. */
  array(elements: readonly Values<M>[]): Memory;
  /** Reads a struct that the kernel wrote into `bytes`. */
  decode(bytes: Uint8Array, at?: number): { readonly [K in keyof M]: MemberValue<M[K]> };
}

/**
 * Declares a C struct by its header's member names and order.
 *
 * @param names names of bits (or, with `oneOf`, of values), by member, for printing
 * @example const timespec = struct('timespec', { tv_sec: 'i64', tv_nsec: 'i64' });
 */
export function struct<const M extends Members>(
  name: string,
  members: M,
  names: Readonly<Partial<Record<string, FlagTable | OneOf>>> = {},
): Struct<M> {
  const entries = Object.entries(members) as [keyof M & string, MemberType][];
  const offsets = {} as Record<keyof M, number>;
  let end = 0;
  let widest = 1;
  for (const [member, type] of entries) {
    const { size, alignment } = measure(type);
    offsets[member] = align(end, alignment);
    end = offsets[member] + size;
    widest = Math.max(widest, alignment);
  }
  const size = align(end, widest);

  const array = (elements: readonly Values<M>[]): Memory => {
    const bytes = new Uint8Array(size * elements.length);
    const pointers: Pointer[] = [];
    elements.forEach((values, index) => {
      for (const [member, value] of Object.entries(values) as [keyof M & string, Argument | undefined][]) {
        const type = members[member];
        if (type === undefined) throw new TypeError(`struct ${name} has no member '${member}'`);
        if (value === undefined || value === null) continue;
        const place = { bytes, pointers, offset: index * size + offsets[member], what: `${member} of struct ${name}` };
        write(place, type, value);
      }
    });
    return memory(bytes, pointers, () => elements.map((values) => formatStruct(name, values, names)).join(', '));
  };

  return {
    name,
    size,
    offsets,
    encode: (values) => array([values]),
    array,
    decode(bytes, at = 0) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at, size);
      const decoded: Partial<Record<keyof M, MemberValue<MemberType>>> = {};
      for (const [member, type] of entries) decoded[member] = readMember(view, offsets[member], type);
      return decoded as { readonly [K in keyof M]: MemberValue<M[K]> };
    },
  };
}

function measure(type: MemberType): { size: number; alignment: number } {
  if (type === 'pointer') return { size: 8, alignment: 8 };
  const array = /^u8\[(\d+)\]$/.exec(type);
  if (array !== null) return { size: Number(array[1]), alignment: 1 };
  const size = Number(type.slice(1)) / 8;
  return { size, alignment: size };
}

function align(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

interface Place {
  readonly bytes: Uint8Array;
  readonly pointers: Pointer[];
  readonly offset: number;
  /** The member's name, for errors. */
  readonly what: string;
}

function write({ bytes, pointers, offset, what }: Place, type: MemberType, value: Argument): void {
  const { size } = measure(type);
  if (type.startsWith('u8[')) {
    bytes.set(arrayBytes(what, size, value), offset);
  } else if (typeof value === 'number' || typeof value === 'bigint') {
    assertFits(what, type, value);
    const view = new DataView(bytes.buffer);
    if (size === 8) view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value)), true);
    else if (size === 4) view.setUint32(offset, Number(value), true);
    else if (size === 2) view.setUint16(offset, Number(value), true);
    else view.setUint8(offset, Number(value));
  } else if (size === 8) {
    pointers.push({ offset, to: value });
  } else {
    throw new TypeError(`${what} must be an integer, got ${formatArgument(value)}`);
  }
}

/** DataView cuts integers silently, as C does. */
function assertFits(what: string, type: MemberType, value: number | bigint): void {
  const bits = BigInt(measure(type).size * 8);
  const isSigned = type.startsWith('i');
  const min = isSigned ? -(1n << (bits - 1n)) : 0n;
  const max = isSigned ? (1n << (bits - 1n)) - 1n : (1n << bits) - 1n;
  const isInteger = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!isInteger || value < min || value > max) {
    throw new TypeError(`${what} must be an integer from ${min} to ${max}, got ${value}`);
  }
}

/** The bytes of an array member: raw ones, or text with room for the NUL behind it. */
function arrayBytes(what: string, size: number, value: Argument): Uint8Array {
  if (typeof value === 'string') assertNoNul(value, what);
  const bytes = typeof value === 'string' ? Buffer.from(`${value}\0`) : value;
  if (!(bytes instanceof Uint8Array))
    throw new TypeError(`${what} must be text or bytes, got ${formatArgument(value)}`);
  if (bytes.length > size) throw new TypeError(`${what} has ${size} bytes, got ${bytes.length}`);
  return bytes;
}

function readMember(view: DataView, offset: number, type: MemberType): number | bigint | Uint8Array {
  switch (type) {
    case 'u8':
      return view.getUint8(offset);
    case 'u16':
      return view.getUint16(offset, true);
    case 'i16':
      return view.getInt16(offset, true);
    case 'u32':
      return view.getUint32(offset, true);
    case 'i32':
      return view.getInt32(offset, true);
    case 'i64':
      return view.getBigInt64(offset, true);
    case 'u64':
    case 'pointer':
      return view.getBigUint64(offset, true);
    default:
      return new Uint8Array(view.buffer.slice(view.byteOffset + offset, view.byteOffset + offset + measure(type).size));
  }
}

function formatStruct(
  name: string,
  values: Readonly<Partial<Record<string, Argument>>>,
  names: Readonly<Partial<Record<string, FlagTable | OneOf>>>,
): string {
  const members = Object.entries(values).map(([member, value]) => {
    const isNumber = typeof value === 'number' || typeof value === 'bigint';
    return `${member}=${isNumber ? formatNumber(value, names[member] ?? {}) : formatArgument(value ?? null)}`;
  });
  return `${name}{${members.join(', ')}}`;
}
