/**
 * PAX extended headers: `length key=value\n`, again and again. Values are bytes and may hold any of them.
 * Sources: POSIX pax (pax Extended Header), GNU tar manual (Storing Sparse Files), star's SCHILY.* keys.
 */
import { asId, asSize, invalid } from './header.ts';

/** The records of one header, in their order: `GNU.sparse.offset` comes many times. */
export type PaxRecords = readonly (readonly [key: string, value: Buffer])[];

/** What a PAX header says of the entry after it; a member is there where the header speaks of it. */
export interface PaxOverrides {
  name?: Buffer;
  linkName?: Buffer;
  size?: number;
  uid?: number;
  gid?: number;
  mtimeNs?: bigint;
  /** By name, without `SCHILY.xattr.`. */
  readonly xattrs: Map<string, Buffer>;
  /** The records about sparse files, without `GNU.sparse.`. */
  readonly sparse: (readonly [key: string, value: string])[];
}

const XATTR = 'SCHILY.xattr.';
const SPARSE = 'GNU.sparse.';

/**
 * Takes a header's body apart.
 * @throws CaissonError ARCHIVE_INVALID when a record is not as long as it says
 */
export function decodePax(body: Buffer): PaxRecords {
  const records: [string, Buffer][] = [];
  for (let start = 0; start < body.length; ) {
    const space = body.indexOf(0x20, start);
    const digits = space === -1 ? '' : body.toString('latin1', start, Math.min(space, start + 10));
    const end = start + Number(digits);
    const equals = body.indexOf(0x3d, space);
    const isWhole = /^[1-9][0-9]*$/.test(digits) && end <= body.length && body[end - 1] === 0x0a;
    if (!isWhole || equals <= space + 1 || equals >= end)
      throw invalid(`there is no PAX record at byte ${start} of its header`);
    // Keys are UTF-8, but those of attributes are bytes too: latin1 keeps them.
    records.push([body.toString('latin1', space + 1, equals), Buffer.from(body.subarray(equals + 1, end - 1))]);
    start = end;
  }
  return records;
}

/**
 * What the records say. Where a key comes twice the last counts; an empty value takes a key back.
 * @throws CaissonError ARCHIVE_INVALID for a value that is not of its key
 */
export function interpretPax(records: PaxRecords): PaxOverrides {
  const overrides: PaxOverrides = { xattrs: new Map(), sparse: [] };
  for (const [key, value] of records) {
    if (key.startsWith(XATTR)) overrides.xattrs.set(attributeName(key.slice(XATTR.length)), value);
    else if (key.startsWith(SPARSE)) overrides.sparse.push([key.slice(SPARSE.length), value.toString('latin1')]);
    else if (value.length === 0) takeBack(overrides, key);
    else interpretKey(overrides, key, value);
  }
  return overrides;
}

function interpretKey(overrides: PaxOverrides, key: string, value: Buffer): void {
  if (key === 'path') overrides.name = withoutNul(value, key);
  else if (key === 'linkpath') overrides.linkName = withoutNul(value, key);
  else if (key === 'size') overrides.size = asSize(decimal(value, key));
  else if (key === 'uid') overrides.uid = asId(decimal(value, key), key);
  else if (key === 'gid') overrides.gid = asId(decimal(value, key), key);
  else if (key === 'mtime') overrides.mtimeNs = nanoseconds(value);
}

function takeBack(overrides: PaxOverrides, key: string): void {
  if (key === 'path') delete overrides.name;
  else if (key === 'linkpath') delete overrides.linkName;
  else if (key === 'size' || key === 'uid' || key === 'gid') delete overrides[key];
  else if (key === 'mtime') delete overrides.mtimeNs;
}

function attributeName(latin1: string): string {
  const name = Buffer.from(latin1, 'latin1').toString('utf8');
  if (name === '' || name.includes('\0')) throw invalid('an extended attribute has no proper name');
  return name;
}

function withoutNul(value: Buffer, key: string): Buffer {
  if (value.includes(0)) throw invalid(`the PAX value of '${key}' has a NUL in it`);
  return value;
}

function decimal(value: Buffer, key: string): number {
  const text = value.toString('latin1');
  if (/^[0-9]{1,16}$/.test(text)) return Number(text);
  throw invalid(`the PAX value of '${key}' is not a number: ${JSON.stringify(text.slice(0, 40))}`);
}

/** Seconds with a fraction of any length, of which nine digits count. */
function nanoseconds(value: Buffer): bigint {
  const text = value.toString('latin1');
  const match = /^(-?)([0-9]{1,18})(?:\.([0-9]*))?$/.exec(text);
  if (match === null) throw invalid(`the PAX value of 'mtime' is not a time: ${JSON.stringify(text.slice(0, 40))}`);
  const [, sign, seconds = '0', fraction = ''] = match;
  const total = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return sign === '-' ? -total : total;
}
