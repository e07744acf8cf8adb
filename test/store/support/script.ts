import { spawn } from 'node:child_process';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { TestContext } from 'vitest';
import { nodeFor, packageFor, ROOT } from '../../support/built-package.ts';
import { requires } from '../../support/requires.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

export interface StoreScriptOptions {
  /** The user and group to run as. @default the one who runs the tests */
  readonly uid?: number;
  /** A command that runs the script: it is given the script's own command at its end. */
  readonly under?: readonly string[];
  /** Called with each line it prints. */
  readonly onLine?: (line: string, kill: (signal: NodeJS.Signals) => void) => void;
}

export interface StoreScriptResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}

/**
 * Runs TypeScript in a Node process of its own; in it, `'store'` (with both its doors) and `'syscalls'` are those folders of the sources.
 * `args` begin at `process.argv[2]`.
 */
export async function runStoreScript(
  context: TestContext,
  script: string,
  args: readonly string[] = [],
  { uid = process.getuid?.() ?? 0, under = [], onLine = () => {} }: StoreScriptOptions = {},
): Promise<StoreScriptResult> {
  requires(context, uid === process.getuid?.() || process.getuid?.() === 0, 'root, to run a script as another user');
  const home = temporaryDirectory(context, 0o755);
  symlinkSync(join(packageFor(uid), 'node_modules'), join(home, 'node_modules'));
  const file = join(home, 'script.mjs');
  writeFileSync(file, await bundle(script));
  const [program = '', ...rest] = [...under, nodeFor(uid), file, ...args];
  const child = spawn(program, rest, { uid, gid: uid, cwd: home, env: { PATH: process.env.PATH ?? '' } });
  context.onTestFinished(() => void child.kill('SIGKILL'));
  const result = { stdout: '', stderr: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    result.stderr += text;
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    result.stdout += text;
    for (const line of text.split('\n')) if (line !== '') onLine(line, (signal) => child.kill(signal));
  });
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  return { ...result, exitCode };
}

async function bundle(script: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: ROOT, loader: 'ts' },
    alias: { store: join(ROOT, 'test/store/support/doors.ts'), syscalls: join(ROOT, 'syscalls/index.ts') },
    external: ['koffi', 'fzstd', 'tar', 'undici'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}
