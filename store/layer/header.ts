/**
 * The 512 bytes before each entry of a tar archive.
 * Sources: POSIX pax (ustar Interchange Format), GNU tar manual (Basic Tar Format).
 */
import { CaissonError } from '../../syscalls/index.ts';

export const BLOCK = 512;

/** A header as it stands, before the extended headers that came before it are heard. */
export interface Header {
  /** The letter of the kind of entry; a NUL is written `0`. */
  readonly type: string;
  readonly name: Buffer;
  readonly linkName: Buffer;
  /** The twelve bits of permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of the content in the archive, in bytes. */
  readonly size: number;
  /** In nanoseconds since 1970. */
  readonly mtimeNs: bigint;
  readonly major: number;
  readonly minor: number;
}

/**
 * Reads a header; undefined for a block of zeros, which ends an archive.
 * @throws CaissonError ARCHIVE_INVALID when the checksum or a number is wrong
 */
export function decodeHeader(block: Buffer): Header | undefined {
  if (block[0] === 0 && block.every((byte) => byte === 0)) return undefined;
  const sum = decodeNumber(block.subarray(148, 156), 'checksum');
  const [unsigned, signed] = checksums(block);
  if (sum !== unsigned && sum !== signed) throw invalid(`a header's checksum is ${sum}, but should be ${unsigned}`);
  const isUstar = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isUstar ? decodeText(block.subarray(345, 500)) : Buffer.alloc(0);
  const name = decodeText(block.subarray(0, 100));
  const number = (start: number, end: number, what: string) => decodeNumber(block.subarray(start, end), what);
  return {
    type: block[156] === 0 ? '0' : String.fromCharCode(block[156] ?? 0),
    name: prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]),
    linkName: decodeText(block.subarray(157, 257)),
    mode: number(100, 108, 'mode') & 0o7777,
    uid: asId(number(108, 116, 'uid'), 'uid'),
    gid: asId(number(116, 124, 'gid'), 'gid'),
    size: asSize(number(124, 136, 'size')),
    mtimeNs: BigInt(number(136, 148, 'mtime')) * 1_000_000_000n,
    major: number(329, 337, 'major device number'),
    minor: number(337, 345, 'minor device number'),
  };
}

/**
 * A number in octal digits or, with the first bit set, in base 256 (GNU), which may be negative.
 * @throws CaissonError ARCHIVE_INVALID for anything else, and for what a double does not hold exactly
 */
export function decodeNumber(field: Buffer, what: string): number {
  if (((field[0] ?? 0) & 0x80) !== 0) return decodeBase256(field, what);
  // Nearly all are digits up to a NUL, of which there are fewer than a double holds.
  let value = 0;
  let at = 0;
  for (let digit = digitAt(field, at); digit >= 0 && digit < 8; digit = digitAt(field, ++at)) value = value * 8 + digit;
  if (at > 0 && field[at] === 0) return value;
  return decodeOctal(field, what);
}

const digitAt = (field: Buffer, at: number) => (field[at] ?? 0) - 0x30;

function decodeOctal(field: Buffer, what: string): number {
  const text = field.toString('latin1').replace(/\0.*$/s, '').trim();
  const value = text === '' ? 0 : Number(`0o${text}`);
  if (/^[0-7]*$/.test(text) && Number.isSafeInteger(value)) return value;
  throw invalid(`${JSON.stringify(text)} is not a number: ${what}`);
}

/** The size of content: -1, or more than 2^53, is an attack. */
export function asSize(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw invalid(`${value} cannot be a size`);
}

/** Ids have 32 bits, and to chown(2) the last of them says "leave it". */
export function asId(value: number, what: string): number {
  if (Number.isSafeInteger(value) && value >= 0 && value < 0xffff_ffff) return value;
  throw invalid(`${value} cannot be a ${what}`);
}

/** The bytes up to the first NUL. */
export function decodeText(field: Buffer): Buffer {
  const end = field.indexOf(0);
  return Buffer.from(end === -1 ? field : field.subarray(0, end));
}

/** An error about the archive. */
export function invalid(reason: string, cause?: unknown): CaissonError {
  return new CaissonError('ARCHIVE_INVALID', `the archive is not valid: ${reason}`, { cause });
}

function decodeBase256(field: Buffer, what: string): number {
  const isNegative = ((field[0] ?? 0) & 0x40) !== 0;
  let value = isNegative ? -1n : 0n;
  field.forEach((byte, index) => {
    // The first bit is the mark of the form, not part of the number; in a negative one it is set like the sign.
    value = (value << 8n) | BigInt(index === 0 && !isNegative ? byte & 0x7f : byte);
  });
  if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw invalid(`${value} is out of range: ${what}`);
}

/** The sum of the bytes with the checksum itself as spaces; and as old programs had it, of signed bytes. */
function checksums(block: Buffer): [unsigned: number, signed: number] {
  let unsigned = 8 * 0x20;
  let signed = unsigned;
  for (let index = 0; index < BLOCK; index++) {
    if (index >= 148 && index < 156) continue;
    const byte = block[index] ?? 0;
    unsigned += byte;
    signed += byte < 0x80 ? byte : byte - 0x100;
  }
  return [unsigned, signed];
}
