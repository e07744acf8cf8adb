/**
 * Where a dynamic loader looks for a library: the rules of ld.so(8) and of musl's ldso/dynlink.c, as a pure function.
 *
 *     glibc   DT_RPATH of who needs it, of who loaded that, …, of the program    (not if who needs it has DT_RUNPATH)
 *             the caller's directories (in place of LD_LIBRARY_PATH)
 *             DT_RUNPATH of who needs it
 *             /etc/ld.so.cache, then the default directories                     (not with -z nodefaultlib)
 *     musl    the caller's directories
 *             DT_RUNPATH, else DT_RPATH, of who needs it, of who loaded that, …, of the program
 *             /etc/ld-musl-<arch>.path, else /lib:/usr/local/lib:/usr/lib
 */
import { posix } from 'node:path';
import type { Elf } from './parse.ts';

/** A program or library in the course of loading. */
export interface LoadedObject {
  readonly elf: Elf;
  /** Where it was found. */
  readonly path: string;
  /** Its directory, as `$ORIGIN` means it. */
  readonly origin: string;
  /** What needed it first; the program has none. */
  readonly loader?: LoadedObject;
}

/** The loader's settings on this machine. */
export type LoaderSettings = {
  readonly libraryPath: readonly string[];
  /** The directory of the interpreter: with Nix and Guix the libc is only there. */
  readonly interpreterDirectory?: string;
} & (
  | { readonly libc: 'glibc'; readonly cache: ReadonlyMap<string, readonly string[]> }
  | { readonly libc: 'musl'; readonly systemPath: readonly string[] }
);

/** What `$PLATFORM` (AT_PLATFORM) and Debian's directories are called, by `e_machine`. */
const MACHINES: Readonly<Record<number, { platform: string; multiarch: string }>> = {
  62: { platform: 'x86_64', multiarch: 'x86_64-linux-gnu' },
  183: { platform: 'aarch64', multiarch: 'aarch64-linux-gnu' },
  243: { platform: 'riscv64', multiarch: 'riscv64-linux-gnu' },
  21: { platform: 'power8', multiarch: 'powerpc64le-linux-gnu' },
  22: { platform: 'z900', multiarch: 's390x-linux-gnu' },
};

/** The paths at which `name`, needed by `object`, is looked for, in order. */
export function candidatePaths(name: string, object: LoadedObject, settings: LoaderSettings): readonly string[] {
  if (name.includes('/')) return expand(name, object, settings.libc);
  const inDirectories = (directories: readonly string[]) => directories.map((directory) => `${directory}/${name}`);
  if (settings.libc === 'musl') {
    const own = [...chainOf(object)].flatMap((one) => directoriesOf(one.elf.runpath ?? one.elf.rpath, one, 'musl'));
    return inDirectories([...settings.libraryPath, ...own, ...settings.systemPath]);
  }
  const { elf } = object;
  const rpathOwners = elf.runpath === undefined ? [...chainOf(object)] : [];
  const rpaths = rpathOwners.flatMap((one) =>
    one.elf.runpath === undefined ? directoriesOf(one.elf.rpath, one, 'glibc') : [],
  );
  const runpaths = directoriesOf(elf.runpath, object, 'glibc');
  const defaults = defaultDirectories(elf.machine, settings.interpreterDirectory);
  const cached = settings.cache.get(name) ?? [];
  return [
    ...inDirectories([...rpaths, ...settings.libraryPath, ...runpaths]),
    ...(elf.noDefaultLibraries ? cached.filter((path) => !defaults.includes(posix.dirname(path))) : cached),
    ...(elf.noDefaultLibraries ? [] : inDirectories(defaults)),
  ];
}

/** The names musl keeps for itself: what they once were is in its loader. */
export function isBuiltIntoMusl(name: string): boolean {
  return /^lib(?:c|pthread|rt|m|dl|util|xnet)\./.test(name);
}

/** The object, what needed it, what needed that, up to the program. */
function* chainOf(object: LoadedObject): Generator<LoadedObject> {
  for (let one: LoadedObject | undefined = object; one !== undefined; one = one.loader) yield one;
}

function directoriesOf(list: string | undefined, object: LoadedObject, libc: 'glibc' | 'musl'): readonly string[] {
  if (!list) return [];
  // An empty entry is the working directory.
  return list.split(':').flatMap((entry) => expand(entry || '.', object, libc));
}

/**
 * Replaces `$ORIGIN`, `$LIB` and `$PLATFORM`, with or without braces. What `$LIB` is was decided when the libc was
 * built and is written nowhere, so each of its usual meanings gives a path; only one of them exists.
 */
function expand(text: string, { elf, origin }: LoadedObject, libc: 'glibc' | 'musl'): readonly string[] {
  const machine = MACHINES[elf.machine];
  const replaceAll = (lib: string) =>
    text.replace(/\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM))/g, (variable, braced, bare) => {
      const name = braced ?? bare;
      if (name === 'ORIGIN') return origin;
      if (libc === 'musl') return variable;
      return name === 'LIB' ? lib : (machine?.platform ?? variable);
    });
  const libs = machine === undefined ? ['lib64', 'lib'] : [`lib/${machine.multiarch}`, 'lib64', 'lib'];
  return [...new Set(libs.map(replaceAll))];
}

/** Debian's, then Fedora's and SUSE's, then everyone's: files of other architectures in them are passed over. */
function defaultDirectories(machine: number, interpreterDirectory: string | undefined): readonly string[] {
  const multiarch = MACHINES[machine]?.multiarch;
  return [
    ...(multiarch === undefined ? [] : [`/lib/${multiarch}`, `/usr/lib/${multiarch}`]),
    ...['/lib64', '/usr/lib64', '/lib', '/usr/lib'],
    ...(interpreterDirectory === undefined ? [] : [interpreterDirectory]),
  ];
}
