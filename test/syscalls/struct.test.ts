import { describe, expect, test } from 'vitest';
import {
  addressOf,
  CLONE_ARGS,
  CLONE_NEWPID,
  encodeCapabilities,
  formatArgument,
  IFREQ,
  IOVEC,
  makedev,
  oneOf,
  POLLFD,
  SOCK_FILTER,
  signalSet,
  struct,
  variable,
  WINSIZE,
} from '../../syscalls/index.ts';

const hex = ({ bytes }: { readonly bytes: Uint8Array }) => Buffer.from(bytes).toString('hex');

describe('a struct', () => {
  const mixed = struct('mixed', { a: 'u8', b: 'u16', c: 'i32', d: 'u8', e: 'u64', f: 'u8[3]' });

  test('has every member at a multiple of its size, and padding at the end', () => {
    expect(mixed.offsets).toEqual({ a: 0, b: 2, c: 4, d: 8, e: 16, f: 24 });
    expect(mixed.size).toBe(32);
  });

  test('encodes little-endian, members not given as zero', () => {
    const encoded = mixed.encode({ a: 1, b: 0x0203, c: -2, e: 0x0102_0304_0506_0708n, f: Uint8Array.of(7, 8, 9) });
    expect(hex(encoded)).toBe(`01000302feffffff${'00'.repeat(8)}080706050403020107080900${'00'.repeat(4)}`);
    expect(hex(mixed.encode({}))).toBe('00'.repeat(32));
  });

  test('decodes what it encoded, at any place', () => {
    const values = { a: 255, b: 65_535, c: -1, d: 1, e: 2n ** 64n - 1n, f: Uint8Array.of(1, 2, 3) };
    const behind = Buffer.concat([Buffer.alloc(5), mixed.encode(values).bytes]);
    expect(mixed.decode(behind, 5)).toEqual(values);
  });

  test('decodes signed members as signed', () => {
    const signed = struct('signed', { a: 'i16', b: 'i64' });
    expect(signed.decode(signed.encode({ a: -3, b: -4 }).bytes)).toEqual({ a: -3, b: -4n });
  });

  test('puts text into an array of bytes as a C string', () => {
    expect(Buffer.from(IFREQ.encode({ ifr_name: 'lo' }).bytes).toString('latin1', 0, 16)).toBe(`lo${'\0'.repeat(14)}`);
  });

  test('holds addresses as pointers to what they lead to', () => {
    const pid = variable('pid');
    const buffer = new Uint8Array(4);
    expect(CLONE_ARGS.encode({ pidfd: addressOf(pid) }).pointers).toEqual([{ offset: 8, to: addressOf(pid) }]);
    expect(IOVEC.encode({ iov_base: buffer, iov_len: 4 }).pointers).toEqual([{ offset: 0, to: buffer }]);
  });

  test('makes arrays', () => {
    const array = IOVEC.array([
      { iov_base: 'a', iov_len: 1 },
      { iov_base: 'b', iov_len: 2 },
    ]);
    expect(hex(array)).toBe(`${'00'.repeat(8)}0100000000000000${'00'.repeat(8)}0200000000000000`);
    expect(array.pointers.map(({ offset }) => offset)).toEqual([0, 16]);
  });

  test('is printed with the names of its bits and values', () => {
    const encoded = CLONE_ARGS.encode({ flags: CLONE_NEWPID, exit_signal: 17, pidfd: addressOf(variable('pidfd')) });
    expect(formatArgument(encoded)).toBe('clone_args{flags=CLONE_NEWPID, exit_signal=17, pidfd=&pidfd}');
    const command = struct('command', { kind: 'u32' }, { kind: oneOf({ START: 1 }) });
    expect(formatArgument(command.encode({ kind: 1 }))).toBe('command{kind=START}');
  });

  test.each<[string, () => unknown]>([
    ['a of struct mixed must be an integer from 0 to 255, got 256', () => mixed.encode({ a: 256 })],
    ['a of struct mixed must be an integer from 0 to 255, got -1', () => mixed.encode({ a: -1 })],
    ['a of struct mixed must be an integer from 0 to 255, got 0.5', () => mixed.encode({ a: 0.5 })],
    [
      'c of struct mixed must be an integer from -2147483648 to 2147483647, got 2147483648',
      () => mixed.encode({ c: 2 ** 31 }),
    ],
    [
      'e of struct mixed must be an integer from 0 to 18446744073709551615, got 18446744073709551616',
      () => mixed.encode({ e: 2n ** 64n }),
    ],
    ['b of struct mixed must be an integer, got "text"', () => mixed.encode({ b: 'text' })],
    ['f of struct mixed has 3 bytes, got 4', () => mixed.encode({ f: 'abc' })],
    ['f of struct mixed must not contain a NUL character, got "\\u0000"', () => mixed.encode({ f: '\0' })],
    ['f of struct mixed must be text or bytes, got 5', () => mixed.encode({ f: 5 })],
    ["struct mixed has no member 'g'", () => mixed.encode({ g: 1 } as never)],
  ])('refuses what C would cut silently: %s', (message, encode) => {
    expect(encode).toThrow(new TypeError(message));
  });
});

describe('the bytes of', () => {
  test('an open terminal size', () => {
    expect(hex(WINSIZE.encode({ ws_row: 24, ws_col: 80 }))).toBe('1800500000000000');
  });

  test('a poll request', () => {
    expect(hex(POLLFD.encode({ fd: 3, events: 1 }))).toBe('0300000001000000');
  });

  test('a filter instruction', () => {
    expect(hex(SOCK_FILTER.encode({ code: 0x15, jt: 1, jf: 2, k: 0xc000_003e }))).toBe('150001023e0000c0');
  });

  test('capability sets, in two halves', () => {
    const sets = encodeCapabilities({
      effective: ['CAP_CHOWN', 'CAP_CHECKPOINT_RESTORE'],
      permitted: ['CAP_SETFCAP'],
      inheritable: [],
    });
    expect(hex(sets)).toBe('010000000000008000000000000100000000000000000000');
  });

  test('a signal set', () => {
    expect(hex({ bytes: signalSet([1, 9, 64]) })).toBe('0101000000000080');
    expect(() => signalSet([65])).toThrow('a signal must be from 1 to 64, got 65');
  });
});

test.each([
  [1, 3, 0x103],
  [5, 2, 0x502],
  [0, 0, 0],
  [136, 300, 0x10882c],
  [4095, 0xf_ffff, 0xffff_ffff],
])('makedev(%i, %i) is a number as mknod(2) takes it', (major, minor, device) => {
  expect(makedev(major, minor)).toBe(device);
});

test('makedev refuses numbers that Linux does not have', () => {
  expect(() => makedev(4096, 0)).toThrow('the major number of a device must be from 0 to 4095, got 4096');
  expect(() => makedev(0, -1)).toThrow('the minor number of a device must be from 0 to 1048575, got -1');
});
