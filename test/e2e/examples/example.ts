import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';
import { ROOT } from '../../support/built-package.ts';
import { expectNothingLeft, traces } from '../../support/leftovers.ts';
import { type ScriptResult, startScript } from '../../support/script.ts';
import { UNPRIVILEGED_UID } from '../../support/unprivileged.ts';

/** Who runs the examples: the user who runs the tests, and one without privileges. */
export const USERS: readonly number[] = [...new Set([process.getuid?.() ?? 0, UNPRIVILEGED_UID])];

/** The names of all examples. */
export const EXAMPLES: readonly string[] = readdirSync(join(ROOT, 'examples'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length));

/** Where an example is. */
export function exampleFile(name: string): URL {
  return new URL(`../../../examples/${name}.ts`, import.meta.url);
}

/** Runs an example with the built package, and fails if it leaves anything behind: also in its store and its TMPDIR. */
export async function runExample(
  context: TestContext,
  name: string,
  uid: number,
  args: readonly string[] = [],
): Promise<ScriptResult> {
  const { home, store, finished } = startScript(context, exampleFile(name), { uid, args });
  // After the spawn, because esbuild starts a process of its own there, which stays; the example runs nothing yet.
  const before = traces();
  const result = await finished;
  await expectNothingLeft(before, { stores: [store] });
  expect(readdirSync(join(home, 'tmp'))).toEqual([]);
  return result;
}

/** {@link runExample} for one that must succeed: what it printed. */
export async function outputOf(context: TestContext, name: string, uid: number): Promise<string> {
  const { stdout, stderr, exitCode } = await runExample(context, name, uid);
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
  return stdout;
}
