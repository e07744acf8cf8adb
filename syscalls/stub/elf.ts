/**
 * A stub as a static ELF executable: code and table, and nothing else. Its address space is a few pages, it links
 * to nothing, and it reads no argument or environment.
 *
 *     0x400000  R X  ELF header, program headers, start, interpreter
 *     0x410200  RW   records, variables, data
 *
 * Both segments share the file's first page, which is mapped twice: never writable and executable at once.
 * Source: elf(5), include/uapi/linux/elf.h.
 */
import type { Assembled } from './assemble.ts';
import type { Machine } from './machine.ts';

const HEADER_SIZE = 64;
const SEGMENT_HEADER_SIZE = 56;
/** Where a program lies: above all that can be a pid (PID_MAX_LIMIT, include/linux/threads.h). */
export const CODE_ADDRESS = 0x40_0000;
const CODE_OFFSET = HEADER_SIZE + 3 * SEGMENT_HEADER_SIZE;
const TABLE_OFFSET = 0x200;
/** The largest page an arm64 kernel may have: offsets and addresses of segments are congruent modulo it. */
const SEGMENT_ALIGNMENT = 0x1_0000;

/** The address of a stub's first record: stubs are assembled for it. */
export const TABLE_ADDRESS = 0x41_0000 + TABLE_OFFSET;

/** Where the rest of a stub goes that is launched ahead of it (rest.ts): behind all that may be there by then. */
export const REST_ADDRESS = 0x1000_0000;

const ET_EXEC = 2;
const PT_LOAD = 1;
const PT_GNU_STACK = 0x6474_e551;
const PF_X = 1;
const PF_W = 2;
const PF_R = 4;

/** The ELF file of a program that was assembled for {@link TABLE_ADDRESS}. */
export function elfImage(machine: Machine, program: Assembled): Uint8Array {
  const code = Buffer.concat([machine.startAt(TABLE_ADDRESS), machine.interpreter]);
  const codeEnd = CODE_OFFSET + code.length;
  if (codeEnd > TABLE_OFFSET)
    throw new Error(`bug in caisson: the interpreter ends at ${codeEnd}, behind the table's start`);

  const image = Buffer.alloc(TABLE_OFFSET + program.bytes.length);
  writeFileHeader(image, machine.elfMachine);
  writeSegment(image, 0, { type: PT_LOAD, flags: PF_R | PF_X, offset: 0, address: CODE_ADDRESS, size: codeEnd });
  const size = program.bytes.length;
  writeSegment(image, 1, { type: PT_LOAD, flags: PF_R | PF_W, offset: TABLE_OFFSET, address: TABLE_ADDRESS, size });
  // Without it the kernel would make the stack executable.
  writeSegment(image, 2, { type: PT_GNU_STACK, flags: PF_R | PF_W, offset: 0, address: 0, size: 0 });
  image.set(code, CODE_OFFSET);
  image.set(program.bytes, TABLE_OFFSET);
  return image;
}

/** Elf64_Ehdr. */
function writeFileHeader(image: Buffer, elfMachine: number): void {
  image.set([0x7f, 0x45, 0x4c, 0x46, 2 /* 64-bit */, 1 /* little-endian */, 1 /* EV_CURRENT */]);
  image.writeUInt16LE(ET_EXEC, 16);
  image.writeUInt16LE(elfMachine, 18);
  image.writeUInt32LE(1, 20); // e_version
  image.writeUInt32LE(CODE_ADDRESS + CODE_OFFSET, 24); // e_entry
  image.writeUInt32LE(HEADER_SIZE, 32); // e_phoff
  image.writeUInt16LE(HEADER_SIZE, 52); // e_ehsize
  image.writeUInt16LE(SEGMENT_HEADER_SIZE, 54); // e_phentsize
  image.writeUInt16LE(3, 56); // e_phnum
}

interface Segment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/** Elf64_Phdr. Addresses and sizes of a stub fit the low half of their 64-bit fields. */
function writeSegment(image: Buffer, index: number, { type, flags, offset, address, size }: Segment): void {
  const at = HEADER_SIZE + index * SEGMENT_HEADER_SIZE;
  image.writeUInt32LE(type, at);
  image.writeUInt32LE(flags, at + 4);
  image.writeUInt32LE(offset, at + 8);
  image.writeUInt32LE(address, at + 16); // p_vaddr
  image.writeUInt32LE(address, at + 24); // p_paddr
  image.writeUInt32LE(size, at + 32); // p_filesz
  image.writeUInt32LE(size, at + 40); // p_memsz
  image.writeUInt32LE(type === PT_LOAD ? SEGMENT_ALIGNMENT : 16, at + 48);
}
