/** The GNU binutils of either architecture: a second opinion on every byte of a stub. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import type { Architecture } from '../../../syscalls/index.ts';
import { requires } from '../../support/requires.ts';

const TRIPLET: Readonly<Record<Architecture, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/** Runs a program of the binutils for an architecture, and gives what it prints; skips the test where it is not there. */
export function binutils(
  context: TestContext,
  arch: Architecture,
  program: 'as' | 'objcopy' | 'objdump' | 'readelf',
  args: readonly string[],
): string {
  const names = [`${TRIPLET[arch]}-${program}`, ...(arch === process.arch ? [program] : [])];
  const found = names.find(isOnPath);
  requires(context, found, `${names.join(' or ')} (binutils)`);
  return execFileSync(found, args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } });
}

/** Whether a program is in a directory of PATH. */
export function isOnPath(name: string): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, name)));
}
