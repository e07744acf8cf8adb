/** The bytes of both interpreters: against their source by another's assembler, and by another's disassembler. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { type Architecture, MACHINES } from '../../../syscalls/index.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { binutils } from './binutils.ts';

const { x64, arm64 } = MACHINES;

describe.each<Architecture>(['x64', 'arm64'])('the %s machine', (arch) => {
  test('is what an assembler makes of its source', (context) => {
    const object = join(temporaryDirectory(context), 'object');
    const source = new URL(`interpreter.${arch}.s`, import.meta.url).pathname;
    binutils(context, arch, 'as', ['-o', object, source]);
    const section = (name: string) => {
      const output = `${object}.${name}`;
      binutils(context, arch, 'objcopy', ['-O', 'binary', '-j', `.${name}`, object, output]);
      return readFileSync(output, 'hex');
    };
    const { startAt, enterFunction, interpreter } = MACHINES[arch];
    expect(section('interpreter')).toBe(hex(interpreter));
    expect(section('enter')).toBe(hex(enterFunction));
    expect(section('start')).toBe(hex(startAt(0x41_0200)));
  });
});

describe('the x64 interpreter', () => {
  test('has 186 bytes, from "mov rax, [rbx]" to "mov [rdi+8], r13; jmp succeeded"', () => {
    expect(x64.interpreter.length).toBe(186);
    expect(hex(x64.interpreter.subarray(0, 6))).toBe('488b03' + '8b4b50');
    expect(hex(x64.interpreter.subarray(-9))).toBe('4c8927' + '4c896f08' + 'eba4');
  });

  test('makes system calls at one place and returns at one, says a disassembler', (context) => {
    const mnemonics = disassemble(context, 'x64', ['-m', 'i386:x86-64', '-M', 'intel']);
    expect(mnemonics).toHaveLength(69);
    expect(mnemonics.filter((each) => ['syscall', 'ret', '(bad)', 'int'].includes(each))).toEqual(['syscall', 'ret']);
  });

  test('is entered as a C function that keeps rbx, r12 and r13', () => {
    expect(hex(x64.enterFunction)).toBe('53' + '4154' + '4155' + '4889fb');
  });

  test.each([
    [0x0000_0001, 'bb01000000'],
    [0x0041_0200, 'bb00024100'],
    [0x7fff_fff8, 'bbf8ffff7f'],
    [0x8000_0000, 'bb00000080'],
    [0xffff_fff8, 'bbf8ffffff'],
  ])('starts at %i with "mov ebx, imm32", which clears the high half', (address, expected) => {
    expect(hex(x64.startAt(address))).toBe(expected);
  });
});

describe('the arm64 interpreter', () => {
  test('has 55 instructions, from "ldr x8, [x19]" to "b succeeded"', () => {
    expect(arm64.interpreter.length).toBe(55 * 4);
    expect(hex(arm64.interpreter.subarray(0, 8))).toBe('680240f9' + '608640a9');
    expect(hex(arm64.interpreter.subarray(-8))).toBe('145400a9' + 'e1ffff17');
  });

  test('makes system calls at one place and returns at one, says a disassembler', (context) => {
    const mnemonics = disassemble(context, 'arm64', ['-m', 'aarch64']);
    expect(mnemonics).toHaveLength(55);
    expect(mnemonics.filter((each) => ['svc', 'ret', '.inst', 'udf'].includes(each))).toEqual(['svc', 'ret']);
  });

  test('is entered as a C function that keeps x19, x20 and x21', () => {
    expect(hex(arm64.enterFunction)).toBe('f353bea9' + 'f50b00f9' + 'f30300aa');
  });

  test.each([
    [0x0000_0001, '330080d2' + '1300a0f2'],
    [0x0041_0200, '134080d2' + '3308a0f2'],
    [0x7fff_fff8, '13ff9fd2' + 'f3ffaff2'],
    [0x8000_0000, '130080d2' + '1300b0f2'],
    [0xffff_fff8, '13ff9fd2' + 'f3ffbff2'],
  ])('starts at %i with "movz x19, low; movk x19, high, lsl 16"', (address, expected) => {
    expect(hex(arm64.startAt(address))).toBe(expected);
  });
});

/** The mnemonics of an interpreter, in order. */
function disassemble(context: TestContext, arch: Architecture, options: readonly string[]): string[] {
  const file = join(temporaryDirectory(context), 'interpreter');
  writeFileSync(file, MACHINES[arch].interpreter);
  const listing = binutils(context, arch, 'objdump', ['-D', '-b', 'binary', '--no-show-raw-insn', ...options, file]);
  return [...listing.matchAll(/^ +[0-9a-f]+:\t(\S+)/gm)].map(([, mnemonic = '']) => mnemonic);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
