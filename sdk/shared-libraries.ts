/** The way to the ELF reader, which is loaded when somebody asks. */
import type { SharedLibrariesOptions, SharedLibrary } from './elf/index.ts';

/**
 * The shared libraries a program needs, as `ldd` prints them; read from its ELF file, without running anything.
 *
 * @param path of the program
 * @throws CaissonError with a code that begins with ELF_, for a file that is no program
 */
export async function sharedLibraries(
  path: string,
  options?: SharedLibrariesOptions,
): Promise<readonly SharedLibrary[]> {
  const { sharedLibraries } = await import('./elf/index.ts');
  return sharedLibraries(path, options);
}
