/** Where the bench's sources and its compiled program are; main.ts says so to the program that it compiles. */
import { join } from 'node:path';

/** The variable with the directory of the sources. */
export const SOURCES_VARIABLE = 'CAISSON_BENCH_SOURCES';

/** The directory with the sources: the C program of the limit is not compiled with the others. */
export const SOURCES = process.env[SOURCES_VARIABLE] ?? import.meta.dirname;

/** Where the package is; its built entry points are below. */
export const PACKAGE_ROOT = join(SOURCES, '../..');

/** A compiled program of the bench. All its code is in one directory, this file's too. */
export function compiledProgram(name: 'bench' | 'alive-child' | 'pull-child'): string {
  return join(import.meta.dirname, `${name}.mjs`);
}
