/**
 * Counts what this process does to files, and makes one operation fail, or be the last. To be imported before
 * anything else: it changes node:fs and koffi themselves, so what is tested is what is shipped.
 */
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { constants } from 'node:os';
import * as calls from '../../../syscalls/index.ts';

/** One operation, as it was asked for. */
export interface Operation {
  /** As node:fs or the kernel calls it: `renameSync`, `mkdirat`. */
  readonly name: string;
  /** Whether it changes what is on the disk; what only reads is the same after a death as before it. */
  readonly isChange: boolean;
  /** The paths it is about; of a call relative to a descriptor, those of the descriptors. */
  readonly paths: readonly string[];
}

/** What happens at an operation, before it is made. An error number is thrown as the kernel would. */
export type Fault = (operation: Operation) => NodeJS.ErrnoException['code'] | undefined;

let fault: Fault = () => undefined;

/** Sets what happens at each operation from now on; nothing without an argument. */
export function setFault(next: Fault = () => undefined): void {
  fault = next;
}

/** Paths are looked up now: a descriptor may be closed or its file renamed later. */
function pathOf(value: unknown): string {
  if (typeof value !== 'number') return String(value).replace(/\0$/, '');
  try {
    return real.readlinkSync(`/proc/self/fd/${value}`);
  } catch {
    return `descriptor ${value}`;
  }
}

const real = { ...fs };
const functions = fs as unknown as Record<string, (...args: unknown[]) => unknown>;

function meet(name: string, isChange: boolean, about: readonly unknown[]): void {
  const code = fault({ name, isChange, paths: about.map(pathOf) });
  if (code === undefined) return;
  const errno = constants.errno[code as keyof typeof constants.errno];
  throw Object.assign(new Error(`${code}: injected, ${name}`), { code, errno: -errno, syscall: name });
}

/** Functions by how many of their first arguments are files. */
const CHANGES = {
  mkdirSync: 1,
  renameSync: 2,
  linkSync: 2,
  symlinkSync: 2,
  unlinkSync: 1,
  rmdirSync: 1,
  chmodSync: 1,
  writeSync: 1,
};
const READS = { readdirSync: 1, readFileSync: 1, statSync: 1, lstatSync: 1, fstatSync: 1, readSync: 1, accessSync: 1 };

for (const [table, isChange] of [
  [CHANGES, true],
  [READS, false],
] as const) {
  for (const [name, count] of Object.entries(table)) {
    const original = functions[name] as (...args: unknown[]) => unknown;
    functions[name] = (...args) => {
      meet(name, isChange, args.slice(0, count));
      return original(...args);
    };
  }
}
functions.openSync = (path, flags, ...rest) => {
  meet('openSync', flags !== undefined && flags !== 'r' && !(typeof flags === 'number' && (flags & 0o103) === 0), [
    path,
  ]);
  return real.openSync(path as string, flags as string, ...(rest as [number]));
};
// Counted and not made: the trace tells their order, and this machine's disk has other work.
functions.fsyncSync = (fd) => meet('fsyncSync', true, [fd]);
// Node does this inside, where nobody can come between.
functions.writeFileSync = (path, content, options) => {
  const {
    flag = 'w',
    mode = 0o666,
    flush = false,
  } = (options ?? {}) as { flag?: string; mode?: number; flush?: boolean };
  const fd = functions.openSync?.(path, flag, mode) as number;
  try {
    functions.writeSync?.(fd, Buffer.from(content as string), 0);
    if (flush) functions.fsyncSync?.(fd);
  } finally {
    real.closeSync(fd);
  }
};
for (const [name, isChange] of [
  ['open', false],
  ['read', false],
  ['write', true],
  ['fsync', true],
] as const) {
  const original = functions[name] as (...args: unknown[]) => unknown;
  functions[name] = (...args) => {
    const callback = args.at(-1) as (error: unknown) => void;
    try {
      meet(name, isChange, args.slice(0, 1));
    } catch (error) {
      return setImmediate(callback, error);
    }
    return name === 'fsync' ? setImmediate(callback, null) : original(...args);
  };
}
syncBuiltinESMExports();

/** System calls by their number, for those that are about files. */
const NAMED = Object.entries({
  openat: calls.openat,
  openat2: calls.openat2,
  mkdirat: calls.mkdirat,
  mknodat: calls.mknodat,
  symlinkat: calls.symlinkat,
  linkat: calls.linkat,
  unlinkat: calls.unlinkat,
  renameat2: calls.renameat2,
  fchmod: calls.fchmod,
  fchmodat: calls.fchmodat,
  fchownat: calls.fchownat,
  utimensat: calls.utimensat,
  ftruncate: calls.ftruncate,
  fsetxattr: calls.fsetxattr,
  lsetxattr: calls.lsetxattr,
  fsync: calls.fsync,
  syncfs: calls.syncfs,
});
const byNumber = new Map(NAMED.map(([name, call]) => [call.numbers[process.arch as 'x64' | 'arm64'], name]));

type Call = (...args: unknown[]) => unknown;
const koffi = createRequire(import.meta.url)('koffi') as {
  load(...args: unknown[]): { func(...args: unknown[]): Call };
  errno(): number;
};
const { load, errno } = koffi;
let injected: number | undefined;

koffi.load = (...args) => {
  const library = load(...args);
  return new Proxy(library, {
    get(target, key) {
      if (key !== 'func') return Reflect.get(target, key) as unknown;
      return (...declared: unknown[]): Call => {
        const call = target.func(...declared);
        return (number, ...rest) => {
          const name = byNumber.get(number as number);
          if (name === undefined) return call(number, ...rest);
          try {
            meet(name, isChangeOf(name, rest), rest.slice(0, 1));
          } catch (error) {
            injected = -((error as NodeJS.ErrnoException).errno ?? 0);
            return -1;
          }
          return name === 'syncfs' || name === 'fsync' ? 0 : call(number, ...rest);
        };
      };
    },
  });
};
koffi.errno = () => {
  const number = injected ?? errno();
  injected = undefined;
  return number;
};

function isChangeOf(name: string, [, , flags]: readonly unknown[]): boolean {
  return name === 'openat' ? (Number(flags) & calls.O_CREAT) !== 0 : name !== 'openat2';
}
