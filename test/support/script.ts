import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import type { TestContext } from 'vitest';
import { nodeFor, packageFor } from './built-package.ts';
import { requires } from './requires.ts';
import { temporaryDirectory } from './temporary.ts';

export interface ScriptOptions {
  /** The user (and group) to run as. @default the user who runs the tests */
  readonly uid?: number;
  readonly args?: readonly string[];
  /** Added to an environment of PATH, HOME, TMPDIR, XDG_DATA_HOME, XDG_RUNTIME_DIR and CAISSON_ROOT, all of them the script's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Turns its command line into that of a program (run as who runs the tests) that makes it run as `uid`. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
  /** What the script reads on its standard input. @default nothing */
  readonly input?: string;
}

export interface ScriptResult {
  readonly stdout: string;
  readonly stderr: string;
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningScript {
  readonly child: ChildProcess;
  /** The script's HOME and working directory, removed after the test. */
  readonly home: string;
  /** Its CAISSON_ROOT. */
  readonly store: string;
  /** Resolves when it has exited and its output has ended. */
  readonly finished: Promise<ScriptResult>;
}

/**
 * Starts a script in a Node process of its own, with the package as built: TypeScript source as a string (an ES
 * module), or the URL of a file, which may import 'caisson', 'caisson/syscalls' and node:.
 * The process is killed at the end of the test.
 */
export function startScript(context: TestContext, script: string | URL, options: ScriptOptions = {}): RunningScript {
  const { uid = process.getuid?.() ?? 0, args = [], env = {}, input = '', wrap } = options;
  requires(context, uid === process.getuid?.() || process.getuid?.() === 0, 'root, to run a script as another user');
  const home = temporaryDirectory(context, 0o755);
  const store = join(home, 'store');
  const file = placeScript(home, script, packageFor(uid));
  for (const name of ['', 'tmp', 'data', 'run']) own(join(home, name), uid);

  const command = [nodeFor(uid), file, ...args];
  const [program = '', ...rest] = wrap?.(command) ?? command;
  const child = spawn(program, rest, {
    cwd: home,
    ...(wrap === undefined ? { uid, gid: uid } : {}),
    env: { ...environment(home, store), ...env },
  });
  context.onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => {}); // EPIPE from a script that does not read its input
  child.stdin.end(input);
  return { child, home, store, finished: collect(child) };
}

/** {@link startScript}, and waits for its end. */
export function runScript(context: TestContext, script: string | URL, options?: ScriptOptions): Promise<ScriptResult> {
  return startScript(context, script, options).finished;
}

/** Compiled here and not by a loader in the script's process, which takes seconds in a virtual machine. */
function placeScript(home: string, script: string | URL, packageDirectory: string): string {
  mkdirSync(join(home, 'node_modules'));
  symlinkSync(packageDirectory, join(home, 'node_modules/caisson'));
  const source = typeof script === 'string' ? script : readFileSync(script, 'utf8');
  const file = join(home, 'script.mjs');
  writeFileSync(file, transformSync(source, { loader: 'ts', format: 'esm', target: 'node20.18' }).code);
  return file;
}

function own(directory: string, uid: number): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (uid !== process.getuid?.()) chownSync(directory, uid, uid);
}

function environment(home: string, store: string): Record<string, string> {
  const { PATH = '/usr/sbin:/usr/bin:/sbin:/bin', LANG = 'C.UTF-8' } = process.env;
  const inherited = Object.entries(process.env).filter(([name]) => name.startsWith('CAISSON_'));
  return {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    PATH,
    LANG,
    HOME: home,
    TMPDIR: join(home, 'tmp'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_RUNTIME_DIR: join(home, 'run'),
    CAISSON_ROOT: store,
  };
}

async function collect(child: ChildProcess): Promise<ScriptResult> {
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject).once('close', (...end) => resolve(end));
  });
  return { ...output, exitCode, signal };
}
