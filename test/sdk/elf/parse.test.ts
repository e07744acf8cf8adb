import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { bytesReader, type Elf, parseElf } from '../../../sdk/elf/index.ts';
import { buildElf, DYNAMIC, PROGRAM_HEADERS, STRINGS } from './build-elf.ts';

const parse = (bytes: Uint8Array) => parseElf('/x', bytesReader(bytes));

/** A program of a size to read with the eyes: one PT_LOAD, one PT_DYNAMIC that needs `a.so`. */
const TINY = Buffer.from(
  [
    '7f454c46 02 01 01 00 0000000000000000', // \x7fELF, 64 bits, little endian, version 1
    '0300 3e00 01000000 0000000000000000', // ET_DYN, EM_X86_64, version 1, entry
    '4000000000000000 0000000000000000', // program headers at 64, no sections
    '00000000 4000 3800 0200 0000 0000 0000', // flags, sizes 64 and 56, 2 program headers
    '01000000 05000000 0000000000000000', // PT_LOAD R+X, file offset 0
    '0010000000000000 0010000000000000', // at address 0x1000
    'f600000000000000 f600000000000000 0010000000000000', // 246 bytes
    '02000000 06000000 b000000000000000', // PT_DYNAMIC, file offset 176
    'b010000000000000 b010000000000000', // at address 0x10b0
    '4000000000000000 4000000000000000 0800000000000000', // 64 bytes
    '0100000000000000 0100000000000000', // DT_NEEDED, name at 1
    '0500000000000000 f010000000000000', // DT_STRTAB at address 0x10f0
    '0a00000000000000 0600000000000000', // DT_STRSZ, 6 bytes
    '0000000000000000 0000000000000000', // DT_NULL
    '00 612e736f 00', // "", "a.so"
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);

test('an ELF file is read from its bytes', async () => {
  expect(await parse(TINY)).toEqual<Elf>({
    class: 64,
    littleEndian: true,
    machine: 62,
    interpreter: undefined,
    needed: ['a.so'],
    soname: undefined,
    rpath: undefined,
    runpath: undefined,
    noDefaultLibraries: false,
  });
});

test.each([true, false])('every field the loader uses is read (little endian: %s)', async (littleEndian) => {
  const file = buildElf({
    littleEndian,
    machine: 183,
    interpreter: '/lib/ld-linux-aarch64.so.1',
    dynamic: [
      [1, 'libm.so.6'],
      [14, 'libx.so.1'],
      [1, 'libc.so.6'],
      [15, '/r:$ORIGIN'],
      [29, '$ORIGIN/../lib'],
      [0x6fff_fffb, 0x801],
    ],
  });
  expect(await parse(file)).toEqual<Elf>({
    class: 64,
    littleEndian,
    machine: 183,
    interpreter: '/lib/ld-linux-aarch64.so.1',
    needed: ['libm.so.6', 'libc.so.6'],
    soname: 'libx.so.1',
    rpath: '/r:$ORIGIN',
    runpath: '$ORIGIN/../lib',
    noDefaultLibraries: true,
  });
});

test('a name longer than a path is read whole', async () => {
  const rpath = Array.from({ length: 200 }, (_, index) => `/nix/store/some-long-hash-of-a-package-${index}/lib`).join(
    ':',
  );
  expect(await parse(buildElf({ dynamic: [[15, rpath]] }))).toMatchObject({ rpath });
});

test('a small part of a large file is read', async () => {
  const file = readFileSync(process.execPath);
  let bytes = 0;
  await parseElf(process.execPath, async (offset, length) => {
    bytes += length;
    return file.subarray(offset, offset + length);
  });
  expect(bytes).toBeLessThan(128 * 1024);
});

describe('another kind of file is refused', () => {
  test.each([
    ['an empty file', '', "'/x' is not an ELF file"],
    ['text', 'hello\n', "'/x' is not an ELF file"],
    [
      'a script',
      '#! /usr/bin/env node\n',
      "'/x' is not an ELF file (it is a script for '/usr/bin/env': ask for that program)",
    ],
    ['half of the magic bytes', '\x7fEL', "'/x' is not an ELF file"],
  ])('%s', async (_, text, message) => {
    await expect(parse(Buffer.from(text, 'latin1'))).rejects.toMatchObject({ code: 'NOT_AN_ELF', message });
  });

  test('a 32-bit ELF file', async () => {
    const file = buildElf();
    file[4] = 1;
    await expect(parse(file)).rejects.toMatchObject({
      code: 'UNSUPPORTED_ELF',
      message: "'/x' is a 32-bit ELF file, and only 64-bit ones are read",
    });
  });
});

describe('a damaged file is refused with the reason', () => {
  const PT_DYNAMIC = PROGRAM_HEADERS + 56;
  const PT_INTERP = PROGRAM_HEADERS + 2 * 56;
  test.each<[reason: string, at: number, bytes: readonly number[]]>([
    ['unknown class 3', 4, [3]],
    ['unknown byte order 0', 5, [0]],
    ['program headers of 57 bytes', 54, [57]],
    ['the file ends within the program headers', 56, [0xff, 0xff]],
    ['the file ends within the program headers', 32, [0, 0, 1]],
    ['an offset of 18446744073709551615', 32, [255, 255, 255, 255, 255, 255, 255, 255]],
    ['a dynamic section of 1099511627776 bytes', PT_DYNAMIC + 32, [0, 0, 0, 0, 0, 1, 0, 0]],
    ['the file ends within the dynamic section', PT_DYNAMIC + 8, [0, 0, 1]],
    ["an interpreter's name of 16777244 bytes", PT_INTERP + 35, [1]],
    ["the interpreter's name is empty or has no end", PT_INTERP + 32, [3]],
    ["the interpreter's name is empty or has no end", PT_INTERP + 8, [0, 4]],
    ['a name at 200 in a string table of 11 bytes', DYNAMIC + 8, [200]],
    ['it needs a library without a name', DYNAMIC + 8, [0]],
    ['names without a string table', DYNAMIC + 16, [99]],
    ['the string table is in no segment', DYNAMIC + 24, [0, 0, 0, 1]],
    ['an offset of 18446744073709551615', PT_DYNAMIC + 8, [255, 255, 255, 255, 255, 255, 255, 255]],
  ])('%s', async (reason, at, bytes) => {
    const file = buildElf({ interpreter: '/lib64/ld-linux-x86-64.so.2', dynamic: [[1, 'libc.so.6']] });
    file.set(bytes, at);
    await expect(parse(file)).rejects.toMatchObject({
      code: 'INVALID_ELF',
      message: `'/x' is not a valid ELF file: ${reason}`,
    });
  });

  test('a name that does not end', async () => {
    const file = buildElf({ dynamic: [[1, 'libc.so.6']] });
    const cut = file.subarray(0, STRINGS + 5);
    await expect(parse(cut)).rejects.toThrow(/the name at offset 1025 has no end/);
  });
});

test('a file cut anywhere, or with any byte changed, gives a result or an error', async () => {
  const whole = buildElf({
    interpreter: '/lib64/ld-linux-x86-64.so.2',
    dynamic: [
      [1, 'libc.so.6'],
      [29, '$ORIGIN'],
    ],
  });
  const refused = { code: expect.stringMatching(/^(INVALID_ELF|NOT_AN_ELF|UNSUPPORTED_ELF)$/) };
  const survive = (bytes: Uint8Array) => parse(bytes).catch((error: unknown) => expect(error).toMatchObject(refused));
  for (let end = 0; end < whole.length; end++) await survive(whole.subarray(0, end));
  for (let at = 0; at < whole.length; at++) {
    for (const value of [0x00, 0x7f, 0xff]) await survive(Buffer.from(whole).fill(value, at, at + 1));
  }
});

test('a real program cut at every 64 bytes gives a result or an error', async () => {
  const whole = readFileSync('/bin/ls');
  const refused = { code: expect.stringMatching(/^(INVALID_ELF|NOT_AN_ELF)$/) };
  for (let end = 0; end < whole.length; end += 64) {
    await parse(whole.subarray(0, end)).catch((error: unknown) => expect(error).toMatchObject(refused));
  }
});
