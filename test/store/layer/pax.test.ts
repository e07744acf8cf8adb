import { expect, test } from 'vitest';
import { decodePax, interpretPax } from '../../../store/layer/pax.ts';
import { paxRecord } from '../support/tar-writer.ts';

const interpret = (...records: readonly (readonly [string, string | Buffer])[]) =>
  interpretPax(decodePax(Buffer.concat(records.map(([key, value]) => paxRecord(key, value)))));

test('records are read as POSIX writes them', () => {
  const body = Buffer.from('12 path=a/b\n30 mtime=1321711775.972059463\n5 a=\n');
  expect(decodePax(body)).toEqual([
    ['path', Buffer.from('a/b')],
    ['mtime', Buffer.from('1321711775.972059463')],
    ['a', Buffer.from('')],
  ]);
});

test('a value may hold newlines, equals signs, NULs and bytes that are no text', () => {
  const value = Buffer.from([0x0a, 0x3d, 0x00, 0xff, 0x0a]);
  expect(interpret(['SCHILY.xattr.user.raw', value]).xattrs.get('user.raw')).toEqual(value);
});

test('a path is bytes', () => {
  const name = Buffer.from([0x61, 0xff, 0x2f, 0xfe]);
  expect(interpret(['path', name]).name).toEqual(name);
});

test.each([
  ['a length that is too long', '99 path=a\n'],
  ['a length that is too short', '5 path=a\n'],
  ['no length', 'path=a\n'],
  ['a length with a sign', '+9 path=a\n'],
  ['a record without a newline', '8 path=a'],
  ['a record without a key', '5 =a\n'],
  ['a record without an equals sign', '7 path\n'],
  ['a length of gigabytes', '99999999999 path=a\n'],
])('%s is refused', (_, body) => {
  expect(() => decodePax(Buffer.from(body))).toThrow(/no PAX record at byte 0/);
});

test.each([
  ['1700000000', 1_700_000_000_000_000_000n],
  ['1700000000.5', 1_700_000_000_500_000_000n],
  ['1700000000.123456789', 1_700_000_000_123_456_789n],
  ['0.0000000019', 1n],
  ['-1.5', -1_500_000_000n],
])('the time %s keeps its nanoseconds', (text, ns) => {
  expect(interpret(['mtime', text]).mtimeNs).toBe(ns);
});

test.each([
  ['size', '-1'],
  ['size', '99999999999999999'],
  ['uid', '4294967295'],
  ['gid', '1e3'],
  ['mtime', 'yesterday'],
  ['path', 'a\0b'],
  ['SCHILY.xattr.', 'value'],
])('%s=%j is refused', (key, value) => {
  expect(() => interpret([key, value])).toThrow(/archive is not valid/);
});

test('of two records of one key the last counts, and an empty one takes the key back', () => {
  expect(interpret(['path', 'first'], ['path', 'second']).name?.toString()).toBe('second');
  expect(interpret(['path', 'first'], ['path', '']).name).toBeUndefined();
});
