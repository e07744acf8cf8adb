import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Architecture,
  assemble,
  elfImage,
  exit_group,
  MACHINES,
  stubImage,
  TABLE_ADDRESS,
  write,
} from '../../../syscalls/index.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { binutils } from './binutils.ts';
import { imageFor } from './programs.ts';

const STEPS = [write.step('greeting', [1, 'hello\n', 6]), exit_group.step('ending', [0])];

const CASES: readonly (readonly [Architecture, number, number])[] = [
  // e_machine; where the code ends: behind three program headers, the start and the interpreter.
  ['x64', 0x3e, 0xe8 + 5 + 186],
  ['arm64', 0xb7, 0xe8 + 8 + 220],
];

describe.each(CASES)('an image for %s', (arch, elfMachine, codeEnd) => {
  const image = imageFor(arch, STEPS);
  const view = new DataView(image.buffer, image.byteOffset);

  test('begins with the header of a 64-bit little-endian executable', () => {
    expect(Buffer.from(image.subarray(0, 16)).toString('hex')).toBe('7f454c46020101000000000000000000');
    expect([16, 18].map((offset) => view.getUint16(offset, true))).toEqual([2, elfMachine]);
    expect(view.getUint32(20, true)).toBe(1);
    expect([24, 32, 40].map((offset) => view.getBigUint64(offset, true))).toEqual([0x40_00e8n, 64n, 0n]);
    expect(view.getUint32(48, true)).toBe(0);
    // e_ehsize, e_phentsize, e_phnum, and no sections.
    expect([52, 54, 56, 58, 60, 62].map((offset) => view.getUint16(offset, true))).toEqual([64, 56, 3, 0, 0, 0]);
  });

  test('has a segment of code that cannot be written, one of data that cannot be executed, and such a stack', () => {
    const segments = [0, 1, 2].map((index) => {
      const at = 64 + index * 56;
      const wide = [8, 16, 24, 32, 40, 48].map((offset) => Number(view.getBigUint64(at + offset, true)));
      return [view.getUint32(at, true), view.getUint32(at + 4, true), ...wide];
    });
    const tableSize = image.length - 0x200;
    expect(segments).toEqual([
      // p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align
      [1, 0b101, 0, 0x40_0000, 0x40_0000, codeEnd, codeEnd, 0x1_0000],
      [1, 0b110, 0x200, 0x41_0200, 0x41_0200, tableSize, tableSize, 0x1_0000],
      [0x6474_e551, 0b110, 0, 0, 0, 0, 0, 16],
    ]);
  });

  test('begins its code with the start, and its data with the first record', () => {
    const { startAt, interpreter } = MACHINES[arch];
    const code = image.subarray(0xe8, codeEnd);
    expect(Buffer.from(code)).toEqual(Buffer.concat([startAt(TABLE_ADDRESS), interpreter]));
    // The number of write(2).
    expect(view.getBigUint64(0x200, true)).toBe({ x64: 1n, arm64: 64n }[arch]);
  });

  test('is accepted by readelf, which sees the same', (context) => {
    const file = join(temporaryDirectory(context), 'stub');
    writeFileSync(file, image);
    const output = binutils(context, arch, 'readelf', ['--wide', '--file-header', '--program-headers', file]);
    expect(output).toMatch(/Type: +EXEC/);
    expect(output).toMatch({ x64: /Machine: +Advanced Micro Devices X86-64/, arm64: /Machine: +AArch64/ }[arch]);
    expect(output).toMatch(/Entry point address: +0x4000e8/);
    expect(output).toMatch(/LOAD +0x000000 0x0+400000 0x0+400000 \S+ \S+ R E 0x10000/);
    expect(output).toMatch(/LOAD +0x000200 0x0+410200 0x0+410200 \S+ \S+ RW +0x10000/);
    expect(output).toMatch(/GNU_STACK +0x000000 \S+ \S+ 0x000000 0x000000 RW +0x10/);
    expect(output).not.toMatch(/RWE|INTERP|DYNAMIC|Warning|Error/);
  });
});

test('stubImage is the image of the steps and the report to descriptor 3, for this machine', () => {
  expect(stubImage(STEPS)).toEqual(imageFor(process.arch as Architecture, STEPS));
});

test('an interpreter that would reach into the table is our bug, and said to be', () => {
  const program = assemble([], { arch: 'x64', base: TABLE_ADDRESS, epilogue: [] });
  const machine = { ...MACHINES.x64, interpreter: new Uint8Array(0x200) };
  expect(() => elfImage(machine, program)).toThrow(
    "bug in caisson: the interpreter ends at 749, behind the table's start",
  );
});
