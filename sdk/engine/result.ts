/** What a collected command came to. */
import { CaissonError } from '../../syscalls/index.ts';
import type { CollectOptions } from '../spec/options.ts';
import { endOnAbort } from './abort.ts';
import { type Collecting, collectPipe, collectTerminal, type Limit, NO_OUTPUT } from './collect.ts';
import type { ExitStatus } from './exit-status.ts';
import { feed } from './input.ts';
import type { Running } from './running.ts';
import { type Ends, isInputSource } from './stdio.ts';

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
 * Takes over a process and collects its output until it has ended and its output has, too. When we end it, what it has
 * started in its session ends as well, and the output of who has left that is not waited for.
 *
 * @param calledAt when it was asked for, by `performance.now()`: the start has taken its time since
 * @throws CaissonError OUTPUT_TOO_LONG when it wrote more than allowed; it is ended then. It carries what was allowed
 * @throws the reason of its abort signal when that ended it, what its source of input throws, its `failure`
 */
export async function collectResult(
  starting: Promise<Running>,
  { maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES, timeoutMs, encoding = 'utf8' }: CollectOptions,
  calledAt: number,
): Promise<Result<string | Buffer>> {
  const { child, ends, args, stdin, signal, failure } = await starting;
  let isTooLong = false;
  let timedOut = false;
  const limit: Limit = {
    maxBytes: maxOutputBytes,
    onOverflow() {
      isTooLong = true;
      end();
    },
  };
  const outputs = collectOutputs(ends, limit);
  const end = () => {
    child.end();
    void child.exited.then(() => {
      for (const each of outputs) each.stop();
    });
    return true;
  };
  const expire = () => {
    timedOut = end();
  };
  const guard = endOnAbort({ end }, signal);
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
  // All of these end when the process does, so that nothing of it is left when one of them has failed.
  const [stdout, stderr, status, fed] = await Promise.allSettled([
    outputs[0].output,
    outputs[1].output,
    child.exited,
    isInputSource(stdin) && ends.stdin !== undefined ? feed(stdin, ends.stdin, { ...child, end }) : undefined,
  ]);
  clearTimeout(timer);
  guard.release();

  const failed = failure?.();
  if (guard.hasEnded) throw signal?.reason;
  if (failed !== undefined) throw failed;
  for (const each of [fed, stdout, stderr, status]) if (each.status === 'rejected') throw each.reason;
  const bytes = [stdout, stderr].map((each) => (each as PromiseFulfilledResult<Buffer>).value) as [Buffer, Buffer];
  if (isTooLong) throw tooLong(args, maxOutputBytes, bytes);
  const [out, err] = bytes.map((each) => (encoding === 'buffer' ? each : each.toString('utf8'))) as [string, string];
  const { exitCode, signal: signalName } = (status as PromiseFulfilledResult<ExitStatus>).value;
  const durationMs = performance.now() - calledAt;
  return { stdout: out, stderr: err, exitCode, signal: signalName, timedOut, durationMs };
}

function collectOutputs({ stdout, stderr, terminal }: Ends, limit: Limit): readonly [Collecting, Collecting] {
  if (terminal !== undefined) return [collectTerminal(terminal, limit), NO_OUTPUT];
  const collect = (descriptor: number | undefined) =>
    descriptor === undefined ? NO_OUTPUT : collectPipe(descriptor, limit);
  return [collect(stdout), collect(stderr)];
}

function tooLong(args: readonly string[], maxBytes: number, [stdout, stderr]: readonly [Buffer, Buffer]): CaissonError {
  return new CaissonError('OUTPUT_TOO_LONG', `${JSON.stringify(args)} wrote more than ${maxBytes} bytes`, {
    hint: 'raise maxOutputBytes, or read the streams of container.spawn()',
    stdout: stdout.toString('utf8'),
    stderr: stderr.toString('utf8'),
  });
}
