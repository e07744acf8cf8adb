import { expect, test } from 'vitest';
import { parseLdCache } from '../../../sdk/elf/index.ts';

/** Two entries, `libz.so.1` for two architectures: offsets count from the start of these bytes. */
const NEW_FORMAT = Buffer.from(
  [
    hex('glibc-ld.so.cache1.1'),
    '03000000 24000000', // 3 libraries, 36 bytes of strings
    '02 000000 00000000 000000000000000000000000', // little endian, no extensions
    '03030000 78000000 82000000 00000000 0000000000000000', // libz.so.1 => /l/z
    '03000000 78000000 87000000 00000000 0000000000000000', // libz.so.1 => /m/z, another architecture
    '03030000 78000000 8c000000 00000000 0200000000000040', // libz.so.1 => /l/glibc-hwcaps/z, hwcap index 2
    hex('libz.so.1\0/l/z\0/m/z\0/l/glibc-hwcaps/z\0'),
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);

const LIBRARIES = [['libz.so.1', ['/l/z', '/m/z']]];

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

test('the new format is read, without variants for certain CPUs', () => {
  expect([...parseLdCache(NEW_FORMAT)]).toEqual(LIBRARIES);
});

test('the new format is found after an old table', () => {
  const old = Buffer.alloc(32); // a header of 16 bytes, an entry of 12, 4 bytes up to the next multiple of 8
  old.write('ld.so-1.7.0');
  old.writeUInt32LE(1, 12);
  expect([...parseLdCache(Buffer.concat([old, NEW_FORMAT]))]).toEqual(LIBRARIES);
});

test('a cache in big endian is read', () => {
  const swapped = Buffer.from(NEW_FORMAT);
  swapped.subarray(20, 28).swap32();
  swapped[28] = 3;
  for (let at = 48; at < 120; at += 24) {
    swapped.subarray(at, at + 16).swap32();
    swapped.subarray(at + 16, at + 24).swap64();
  }
  expect([...parseLdCache(swapped)]).toEqual(LIBRARIES);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['text', Buffer.from('include /etc/ld.so.conf.d/*.conf\n'.repeat(9))],
  ['an old table alone', Buffer.from('ld.so-1.7.0\0\0\0\0\0')],
])('%s is an empty cache', (_, bytes) => {
  expect(parseLdCache(bytes).size).toBe(0);
});

test('a cache cut anywhere, or with any byte changed, gives what can be read of it', () => {
  for (let end = 0; end < NEW_FORMAT.length; end++) parseLdCache(NEW_FORMAT.subarray(0, end));
  for (let at = 0; at < NEW_FORMAT.length; at++) parseLdCache(Buffer.from(NEW_FORMAT).fill(0xff, at, at + 1));
  expect(parseLdCache(NEW_FORMAT.subarray(0, 96)).size).toBe(0);
});
