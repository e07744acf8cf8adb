/** What a process reads. */
import { constants } from 'node:os';
import stream, { Readable, Writable } from 'node:stream';
import { close, hasCode, SyscallError, type Watch, watch, write } from '../../syscalls/index.ts';
import type { Child } from './child.ts';
import type { InputSource } from './stdio.ts';

/** The write end of a non-blocking pipe as a stream, which takes ownership of the descriptor. */
export function openInput(descriptor: number): Writable {
  return new PipeWriter(descriptor);
}

/**
 * Writes a source to a process's non-blocking pipe and closes it, until the process has ended: one that has not read it
 * all is no error, and a source that does not end keeps nobody waiting. The source is destroyed then, as by
 * stream.pipeline; but this process's own stdin, which others may read on from, is only let go of.
 *
 * @throws what the source throws before; the process is ended then
 */
export async function feed(
  source: InputSource,
  descriptor: number,
  child: Pick<Child, 'exited' | 'end'>,
): Promise<void> {
  const input = openInput(descriptor);
  const written = writeAll(source, input).catch((error: unknown) => {
    child.end();
    throw error;
  });
  // An iterable that is waited for cannot be told to stop: its next piece finds the pipe closed.
  const ended = child.exited.then(() => void input.destroy());
  await Promise.race([written, ended]);
}

async function writeAll(source: InputSource, input: Writable): Promise<void> {
  const isWhole = typeof source === 'string' || source instanceof Uint8Array;
  try {
    if (isOwnInput(source)) await stream.promises.finished(process.stdin.pipe(input), { cleanup: true });
    else await stream.promises.pipeline(isWhole ? Readable.from([source]) : source, input);
  } catch (error) {
    if (!hasCode(error, 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED')) throw error;
  }
}

/** Asked only of what can be it: Node opens its stdin for who mentions it. */
function isOwnInput(source: InputSource): boolean {
  return typeof source === 'object' && 'fd' in source && source.fd === 0 && source === process.stdin;
}

class PipeWriter extends Writable {
  #descriptor: number | undefined;
  #watch: Watch | undefined;

  constructor(descriptor: number) {
    super();
    this.#descriptor = descriptor;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#descriptor === undefined) return;
    const count = chunk.length === 0 ? 0 : write.attempt(this.#descriptor, chunk, chunk.length);
    if (count === chunk.length) done();
    else if (count >= 0 || count === -constants.errno.EAGAIN) this.#whenRoom(chunk.subarray(Math.max(count, 0)), done);
    else done(new SyscallError({ errno: -count, syscall: 'write' }));
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#watch?.close();
    if (this.#descriptor !== undefined) close(this.#descriptor);
    this.#watch = undefined;
    this.#descriptor = undefined;
    done(error);
  }

  #whenRoom(rest: Buffer, done: (error?: Error | null) => void): void {
    if (this.#descriptor === undefined) return;
    this.#watch = watch(this.#descriptor, { writable: true }, () => {
      this.#watch?.close();
      this.#watch = undefined;
      this._write(rest, 'buffer', done);
    });
  }
}
