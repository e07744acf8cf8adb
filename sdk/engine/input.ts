/** What a process reads. */
import { constants } from 'node:os';
import stream, { Readable, Writable } from 'node:stream';
import { close, hasCode, SyscallError, type Watch, watch, write } from '../../syscalls/index.ts';
import type { InputSource } from './stdio.ts';

/** The write end of a non-blocking pipe as a stream, which takes ownership of the descriptor. */
export function openInput(descriptor: number): Writable {
  return new PipeWriter(descriptor);
}

/**
 * Writes a source to a non-blocking pipe and closes it. A process that ends without reading it all is no error.
 * @throws what the source throws
 */
export async function feed(source: InputSource, descriptor: number): Promise<void> {
  const isWhole = typeof source === 'string' || source instanceof Uint8Array;
  try {
    await stream.promises.pipeline(isWhole ? Readable.from([source]) : source, openInput(descriptor));
  } catch (error) {
    if (!hasCode(error, 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED')) throw error;
  }
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
