/**
 * What the dynamic loader reads of a 64-bit ELF file: the interpreter and the dynamic section. man 5 elf, <elf.h>.
 *
 *     file header ─▶ program headers ─┬─ PT_INTERP  ─▶ "/lib64/ld-linux-x86-64.so.2"
 *                                     ├─ PT_DYNAMIC ─▶ {tag, value}…   DT_NEEDED, DT_RUNPATH… are offsets into ─┐
 *                                     └─ PT_LOAD    address ─▶ place in the file of DT_STRTAB ◀─────────────────┘
 *
 * Section headers are not read: the loader does not use them, and a stripped file may have none.
 */
import { CaissonError } from '../../syscalls/index.ts';

/** Reads up to `length` bytes at `offset`; fewer only at the end of the file. */
export type ByteReader = (offset: number, length: number) => Promise<Uint8Array>;

/** What the dynamic loader reads of an ELF file. */
export interface Elf {
  readonly class: 64;
  readonly littleEndian: boolean;
  /** `e_machine`: 62 (EM_X86_64), 183 (EM_AARCH64), … */
  readonly machine: number;
  /** The dynamic loader the kernel starts for this program; not there in static programs and most libraries. */
  readonly interpreter: string | undefined;
  /** The libraries it was linked with, in order. */
  readonly needed: readonly string[];
  readonly soname: string | undefined;
  /** As in the file: directories separated by colons, `$ORIGIN` not replaced. */
  readonly rpath: string | undefined;
  /** As `rpath`; where there is one, the loader ignores `rpath`. */
  readonly runpath: string | undefined;
  /** Linked with `-z nodefaultlib`: the system's own directories are not searched. */
  readonly noDefaultLibraries: boolean;
}

// <elf.h>
const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_STRSZ = 10;
const DT_SONAME = 14;
const DT_RPATH = 15;
const DT_RUNPATH = 29;
const DT_FLAGS_1 = 0x6fff_fffb;
const DF_1_NODEFLIB = 0x800n;

const FILE_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const DYNAMIC_ENTRY_BYTES = 16;
/** The kernel's own limit of an interpreter's name. */
const PATH_MAX = 4096;
/** A hundred times what real files have: a hostile size must not become an allocation. */
const MAX_TABLE_BYTES = 2 ** 20;

/** A reader of bytes in memory, for {@link parseElf}. */
export function bytesReader(bytes: Uint8Array): ByteReader {
  return async (offset, length) => bytes.subarray(offset, offset + length);
}

/**
 * Reads the interpreter and the dynamic section of a 64-bit ELF file, and no more of the file than that needs.
 *
 * @param path names the file in errors.
 * @throws CaissonError NOT_AN_ELF for another kind of file; for a script the hint names its interpreter.
 * @throws CaissonError UNSUPPORTED_ELF for a 32-bit file.
 * @throws CaissonError INVALID_ELF for a damaged one, with the reason.
 */
export async function parseElf(path: string, read: ByteReader): Promise<Elf> {
  // 256 bytes are what the kernel looks at to tell programs and scripts apart (BINPRM_BUF_SIZE).
  const start = await read(0, 256);
  const littleEndian = checkIdentity(path, start);
  const file: File = { path, read, littleEndian };
  const header = viewOf(file, start.subarray(0, FILE_HEADER_BYTES), FILE_HEADER_BYTES, 'the file header');
  const segments = await readSegments(file, header);
  const dynamic = await readDynamic(file, segments);
  const names = (tag: number) => readNames(file, segments, dynamic, tag);
  return {
    class: 64,
    littleEndian,
    machine: header.getUint16(18, littleEndian),
    interpreter: await readInterpreter(file, segments),
    needed: await names(DT_NEEDED),
    soname: (await names(DT_SONAME))[0],
    rpath: (await names(DT_RPATH))[0],
    runpath: (await names(DT_RUNPATH))[0],
    noDefaultLibraries: ((dynamic.get(DT_FLAGS_1)?.[0] ?? 0n) & DF_1_NODEFLIB) !== 0n,
  };
}

interface File {
  readonly path: string;
  readonly read: ByteReader;
  readonly littleEndian: boolean;
}

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: bigint;
  readonly size: number;
}

/** Tag to values: DT_NEEDED has several. */
type Dynamic = ReadonlyMap<number, readonly bigint[]>;

function checkIdentity(path: string, start: Uint8Array): boolean {
  const text = Buffer.from(start).toString('latin1');
  if (!text.startsWith('\x7fELF')) {
    const interpreter = /^#![ \t]*([^ \t\n\0]+)/.exec(text)?.[1];
    const hint = interpreter === undefined ? undefined : `it is a script for '${interpreter}': ask for that program`;
    throw new CaissonError('NOT_AN_ELF', `'${path}' is not an ELF file`, { hint });
  }
  const [elfClass, data] = [start[4], start[5]];
  if (elfClass === 1) {
    throw new CaissonError('UNSUPPORTED_ELF', `'${path}' is a 32-bit ELF file, and only 64-bit ones are read`);
  }
  if (elfClass !== 2) throw invalid(path, `unknown class ${elfClass}`);
  if (data !== 1 && data !== 2) throw invalid(path, `unknown byte order ${data}`);
  return data === 1;
}

async function readSegments(file: File, header: DataView): Promise<readonly Segment[]> {
  const { path, littleEndian } = file;
  const count = header.getUint16(56, littleEndian);
  const entryBytes = header.getUint16(54, littleEndian);
  if (count === 0) return [];
  if (entryBytes !== PROGRAM_HEADER_BYTES) throw invalid(path, `program headers of ${entryBytes} bytes`);
  const offset = toOffset(path, header.getBigUint64(32, littleEndian));
  const table = await readExactly(file, offset, count * entryBytes, 'the program headers');
  return Array.from({ length: count }, (_, index) => {
    const at = index * PROGRAM_HEADER_BYTES;
    return { type: table.getUint32(at, littleEndian), at };
  })
    .filter(({ type }) => type === PT_LOAD || type === PT_DYNAMIC || type === PT_INTERP)
    .map(({ type, at }) => ({
      type,
      offset: toOffset(path, table.getBigUint64(at + 8, littleEndian)),
      address: table.getBigUint64(at + 16, littleEndian),
      size: toOffset(path, table.getBigUint64(at + 32, littleEndian)),
    }));
}

async function readInterpreter(file: File, segments: readonly Segment[]): Promise<string | undefined> {
  const segment = segments.find(({ type }) => type === PT_INTERP);
  if (segment === undefined) return undefined;
  if (segment.size > PATH_MAX) throw invalid(file.path, `an interpreter's name of ${segment.size} bytes`);
  const name = textOf(await file.read(segment.offset, segment.size));
  if (!name) throw invalid(file.path, "the interpreter's name is empty or has no end");
  return name;
}

async function readDynamic(file: File, segments: readonly Segment[]): Promise<Dynamic> {
  const entries = new Map<number, bigint[]>();
  const segment = segments.find(({ type }) => type === PT_DYNAMIC);
  if (segment === undefined) return entries;
  if (segment.size > MAX_TABLE_BYTES) throw invalid(file.path, `a dynamic section of ${segment.size} bytes`);
  const view = await readExactly(file, segment.offset, segment.size, 'the dynamic section');
  for (let at = 0; at + DYNAMIC_ENTRY_BYTES <= segment.size; at += DYNAMIC_ENTRY_BYTES) {
    const tag = Number(view.getBigUint64(at, file.littleEndian));
    if (tag === DT_NULL) break;
    const values = entries.get(tag) ?? [];
    values.push(view.getBigUint64(at + 8, file.littleEndian));
    entries.set(tag, values);
  }
  return entries;
}

/** Strings of the dynamic string table, each read alone: the whole table of a program like node has megabytes. */
async function readNames(
  file: File,
  segments: readonly Segment[],
  dynamic: Dynamic,
  tag: number,
): Promise<readonly string[]> {
  const offsets = dynamic.get(tag) ?? [];
  if (offsets.length === 0) return [];
  const address = dynamic.get(DT_STRTAB)?.[0];
  const size = dynamic.get(DT_STRSZ)?.[0];
  if (address === undefined || size === undefined) throw invalid(file.path, 'names without a string table');
  const segment = segments.find(
    (one) => one.type === PT_LOAD && address >= one.address && address < one.address + BigInt(one.size),
  );
  if (segment === undefined) throw invalid(file.path, 'the string table is in no segment');
  const start = BigInt(segment.offset) + address - segment.address;
  const names: string[] = [];
  for (const offset of offsets) {
    if (offset >= size) throw invalid(file.path, `a name at ${offset} in a string table of ${size} bytes`);
    names.push(await readName(file, toOffset(file.path, start + offset), Number(size - offset)));
  }
  if (tag === DT_NEEDED && names.includes('')) throw invalid(file.path, 'it needs a library without a name');
  return names;
}

async function readName(file: File, offset: number, maxBytes: number): Promise<string> {
  for (const length of [PATH_MAX, MAX_TABLE_BYTES]) {
    const name = textOf(await file.read(offset, Math.min(length, maxBytes)));
    if (name !== undefined) return name;
  }
  throw invalid(file.path, `the name at offset ${offset} has no end`);
}

async function readExactly(file: File, offset: number, length: number, what: string): Promise<DataView> {
  return viewOf(file, await file.read(offset, length), length, what);
}

function viewOf({ path }: File, bytes: Uint8Array, length: number, what: string): DataView {
  if (bytes.length < length) throw invalid(path, `the file ends within ${what}`);
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}

/** The text up to the first NUL; undefined when there is none. */
function textOf(bytes: Uint8Array): string | undefined {
  const end = bytes.indexOf(0);
  return end < 0 ? undefined : Buffer.from(bytes.subarray(0, end)).toString();
}

function toOffset(path: string, value: bigint): number {
  // Beyond 2^53 no file has bytes, and numbers lose theirs.
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(path, `an offset of ${value}`);
  return Number(value);
}

function invalid(path: string, reason: string): CaissonError {
  return new CaissonError('INVALID_ELF', `'${path}' is not a valid ELF file: ${reason}`);
}
