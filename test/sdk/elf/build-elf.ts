/** The parts of an ELF file that a test wants to be there. */
export interface ElfParts {
  readonly machine?: number;
  readonly littleEndian?: boolean;
  readonly interpreter?: string;
  /** `[tag, value]`; a string becomes an offset into the string table. */
  readonly dynamic?: readonly (readonly [tag: number, value: string | number])[];
}

/** Where {@link buildElf} puts things; the address of a byte is its offset plus `ADDRESS`. */
export const ADDRESS = 0x40_0000;
export const PROGRAM_HEADERS = 64;
export const DYNAMIC = 0x100;
export const STRINGS = 0x400;

// <elf.h>
const DT_STRTAB = 5;
const DT_STRSZ = 10;

/**
 * A 64-bit ELF file of nothing but headers: PT_LOAD of all of it, PT_DYNAMIC, and PT_INTERP if asked for.
 * The string table holds the strings in order, each once, after an empty one.
 */
export function buildElf({ machine = 62, littleEndian = true, interpreter, dynamic = [] }: ElfParts = {}): Buffer {
  const names = [...new Set(dynamic.map(([, value]) => value).filter((value) => typeof value === 'string'))];
  const strings = Buffer.from(['', ...names, ''].join('\0'));
  const end = STRINGS + strings.length;
  const file = Buffer.concat([Buffer.alloc(STRINGS), strings, Buffer.from(`${interpreter ?? ''}\0`)]);
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const u16 = (at: number, value: number) => view.setUint16(at, value, littleEndian);
  const u32 = (at: number, value: number) => view.setUint32(at, value, littleEndian);
  const u64 = (at: number, value: number) => view.setBigUint64(at, BigInt(value), littleEndian);

  file.set([0x7f, 0x45, 0x4c, 0x46, 2, littleEndian ? 1 : 2, 1]);
  u16(16, 3); // ET_DYN
  u16(18, machine);
  u64(32, PROGRAM_HEADERS);
  u16(54, 56);
  u16(56, interpreter === undefined ? 2 : 3);

  const entries = [...dynamic, [DT_STRTAB, ADDRESS + STRINGS], [DT_STRSZ, strings.length], [0, 0]] as const;
  const segments: [type: number, offset: number, size: number][] = [
    [1, 0, file.length],
    [2, DYNAMIC, entries.length * 16],
    [3, end, (interpreter ?? '').length + 1],
  ];
  for (const [index, [type, offset, size]] of segments.slice(0, view.getUint16(56, littleEndian)).entries()) {
    const at = PROGRAM_HEADERS + index * 56;
    u32(at, type);
    u64(at + 8, offset);
    u64(at + 16, ADDRESS + offset);
    u64(at + 32, size);
  }
  for (const [index, [tag, value]] of entries.entries()) {
    u64(DYNAMIC + index * 16, tag);
    u64(DYNAMIC + index * 16 + 8, typeof value === 'string' ? strings.indexOf(`\0${value}\0`) + 1 : value);
  }
  return file;
}
