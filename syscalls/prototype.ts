/** Reads C prototypes as man pages write them. */

/** One parameter of a system call. */
export interface Parameter {
  readonly name: string;
  /** Its C type, without `const`: `'unsigned long'`, `'char *'`. */
  readonly type: string;
  readonly isPointer: boolean;
  /** Whether it takes an integer or a pointer, whichever the operation wants: `arg2` of prctl(2). */
  readonly isWord: boolean;
  /** Whether it names a file, by the names man pages use. */
  readonly isPath: boolean;
  /** The least and the greatest integer that fit. */
  readonly min: number | bigint;
  readonly max: number | bigint;
  /** Of the length of the buffer before it: how many bytes one of what it counts has. 0 of all others. */
  readonly unitBytes: number;
}

/** A parsed prototype. */
export interface Prototype {
  readonly name: string;
  readonly parameters: readonly Parameter[];
}

const PATH_NAMES =
  /^(path|pathname|filename|target|source|special_file|linkpath|oldpath|newpath|new_root|put_old|from_pathname|to_pathname)$/;

/** What man pages call the length of the buffer before it. */
const LENGTH_NAMES = /^(count|len|length|size|bufsiz|addrlen|sizemask|nfds|iovcnt)$/;

/** Lengths that do not count bytes; an offset that is followed by one is no buffer (copy_file_range(2)). */
const UNIT_BYTES: Readonly<Record<string, number>> = { 'pollfd *': 8, 'iovec *': 16, 'off_t *': 0 };

/** C types that are pointers; two of them do not look it (capset(2)). */
const POINTER_TYPE = /\*|^cap_user_(header|data)_t$/;

const RANGES: readonly [RegExp, number | bigint, number | bigint][] = [
  [/^(unsigned|unsigned int|mode_t|uid_t|gid_t|uint32_t|dev_t|socklen_t)$/, 0, 0xffff_ffff],
  [/^(int|pid_t|clockid_t|key_serial_t|idtype_t)$/, -0x8000_0000, 0x7fff_ffff],
  [/^(unsigned long|size_t|uint64_t|nfds_t)$/, 0, 0xffff_ffff_ffff_ffffn],
  // id_t is unsigned in POSIX; waitid(2) takes pids and descriptors in it.
  [/^(long|ssize_t|off_t|int64_t|id_t)$/, -0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
];

/**
 * Parses `int mount(const char *source, …, unsigned long mountflags)`.
 * @throws TypeError for a type it does not know
 */
export function parsePrototype(prototype: string): Prototype {
  const match = /^[\w\s*]*?(\w+)\s*\((.*)\)$/s.exec(prototype.trim());
  if (match === null) throw new TypeError(`not a C prototype: ${prototype}`);
  const [, name, list] = match as unknown as [string, string, string];
  const parsed = list.trim() === 'void' || list.trim() === '' ? [] : list.split(',').map(parseParameter);
  const parameters = parsed.map((each, index) => ({ ...each, unitBytes: unitBytesOf(each, parsed[index - 1]) }));
  return { name, parameters };
}

function unitBytesOf({ name }: Unlinked, before: Unlinked | undefined): number {
  if (before === undefined || !before.isPointer || !LENGTH_NAMES.test(name)) return 0;
  return UNIT_BYTES[before.type] ?? 1;
}

/** A parameter that does not know the one before it. */
type Unlinked = Omit<Parameter, 'unitBytes'>;

function parseParameter(text: string): Unlinked {
  const match = /^(.*?)(\w+)\s*(\[\w*\])?$/s.exec(text.trim());
  const [, declared, name, array] = match as unknown as [string, string, string, string | undefined];
  const type =
    `${declared.replace(/\b(const|restrict|_Nullable|struct|union)\b/g, '')}${array === undefined ? '' : '*'}`
      .replace(/\s+/g, ' ')
      .trim();
  if (POINTER_TYPE.test(type)) {
    const isPath = type === 'char *' && PATH_NAMES.test(name);
    return { name, type, isPointer: true, isWord: false, isPath, min: 0, max: 0xffff_ffff_ffff_ffffn };
  }
  if (type === 'unsigned long' && /^arg\d?$/.test(name)) {
    const min = -0x8000_0000_0000_0000n;
    return { name, type, isPointer: false, isWord: true, isPath: false, min, max: 0xffff_ffff_ffff_ffffn };
  }
  const range = RANGES.find(([pattern]) => pattern.test(type));
  if (range === undefined) throw new TypeError(`unknown C type '${type}' of ${name}`);
  return { name, type, isPointer: false, isWord: false, isPath: false, min: range[1], max: range[2] };
}
