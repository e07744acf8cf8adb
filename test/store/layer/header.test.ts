import { describe, expect, test } from 'vitest';
import { asId, asSize, decodeHeader, decodeNumber } from '../../../store/layer/header.ts';
import { encodeHeader, withChecksum } from '../support/tar-writer.ts';

test('a header is read from the bytes that GNU tar writes', () => {
  // tar --format=ustar --mtime=@1700000000 --owner=:1000 --group=:100 --mode=0755 -cf - bin/tool | head -c 512 | base64
  const block = Buffer.alloc(512);
  block.write('bin/tool', 0);
  block.write('0000755\x000001750\x000000144\x0000000000013\x0014524770400\x00010540\x00 0', 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write('0000000\x000000000\x00', 329, 'latin1');
  expect(decodeHeader(withChecksum(block))).toEqual({
    type: '0',
    name: Buffer.from('bin/tool'),
    linkName: Buffer.from(''),
    mode: 0o755,
    uid: 1000,
    gid: 100,
    size: 11,
    mtimeNs: 1_700_000_000_000_000_000n,
    major: 0,
    minor: 0,
  });
});

test('the prefix of ustar comes before the name, and GNU has other things in its place', () => {
  const ustar = encodeHeader({ name: 'name' }, 0, (block) => block.write('some/prefix', 345));
  const gnu = encodeHeader({ name: 'name' }, 0, (block) => {
    block.write('ustar  \0', 257, 'latin1');
    block.write('14524770400\0', 345, 'latin1');
  });
  expect(decodeHeader(ustar)?.name.toString()).toBe('some/prefix/name');
  expect(decodeHeader(gnu)?.name.toString()).toBe('name');
});

test('a name of 100 bytes has no NUL at its end', () => {
  expect(decodeHeader(encodeHeader({ name: 'x'.repeat(100) }, 0))?.name.toString()).toBe('x'.repeat(100));
});

test('a name is bytes, not text', () => {
  const name = Buffer.from([0x66, 0xff, 0xfe, 0x80]);
  expect(decodeHeader(encodeHeader({ name }, 0))?.name).toEqual(name);
});

test('a block of zeros is the end', () => {
  expect(decodeHeader(Buffer.alloc(512))).toBeUndefined();
});

test('a header with a wrong checksum is refused', () => {
  const block = encodeHeader({ name: 'name' }, 0);
  block[0] = 0x6d;
  expect(() => decodeHeader(block)).toThrow(/checksum/);
});

test('the checksum of programs that added signed bytes is taken', () => {
  const block = encodeHeader({ name: Buffer.from([0xff]) }, 0);
  const unsigned = Number.parseInt(block.toString('latin1', 148, 154), 8);
  block.write(`${(unsigned - 256).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  expect(decodeHeader(block)?.name).toEqual(Buffer.from([0xff]));
});

describe('decodeNumber', () => {
  test.each([
    ['octal with leading zeros and NUL', '0000644\0', 0o644],
    ['octal with spaces', '  644 \0\0', 0o644],
    ['nothing', '\0\0\0\0\0\0\0\0', 0],
    ['base 256', '\x80\0\0\0\0\x01\0\0', 65_536],
    ['base 256 of 8 GiB', '\x80\0\0\0\0\0\0\x02\0\0\0\0', 8_589_934_592],
    ['negative base 256', '\xff\xff\xff\xff\xff\xff\xff\xff', -1],
  ])('reads %s', (_, field, value) => {
    expect(decodeNumber(Buffer.from(field, 'latin1'), 'a number')).toBe(value);
  });

  test.each([
    ['a digit that is not octal', '0000648\0'],
    ['a sign', '-000644\0'],
    ['hexadecimal', '0x1ff\0\0\0'],
    ['more than 2^53', '\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff'],
  ])('refuses %s', (_, field) => {
    expect(() => decodeNumber(Buffer.from(field, 'latin1'), 'a number')).toThrow(/archive is not valid/);
  });
});

test('a negative size is refused', () => {
  expect(() => asSize(-1)).toThrow(/-1 cannot be a size/);
});

test('the id that means "leave it" to chown(2) is refused', () => {
  expect(asId(0xffff_fffe, 'uid')).toBe(4_294_967_294);
  expect(() => asId(0xffff_ffff, 'uid')).toThrow(/4294967295 cannot be a uid/);
});
