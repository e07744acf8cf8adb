/** The bytes before an entry's content: its header, and a PAX header before that where one is needed. */
import { isUtf8 } from 'node:buffer';
import { CaissonError } from '../../syscalls/index.ts';
import { BLOCK } from './header.ts';
import type { EntryType, TarEntry } from './read.ts';

/** An entry to be written. */
export interface OutgoingEntry extends Omit<TarEntry, 'isSparse' | 'takeContent' | 'content'> {
  /** Its content: `size` bytes, in pieces of any length. Asked for once, and only of a file. */
  content(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

const LETTERS: Readonly<Record<EntryType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};
const MAX_ID = 0o7777777;
const MAX_OCTAL_12 = 0o77777777777;
const SECOND_NS = 1_000_000_000n;

/**
 * Encodes what comes before an entry's content.
 * @throws CaissonError LAYER_NOT_PACKED when there is no name, a name has a NUL, or the key of an attribute has `=`
 */
export function encodeEntry(entry: OutgoingEntry): Buffer {
  const name = nameOf(entry);
  const linkName = entry.type === 'hardlink' || entry.type === 'symlink' ? entry.linkName : EMPTY;
  const size = entry.type === 'file' ? entry.size : 0;
  const seconds = floorSeconds(entry.mtimeNs);
  const records: [key: string, value: Buffer][] = [];
  const say = (key: string, value: Buffer | string) => records.push([key, Buffer.from(value)]);

  const split = splitForUstar(name);
  const fits = split !== undefined && !isOtherText(name);
  if (!fits) say('path', name);
  const linkFits = linkName.length <= 100 && !isOtherText(linkName);
  if (!linkFits) say('linkpath', linkName);
  // Says that names are bytes, where readers would otherwise take them for UTF-8.
  if ((!fits && !isUtf8(name)) || (!linkFits && !isUtf8(linkName))) say('hdrcharset', 'BINARY');
  if (size > MAX_OCTAL_12) say('size', String(size));
  if (entry.uid > MAX_ID) say('uid', String(entry.uid));
  if (entry.gid > MAX_ID) say('gid', String(entry.gid));
  const isPlainTime = entry.mtimeNs % SECOND_NS === 0n && seconds >= 0n && seconds <= BigInt(MAX_OCTAL_12);
  if (!isPlainTime) say('mtime', formatTime(entry.mtimeNs));
  for (const [attribute, value] of entry.xattrs) say(attributeKey(attribute, entry), value);

  const header = encodeHeader({
    ...(fits ? split : { prefix: EMPTY, name: name.subarray(0, 100) }),
    type: LETTERS[entry.type],
    mode: entry.mode & 0o7777,
    uid: entry.uid > MAX_ID ? 0 : entry.uid,
    gid: entry.gid > MAX_ID ? 0 : entry.gid,
    size: size > MAX_OCTAL_12 ? 0 : size,
    mtime: isPlainTime ? Number(seconds) : 0,
    linkName: linkName.subarray(0, 100),
    major: entry.type.endsWith('device') ? entry.major : 0,
    minor: entry.type.endsWith('device') ? entry.minor : 0,
  });
  return records.length === 0 ? header : Buffer.concat([encodePax(name, records), header]);
}

const EMPTY = Buffer.alloc(0);

/** A directory's name ends with a slash, as everybody writes it. */
function nameOf({ name, linkName, type }: OutgoingEntry): Buffer {
  if (name.length === 0) throw notPacked(`a ${type} has no name`);
  if (name.includes(0) || linkName.includes(0)) throw notPacked(`the name or target of '${name.toString()}' has a NUL`);
  return type === 'directory' && name.at(-1) !== SLASH ? Buffer.concat([name, Buffer.from('/')]) : name;
}

function notPacked(reason: string): CaissonError {
  return new CaissonError('LAYER_NOT_PACKED', `an archive cannot hold it: ${reason}`);
}

const SLASH = 0x2f;

/** The two parts of a name that ustar has room for: 155 and 100 bytes, and a slash between them. */
function splitForUstar(name: Buffer): { prefix: Buffer; name: Buffer } | undefined {
  if (name.length <= 100) return { prefix: EMPTY, name };
  const slash = name.subarray(0, Math.min(156, name.length - 1)).lastIndexOf(SLASH);
  if (slash <= 0 || name.length - slash - 1 > 100) return undefined;
  return { prefix: name.subarray(0, slash), name: name.subarray(slash + 1) };
}

/** Text that is not ASCII has a place of its own, where it is UTF-8; bytes that are no text stay where they fit. */
function isOtherText(name: Buffer): boolean {
  return name.some((byte) => byte >= 0x80) && isUtf8(name);
}

function attributeKey(attribute: string, { name }: OutgoingEntry): string {
  if (!attribute.includes('=') && attribute !== '') return `SCHILY.xattr.${attribute}`;
  throw notPacked(`'${attribute}' is an attribute of '${name.toString()}'`);
}

/** Seconds before a time, also before 1970. */
function floorSeconds(ns: bigint): bigint {
  const seconds = ns / SECOND_NS;
  return ns % SECOND_NS < 0n ? seconds - 1n : seconds;
}

/** `-1.25`: seconds, and as much of a fraction as there is. */
function formatTime(ns: bigint): string {
  const absolute = ns < 0n ? -ns : ns;
  const fraction = String(absolute % SECOND_NS)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${ns < 0n ? '-' : ''}${absolute / SECOND_NS}${fraction === '' ? '' : `.${fraction}`}`;
}

function encodePax(name: Buffer, records: [key: string, value: Buffer][]): Buffer {
  const sorted = records.sort(([a], [b]) => (a < b ? -1 : 1));
  // Whoever takes names for UTF-8 must know that they are not before the first of them comes.
  const [charset, others] = [sorted.filter(isCharset), sorted.filter((record) => !isCharset(record))];
  const body = Buffer.concat([...charset, ...others].map(encodeRecord));
  const header = encodeHeader({
    prefix: EMPTY,
    // Programs that know no PAX headers make files of them.
    name: Buffer.concat([Buffer.from('PaxHeaders.0/'), lastComponent(name)]).subarray(0, 100),
    type: 'x',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: 0,
    linkName: EMPTY,
    major: 0,
    minor: 0,
  });
  return Buffer.concat([header, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

function isCharset([key]: [key: string, value: Buffer]): boolean {
  return key === 'hdrcharset';
}

function lastComponent(name: Buffer): Buffer {
  const end = name.at(-1) === SLASH ? name.length - 1 : name.length;
  return name.subarray(name.subarray(0, end).lastIndexOf(SLASH) + 1, end);
}

/** `length key=value\n`, where the length counts itself. */
function encodeRecord([key, value]: [key: string, value: Buffer]): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

interface Fields {
  readonly prefix: Buffer;
  readonly name: Buffer;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly linkName: Buffer;
  readonly major: number;
  readonly minor: number;
}

function encodeHeader(fields: Fields): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1');
  fields.name.copy(block, 0);
  octal(fields.mode, 100, 8);
  octal(fields.uid, 108, 8);
  octal(fields.gid, 116, 8);
  octal(fields.size, 124, 12);
  octal(fields.mtime, 136, 12);
  block.write(`        ${fields.type}`, 148, 'latin1');
  fields.linkName.copy(block, 157);
  block.write('ustar\x0000', 257, 'latin1');
  octal(fields.major, 329, 8);
  octal(fields.minor, 337, 8);
  fields.prefix.copy(block, 345);
  let sum = 0;
  for (let at = 0; at < BLOCK; at++) sum += block[at] ?? 0;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}
