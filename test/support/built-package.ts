import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';

/** The repository's directory. */
export const ROOT = new URL('../..', import.meta.url).pathname;

/**
 * The built package where this user can read it: for the one who runs the tests the repository itself, for anybody
 * else a copy in the run's directory, because a checkout below /root, or made with a umask of 077, is closed to them.
 */
export function packageFor(uid: number): string {
  if (!existsSync(join(ROOT, 'dist/index.js'))) throw new Error("there is no dist/ yet: run 'npm run build' first");
  if (uid === process.getuid?.()) return ROOT;
  const copy = join(inject('runDirectory'), 'package');
  if (!existsSync(copy)) publish((directory) => copyPackage(directory), copy);
  return copy;
}

/** The Node program where this user can run it: a copy when it lies below somebody's home (nvm, volta). */
export function nodeFor(uid: number): string {
  if (uid === process.getuid?.() || isOpen(process.execPath)) return process.execPath;
  const copy = join(inject('runDirectory'), 'node');
  if (!existsSync(copy)) publish((directory) => copyFileSync(process.execPath, join(directory, 'node')), copy);
  return join(copy, 'node');
}

/** Where the packages that caisson depends on at run time are installed, relative to the repository. */
export function runtimeModules(): string[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
  };
  const modules = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  // The lock file lists koffi's binaries for every platform; one is installed.
  return modules.map(([path]) => path).filter((path) => existsSync(join(ROOT, path)));
}

function copyPackage(directory: string): void {
  for (const name of ['package.json', 'dist', ...runtimeModules()]) {
    const target = join(directory, name);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(ROOT, name), target, { recursive: true });
  }
}

/** Makes a directory that is complete and readable as soon as it has its name. */
function publish(fill: (directory: string) => void, directory: string): void {
  const unfinished = mkdtempSync(`${directory}-`);
  fill(unfinished);
  execFileSync('chmod', ['-R', 'a+rX', unfinished]);
  try {
    renameSync(unfinished, directory);
  } catch (error) {
    // Another test file was faster; the run's end removes this copy.
    if (!existsSync(directory)) throw error;
  }
}

/** Whether every user may search the directories above a file, and read and run it. */
function isOpen(file: string): boolean {
  const above = dirname(file);
  return (statSync(file).mode & 0o5) === 0o5 && (above === file || isOpen(above));
}
