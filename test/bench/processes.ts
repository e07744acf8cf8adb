/** Programs that the bench starts: timed, and ended by their pid when the bench ends early. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { basename, delimiter, join } from 'node:path';

/** A program and its arguments. */
export type Command = readonly [string, ...string[]];

const running = new Set<ChildProcess>();

/** Runs a program to its end and gives what it wrote to standard output and how long it took, in milliseconds. */
export async function run(command: Command, options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}) {
  const chunks: Buffer[] = [];
  const elapsedMs = await consume(command, (chunk) => chunks.push(chunk), options);
  return { stdout: Buffer.concat(chunks).toString(), elapsedMs };
}

/** Runs a program and gives the rate at which its standard output arrived, in MiB/s. */
export async function throughput(command: Command, expectedBytes: number): Promise<number> {
  let bytes = 0;
  const elapsedMs = await consume(command, (chunk) => {
    bytes += chunk.length;
  });
  return rate(bytes, expectedBytes, elapsedMs);
}

/** MiB/s of a complete transfer; an incomplete one is an error. */
export function rate(bytes: number, expectedBytes: number, elapsedMs: number): number {
  if (bytes !== expectedBytes) throw new Error(`${bytes} of ${expectedBytes} bytes arrived`);
  return bytes / 2 ** 20 / (elapsedMs / 1000);
}

/** Remembers a child until its end, so that {@link endAll} finds it. */
export function track<T extends ChildProcess>(child: T): T {
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Asks everything that is still running to end. */
export function endAll(): void {
  for (const child of running) child.kill('SIGTERM');
}

/** Where a program is on the PATH. @throws when it is not installed */
export function findProgram(name: string): string {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this directory: most are not.
    }
  }
  throw new Error('not installed');
}

/** Whether {@link findProgram} would find it. */
export function hasProgram(name: string): boolean {
  try {
    return findProgram(name) !== '';
  } catch {
    return false;
  }
}

/** Runs a short program and waits for it; for preparations, which are not measured. */
export function runNow(command: Command, options: { timeoutMs?: number } = {}): string {
  const [file, ...args] = command;
  const timeout = options.timeoutMs ?? 20_000;
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: 'utf8', timeout });
  if (error) throw error;
  if (status !== 0) throw new Error(`${basename(file)}: ${stderr.trim() || `ended with ${status}`}`);
  return stdout.trim();
}

async function consume(
  [file, ...args]: Command,
  onChunk: (chunk: Buffer) => void,
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<number> {
  const begin = performance.now();
  const child = track(spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options }));
  const complaints: Buffer[] = [];
  child.stdout.on('data', onChunk);
  child.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const elapsedMs = performance.now() - begin;
  if (code === 0) return elapsedMs;
  throw new Error(Buffer.concat(complaints).toString().trim() || `${basename(file)} ended with ${code}`);
}
