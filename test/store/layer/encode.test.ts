import { expect, test } from 'vitest';
import { encodeEntry } from '../../../store/layer/encode.ts';
import { decodeHeader } from '../../../store/layer/header.ts';
import { type EntryParts, outgoing } from '../support/entries.ts';

const encode = (parts: EntryParts) => encodeEntry(outgoing(parts));

/** The records of the PAX header before an entry, and the entry's own header. */
function takeApart(parts: EntryParts) {
  const bytes = encode(parts);
  const size = decodeHeader(bytes)?.size ?? 0;
  expect(bytes.toString('latin1', 156, 157)).toBe('x');
  return { records: bytes.toString('latin1', 512, 512 + size), header: decodeHeader(bytes.subarray(-512)), bytes };
}

test('a plain entry is one ustar header, byte for byte', () => {
  const bytes = encode({ name: 'dir/file', mode: 0o4755, uid: 1000, gid: 100, mtimeNs: 1_700_000_000n * 10n ** 9n });
  const expected = Buffer.alloc(512);
  const fields: [number, string][] = [
    [0, 'dir/file'],
    [100, '0004755\x000001750\x000000144\x0000000000000\x0014524770400\x00'],
    [148, '010712\x00 0'],
    [257, 'ustar\x0000'],
    [329, '0000000\x000000000\x00'],
  ];
  for (const [at, text] of fields) expected.write(text, at, 'latin1');
  expect(bytes.toString('latin1')).toBe(expected.toString('latin1'));
});

test("a directory's name ends with one slash", () => {
  expect(decodeHeader(encode({ type: 'directory', name: 'a' }))?.name.toString()).toBe('a/');
  expect(decodeHeader(encode({ type: 'directory', name: 'a/' }))?.name.toString()).toBe('a/');
});

test('a name of up to 100 bytes is where names are, a longer one in two parts where there is a slash for it', () => {
  expect(encode({ name: 'n'.repeat(100) })).toHaveLength(512);
  const long = `${'p'.repeat(155)}/${'n'.repeat(100)}`;
  expect(encode({ name: long })).toHaveLength(512);
  expect(decodeHeader(encode({ name: long }))?.name.toString()).toBe(long);
});

test.each([
  ['a name of 101 bytes without a slash', { name: 'n'.repeat(101) }, `111 path=${'n'.repeat(101)}\n`],
  ['a name that is not ASCII', { name: 'ä' }, '11 path=\xc3\xa4\n'],
  ['a target of 101 bytes', { name: 'a', type: 'symlink', link: 't'.repeat(101) }, `115 linkpath=${'t'.repeat(101)}\n`],
  ['nanoseconds', { name: 'a', mtimeNs: 1_000_000_001n }, '21 mtime=1.000000001\n'],
  ['a time before 1970', { name: 'a', mtimeNs: -1_250_000_000n }, '15 mtime=-1.25\n'],
  ['a time after 2242', { name: 'a', mtimeNs: 2n ** 33n * 10n ** 9n }, '20 mtime=8589934592\n'],
  ['an owner beyond 2097151', { name: 'a', uid: 2_097_152, gid: 2_097_153 }, '15 gid=2097153\n15 uid=2097152\n'],
  ['a size of 8 GiB', { name: 'a', size: 2 ** 33 }, '19 size=8589934592\n'],
  [
    'attributes, byte for byte',
    { name: 'a', xattrs: { 'user.b': Buffer.from([0, 10, 255]), 'user.a': Buffer.alloc(0) } },
    '24 SCHILY.xattr.user.a=\n27 SCHILY.xattr.user.b=\x00\n\xff\n',
  ],
] as const)('%s is a PAX record', (_, parts, records) => {
  expect(takeApart(parts as EntryParts).records).toBe(records);
});

test('a long name that is no text says so before it comes', () => {
  const name = Buffer.concat([Buffer.from([0xff]), Buffer.alloc(101, 'n')]);
  expect(takeApart({ name }).records).toBe(`21 hdrcharset=BINARY\n112 path=\xff${'n'.repeat(101)}\n`);
});

test('a short name that is no text is where names are', () => {
  const name = Buffer.from([0x66, 0xff, 0x80]);
  expect(decodeHeader(encode({ name }))?.name).toEqual(name);
});

test('what is in a PAX record is also in the header as far as it fits, or is zero there', () => {
  const { header } = takeApart({ name: 'n'.repeat(200), uid: 2 ** 31, mtimeNs: 5n });
  expect(header).toMatchObject({ name: Buffer.alloc(100, 'n'), uid: 0, mtimeNs: 0n });
});

test('a PAX header itself says nothing of the entry but its name', () => {
  const { bytes } = takeApart({ name: 'dir/file', uid: 7, gid: 8, mode: 0o600, mtimeNs: 5n });
  expect(decodeHeader(bytes)).toMatchObject({ name: Buffer.from('PaxHeaders.0/file'), uid: 0, gid: 0, mtimeNs: 0n });
});

test.each([
  ['no name', { name: '' }],
  ['a NUL in its name', { name: 'a\0b' }],
  ['a NUL in its target', { name: 'a', type: 'symlink', link: 'a\0' }],
  ["an attribute with '='", { name: 'a', xattrs: { 'user.a=b': Buffer.alloc(1) } }],
] as const)('an entry with %s cannot be written', (_, parts) => {
  expect(() => encode(parts as EntryParts)).toThrow(/^an archive cannot hold it: /);
});
