/** What a collected command came to. */
import { CaissonError } from '../../syscalls/index.ts';
import type { CollectOptions } from '../spec/options.ts';
import { endOnAbort } from './abort.ts';
import { collectPipe, collectTerminal, type Limit } from './collect.ts';
import type { ExitStatus } from './exit-status.ts';
import { feed } from './input.ts';
import type { Running } from './running.ts';
import { isInputSource } from './stdio.ts';

/** The result of a command that was run to its end. */
export interface Result<Text extends string | Buffer = string> extends ExitStatus {
  /** With a terminal, all that was printed. */
  readonly stdout: Text;
  readonly stderr: Text;
  /** Whether `timeoutMs` had passed. */
  readonly timedOut: boolean;
  /** From the call to the end of the output. */
  readonly durationMs: number;
}

const DEFAULT_MAX_OUTPUT_BYTES = 100 * 1024 * 1024;

/**
 * Takes over a process and collects its output until it has ended and its output has, too.
 *
 * @throws CaissonError OUTPUT_TOO_LONG when it wrote more than allowed; it is ended then
 * @throws the reason of its abort signal when that ended it, what its source of input throws, its `failure`
 */
export async function collectResult(
  starting: Promise<Running>,
  { maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES, timeoutMs, encoding = 'utf8' }: CollectOptions,
): Promise<Result<string | Buffer>> {
  const startedAt = performance.now();
  const { child, ends, args, stdin, signal, failure } = await starting;
  let isTooLong = false;
  let timedOut = false;
  const limit: Limit = {
    maxBytes: maxOutputBytes,
    onOverflow() {
      isTooLong = true;
      child.kill('SIGKILL');
    },
  };
  const expire = () => {
    timedOut = child.kill('SIGKILL');
  };
  const guard = endOnAbort(child, signal);
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
  // All of these end when the process does, so that nothing of it is left when one of them has failed.
  const [stdout, stderr, status, fed] = await Promise.allSettled([
    ends.terminal === undefined ? collectPipe(ends.stdout, limit) : collectTerminal(ends.terminal, limit),
    collectPipe(ends.stderr, limit),
    child.exited,
    isInputSource(stdin) && ends.stdin !== undefined ? feedOrEnd(stdin, ends.stdin, child) : undefined,
  ]);
  clearTimeout(timer);
  guard.release();

  const failed = failure?.();
  if (guard.hasEnded) throw signal?.reason;
  if (failed !== undefined) throw failed;
  if (isTooLong) {
    throw new CaissonError('OUTPUT_TOO_LONG', `${JSON.stringify(args)} wrote more than ${maxOutputBytes} bytes`, {
      hint: 'raise maxOutputBytes, or read the streams of container.spawn()',
    });
  }
  for (const each of [fed, stdout, stderr, status]) if (each.status === 'rejected') throw each.reason;
  const text = (bytes: PromiseSettledResult<Buffer>) => {
    const value = (bytes as PromiseFulfilledResult<Buffer>).value;
    return encoding === 'buffer' ? value : value.toString('utf8');
  };
  const { exitCode, signal: signalName } = (status as PromiseFulfilledResult<ExitStatus>).value;
  const durationMs = performance.now() - startedAt;
  return { stdout: text(stdout), stderr: text(stderr), exitCode, signal: signalName, timedOut, durationMs };
}

async function feedOrEnd(
  ...[source, descriptor, child]: [...Parameters<typeof feed>, Running['child']]
): Promise<void> {
  try {
    await feed(source, descriptor);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}
