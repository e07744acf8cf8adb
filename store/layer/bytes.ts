/** Takes a stream of chunks apart at the places its content asks for. */
import { CaissonError } from '../../syscalls/index.ts';

/** Reads a stream piece by piece. What it returns is valid until the next call. */
export interface ByteReader {
  /** As {@link read}, at once: undefined also when they are not here yet. */
  take(length: number): Buffer | undefined;
  /**
   * Exactly so many bytes; undefined when the stream ends where they would begin.
   * @throws CaissonError ARCHIVE_INVALID when it ends among them
   */
  read(length: number): Promise<Buffer | undefined>;
  /**
   * At least one byte and at most so many: what is there.
   * @throws CaissonError ARCHIVE_INVALID when there is none
   */
  readSome(limit: number): Promise<Buffer>;
  /** Reads to the end, and lets go of all of it. */
  drain(): Promise<void>;
  /** Closes the stream, wherever it is. */
  close(): Promise<void>;
}

/** Reads `source`, which its caller closes through what this returns. */
export function readBytes(source: AsyncIterable<Uint8Array>): ByteReader {
  const chunks = source[Symbol.asyncIterator]();
  let chunk: Buffer = Buffer.alloc(0);
  let position = 0;

  /** Whether there is something in `chunk`. */
  async function fill(): Promise<boolean> {
    while (chunk.length === 0) {
      const { value, done } = await chunks.next();
      if (done === true) return false;
      chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    return true;
  }

  /** At most so many bytes of `chunk`. */
  function cut(length: number): Buffer {
    const taken = chunk.subarray(0, length);
    chunk = chunk.subarray(taken.length);
    position += taken.length;
    return taken;
  }

  function cutShort(missing: number): CaissonError {
    return new CaissonError('ARCHIVE_INVALID', `the archive ends at byte ${position}, ${missing} bytes too early`);
  }

  return {
    take: (length) => (chunk.length < length ? undefined : cut(length)),
    async read(length) {
      if (chunk.length < length) {
        if (!(await fill())) return undefined;
        if (chunk.length < length) return gather(length);
      }
      return cut(length);
    },
    async readSome(limit) {
      if (!(await fill())) throw cutShort(limit);
      return cut(limit);
    },
    async drain() {
      while (await fill()) cut(chunk.length);
    },
    async close() {
      await chunks.return?.();
    },
  };

  async function gather(length: number): Promise<Buffer> {
    const whole = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      if (!(await fill())) throw cutShort(length - at);
      at += cut(length - at).copy(whole, at);
    }
    return whole;
  }
}
