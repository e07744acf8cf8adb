import fs from 'node:fs';
import { posix } from 'node:path';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { parseLdCache } from './ld-cache.ts';
import type { Elf } from './parse.ts';
import { type ElfFile, readElf } from './read.ts';
import { candidatePaths, isBuiltIntoMusl, type LoadedObject, type LoaderSettings } from './search.ts';

/** One line of what ldd(1) prints. */
export interface SharedLibrary {
  /** As it is asked for: `'libc.so.6'`; a path for the interpreter. */
  readonly name: string;
  /** Where it is on this machine, as the loader would open it: symbolic links are not followed. */
  readonly path: string;
}

/** Options of {@link sharedLibraries}. */
export interface SharedLibrariesOptions {
  /**
   * Directories to search as if in LD_LIBRARY_PATH. The variable itself is not looked at.
   *
   * @default []
   */
  readonly libraryPath?: readonly string[];
}

/**
 * The shared libraries a program needs, its interpreter among them, in the order they are loaded: what ldd(1) prints,
 * without running anything, so safe for a file one does not trust. A static program needs none.
 *
 * Found are the libraries a file says it needs, by the rules of ld.so(8) and of musl. Not found is what a program
 * opens later by dlopen(3): plug-ins, and the name service modules of glibc.
 *
 * @example
 * for (const { path } of await sharedLibraries('/bin/ls')) await cp(path, root + path, { dereference: true })
 *
 * @throws CaissonError LIBRARY_NOT_FOUND with the library, what needs it and where it was looked for.
 * @throws CaissonError NOT_AN_ELF when `path` is another kind of file; for a script the hint names its interpreter.
 * @throws CaissonError INVALID_ELF, UNSUPPORTED_ELF for a damaged or a 32-bit file.
 */
export async function sharedLibraries(
  path: string,
  { libraryPath = [] }: SharedLibrariesOptions = {},
): Promise<readonly SharedLibrary[]> {
  const elf = await readElf(path);
  // The loader asks /proc/self/exe where a program is, so $ORIGIN is the directory of the file, not of a link to it.
  const program: LoadedObject = { elf, path, origin: posix.dirname(await fs.promises.realpath(path)) };
  const settings = await readLoaderSettings(elf, libraryPath);
  const interpreter = elf.interpreter === undefined ? undefined : await openInterpreter(elf.interpreter, program);
  return loadAll(program, interpreter, settings);
}

/** A library found, with the names that lead to it: a second request for one of them loads nothing. */
interface Library extends LoadedObject {
  readonly elf: ElfFile;
  readonly name: string;
}

/** Breadth first, as the loader does it: all that the program needs, then all that those need. */
async function loadAll(
  program: LoadedObject,
  interpreter: Library | undefined,
  settings: LoaderSettings,
): Promise<readonly SharedLibrary[]> {
  const byName = new Map<string, Library>();
  const byIdentity = new Map<string, Library>();
  const loaded = new Set<Library>();
  const remember = (library: Library) => {
    for (const name of [library.name, library.elf.soname]) if (name !== undefined) byName.set(name, library);
    byIdentity.set(library.elf.identity, library);
  };
  if (interpreter !== undefined) remember(interpreter);

  const queue: LoadedObject[] = [program];
  for (const object of queue) {
    for (const name of object.elf.needed) {
      const builtIn = settings.libc === 'musl' && isBuiltIntoMusl(name) ? interpreter : undefined;
      const known = builtIn ?? byName.get(name);
      const found = known ?? (await find(name, object, settings));
      // Another name for a file that is there already, by a symbolic or hard link.
      const library = byIdentity.get(found.elf.identity) ?? found;
      byName.set(name, library);
      if (loaded.has(library)) continue;
      loaded.add(library);
      remember(library);
      queue.push(library);
    }
  }
  // A program that needs no library by name still needs its interpreter to start.
  if (interpreter !== undefined) loaded.add(interpreter);
  return [...loaded].map(({ name, path }) => ({ name, path }));
}

async function find(name: string, object: LoadedObject, settings: LoaderSettings): Promise<Library> {
  const candidates = candidatePaths(name, object, settings);
  for (const path of new Set(candidates)) {
    const elf = await openFor(object.elf, path);
    if (elf === undefined) continue;
    // Unlike the program's, a library's origin is where it was found: links are not followed (glibc and musl alike).
    return { name, path, elf, origin: posix.dirname(posix.resolve(path)), loader: object };
  }
  const places = [...new Set(candidates.map((path) => posix.dirname(path)))].join(', ');
  throw new CaissonError(
    'LIBRARY_NOT_FOUND',
    `library '${name}', needed by '${object.path}', is in none of ${places || 'no directories'}`,
    { hint: 'install the package that has it, or name its directory in libraryPath' },
  );
}

/** The file if it is there and made for the same machine; the loader passes others over. */
async function openFor(wanted: Elf, path: string): Promise<ElfFile | undefined> {
  try {
    const elf = await readElf(path);
    return elf.machine === wanted.machine && elf.littleEndian === wanted.littleEndian ? elf : undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG', 'UNSUPPORTED_ELF')) return undefined;
    throw error;
  }
}

async function openInterpreter(path: string, program: LoadedObject): Promise<Library> {
  const elf = await openFor(program.elf, path);
  if (elf !== undefined) return { name: path, path, elf, origin: posix.dirname(path), loader: program };
  throw new CaissonError('LIBRARY_NOT_FOUND', `the interpreter '${path}' of '${program.path}' is not there`, {
    hint: 'the program was made for another libc or another distribution',
  });
}

async function readLoaderSettings(elf: Elf, libraryPath: readonly string[]): Promise<LoaderSettings> {
  const interpreter = elf.interpreter;
  const shared = {
    libraryPath,
    ...(interpreter === undefined ? {} : { interpreterDirectory: posix.dirname(interpreter) }),
  };
  const musl = /^(.*)\/lib\/(ld-musl-[^/]+)\.so\.1$/.exec(interpreter ?? '');
  if (musl === null) {
    const cache = parseLdCache((await readOptional('/etc/ld.so.cache')) ?? new Uint8Array());
    return { ...shared, libc: 'glibc', cache };
  }
  const configured = (await readOptional(`${musl[1]}/etc/${musl[2]}.path`))?.toString();
  const systemPath = (configured ?? '/lib:/usr/local/lib:/usr/lib').split(/[:\n]/).filter((entry) => entry !== '');
  return { ...shared, libc: 'musl', systemPath };
}

async function readOptional(path: string): Promise<Buffer | undefined> {
  try {
    return await fs.promises.readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return undefined;
    throw error;
  }
}
