/** What a collected command came to. */
import { CaissonError } from '../../syscalls/index.ts';
import type { Process } from '../process.ts';
import type { CollectOptions } from '../spec/options.ts';
import { collect } from './collect.ts';

/** The result of a command that was run to its end. */
export interface Result<Text extends string | Buffer = string> {
  readonly stdout: Text;
  /** Empty when the command had a terminal: then all of it is in `stdout`. */
  readonly stderr: Text;
  /** The exit code; null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether `timeoutMs` had passed. */
  readonly timedOut: boolean;
  /** From the call to the end of the output. */
  readonly durationMs: number;
}

const DEFAULT_MAX_OUTPUT_BYTES = 100 * 1024 * 1024;

/**
 * Collects a process's output until it has ended and its output has, too.
 *
 * @throws CaissonError OUTPUT_TOO_LONG when it wrote more than allowed; it is ended then
 */
export async function collectResult(
  starting: Promise<Process>,
  options: CollectOptions,
): Promise<Result<string | Buffer>> {
  const { maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES, timeoutMs, encoding = 'utf8' } = options;
  const startedAt = performance.now();
  const process = await starting;
  let isTooLong = false;
  let timedOut = false;
  const overflow = () => {
    isTooLong = true;
    process.kill('SIGKILL');
  };
  const expire = () => {
    timedOut = process.kill('SIGKILL');
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
  try {
    const [stdout, stderr, status] = await Promise.all([
      collect(process.stdout, maxOutputBytes, overflow),
      collect(process.stderr, maxOutputBytes, overflow),
      process.wait(),
    ]);
    if (isTooLong) {
      throw new CaissonError('OUTPUT_TOO_LONG', `${JSON.stringify(process.args)} wrote more than ${maxOutputBytes} bytes`, {
        hint: 'raise maxOutputBytes, or read the streams of container.spawn()',
      });
    }
    const as = (bytes: Buffer) => (encoding === 'buffer' ? bytes : bytes.toString('utf8'));
    return { stdout: as(stdout), stderr: as(stderr), ...status, timedOut, durationMs: performance.now() - startedAt };
  } finally {
    clearTimeout(timer);
  }
}
