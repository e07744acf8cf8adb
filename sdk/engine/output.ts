/** What a process writes, as Node streams with two conveniences. */
import { constants } from 'node:os';
import { finished, Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { close, F_SETPIPE_SZ, fcntl, read, SyscallError, type Watch, watch } from '../../syscalls/index.ts';

/** The output of a process: a Node Readable of Buffers. What nobody reads makes the process wait, as with any pipe. */
export type Output = Readable & OutputConveniences;

/** What the output of a process has besides what every Readable has. */
export interface OutputConveniences {
  /**
   * The output line by line, as UTF-8 text without the ends of lines. Who leaves the loop leaves the stream open, and
   * whoever reads it next, by whatever means, goes on behind the last line.
   */
  lines(): AsyncIterableIterator<string>;
  /** The output as a Web Stream. */
  web(): ReadableStream<Uint8Array>;
}

/** As much as a pipe holds, unless it is told otherwise (man 7 pipe). */
export const PIPE_BYTES = 65_536;

/**
 * As much as the pipe of a busy process is made to hold, and as is read from it at once. The two sides of a pipe exclude
 * each other for as long as a call takes, so that few long ones pass more than many short ones: 1.02 to 1.21 of what
 * child_process reads from its socket, where 64 KiB at once passed 0.89 to 1.03.
 */
const BUSY_PIPE_BYTES = 4 * PIPE_BYTES;

/** How many chunks are read before other work of this thread gets its turn: 4 MiB, about 2 ms. */
const CHUNKS_PER_TURN = 16;

/** Adds the conveniences to a stream. */
export function asOutput<T extends Readable>(stream: T): T & OutputConveniences {
  return Object.assign(stream, {
    lines: () => lines(stream),
    web: () => Readable.toWeb(stream) as ReadableStream<Uint8Array>,
  });
}

/** What there is to a stream besides its pipe. */
export interface OutputParts {
  /** What was read from the pipe before. */
  readonly before?: readonly Buffer[] | undefined;
  /** Is told of all that is read. */
  readonly note?: ((chunk: Buffer) => void) | undefined;
}

/**
 * The read end of a pipe as a stream, which takes ownership of the descriptor. Not a net.Socket, which reads a pipe
 * at a quarter of the speed: 0.9 GiB/s, and this 3.
 */
export function openOutput(descriptor: number, parts: OutputParts = {}): Output {
  return asOutput(new PipeStream(descriptor, parts));
}

/**
 * Reads what a non-blocking pipe holds: some bytes, none at its end, undefined when there are none now.
 * @param bytes at most so many
 */
export function readPipe(descriptor: number, bytes = PIPE_BYTES): Buffer | undefined {
  if (scratch === undefined || scratch.length < bytes) scratch = Buffer.allocUnsafeSlow(bytes);
  const count = read.attempt(descriptor, scratch, bytes);
  if (count === -constants.errno.EAGAIN) return undefined;
  if (count < 0) throw new SyscallError({ errno: -count, syscall: 'read' });
  const filled = scratch.subarray(0, count);
  // A few bytes must not keep a whole buffer alive; many are not worth a copy.
  if (count < scratch.length / 4) return Buffer.from(filled);
  scratch = undefined;
  return filled;
}

/** What is read into next. Most reads find little, or the end, and should not cost a buffer each. */
let scratch: Buffer | undefined;

class PipeStream extends Readable {
  #descriptor: number | undefined;
  #watch: Watch | undefined;
  #isPaused = false;
  #isWide = false;
  readonly #note: OutputParts['note'];

  constructor(descriptor: number, { before = [], note }: OutputParts) {
    super({ highWaterMark: 2 * BUSY_PIPE_BYTES });
    this.#descriptor = descriptor;
    this.#note = note;
    for (const chunk of before) this.push(chunk);
    // Who asks for the stream and never reads it should not keep the descriptor open for good.
    this.read(0);
  }

  override _read(): void {
    if (this.#descriptor === undefined) return;
    if (this.#watch === undefined) this.#watch = watch(this.#descriptor, { readable: true }, () => this.#readSome());
    else if (this.#isPaused) this.#watch.change({ readable: true });
    this.#isPaused = false;
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#release();
    done(error);
  }

  #release(): void {
    this.#watch?.close();
    if (this.#descriptor !== undefined) close(this.#descriptor);
    this.#watch = undefined;
    this.#descriptor = undefined;
  }

  /** Reads until the pipe is empty or the reader has enough. */
  #readSome(): void {
    for (let turn = 0; turn < CHUNKS_PER_TURN; turn++) {
      const chunk = this.#readChunk();
      if (chunk === undefined || !this.#deliver(chunk)) return;
    }
  }

  /** Whether there may be more now, and it is wanted. A chunk that is less than a pipe holds was the last one for now. */
  #deliver(chunk: Buffer): boolean {
    if (chunk.length === 0) this.#end();
    else if (!this.push(chunk)) this.#pause();
    else if (chunk.length >= PIPE_BYTES) {
      if (!this.#isWide) this.#widen();
      return true;
    }
    return false;
  }

  /** What has come may still wait for its reader, but not in the pipe. */
  #end(): void {
    this.#release();
    this.push(null);
    // Tells of the end where nothing is left to read and nobody asks.
    this.read(0);
  }

  #pause(): void {
    this.#isPaused = true;
    this.#watch?.change({});
  }

  /** Only for who needs it: a user may have 64 MiB in pipes (/proc/sys/fs/pipe-user-pages-soft). */
  #widen(): void {
    this.#isWide = true;
    if (this.#descriptor === undefined) return;
    // Where it may not be wider, it stays as it is.
    fcntl.attempt(this.#descriptor, F_SETPIPE_SZ, BUSY_PIPE_BYTES);
  }

  /** The next bytes; none at the end, undefined when there are none now. */
  #readChunk(): Buffer | undefined {
    // A reader may end the stream from within its 'data' event.
    if (this.#descriptor === undefined) return undefined;
    try {
      // No more than fits: who has enough gets less than a megabyte, with what is in the pipe.
      const room = Math.max(1, this.readableHighWaterMark - this.readableLength);
      const chunk = readPipe(this.#descriptor, Math.min(room, this.#isWide ? BUSY_PIPE_BYTES : PIPE_BYTES));
      if (chunk !== undefined && chunk.length > 0) this.#note?.(chunk);
      return chunk;
    } catch (error) {
      this.destroy(error as Error);
      return undefined;
    }
  }
}

/**
 * The lines of a stream. Who leaves them before the end leaves the stream as it is behind the line he had last: so it is
 * read by hand, as what Node iterates is destroyed.
 */
async function* lines(stream: Readable): AsyncIterableIterator<string> {
  /** A line that has begun, in pieces. */
  let begun: Buffer[] = [];
  for (let piece = await nextPiece(stream); piece !== undefined; piece = await nextPiece(stream)) {
    const end = piece.lastIndexOf(NEWLINE) + 1;
    const rest = piece.subarray(end);
    if (end === 0) {
      begun.push(rest);
      continue;
    }
    const whole = Buffer.concat([...begun, piece.subarray(0, end)]);
    begun = rest.length === 0 ? [] : [rest];
    yield* linesOf(whole, (unread) => stream.unshift(Buffer.concat([unread, rest])));
  }
  const last = Buffer.concat(begun).toString('utf8');
  if (last !== '') yield last;
}

const NEWLINE = 0x0a;

/** The lines of text that ends with one. @param giveBack is given the rest when they are left before the end */
function* linesOf(bytes: Buffer, giveBack: (unread: Buffer) => void): Generator<string> {
  const lines = bytes.toString('utf8').split('\n').slice(0, -1);
  let count = 0;
  let isLeft = true;
  try {
    for (const line of lines) {
      count++;
      yield line.endsWith('\r') ? line.slice(0, -1) : line;
    }
    isLeft = false;
  } finally {
    if (isLeft) giveBack(behindLines(bytes, count));
  }
}

function behindLines(bytes: Buffer, count: number): Buffer {
  let at = 0;
  for (let line = 0; line < count; line++) at = bytes.indexOf(NEWLINE, at) + 1;
  return bytes.subarray(at);
}

/**
 * What a stream has to give, or undefined at its end. Of several bytes the last one is left to it: a stream that is empty
 * ends, and nothing can be given back to it any more.
 */
async function nextPiece(stream: Readable): Promise<Buffer | undefined> {
  for (;;) {
    const found: Buffer | string | null = stream.read();
    const piece = typeof found === 'string' ? Buffer.from(found) : found;
    if (piece?.length === 1) return piece;
    if (piece !== null) {
      stream.unshift(piece.subarray(-1));
      return piece.subarray(0, -1);
    }
    if (!(await hasMore(stream))) return undefined;
  }
}

/** Waits until something can be read, or the end. @throws the error of the stream */
function hasMore(stream: Readable): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const stopWaiting = finished(stream, { writable: false }, (error) => {
      settle();
      if (error) reject(error);
      else resolve(false);
    });
    const settle = () => {
      stopWaiting();
      stream.off('readable', onReadable);
    };
    const onReadable = () => {
      settle();
      resolve(true);
    };
    stream.on('readable', onReadable);
  });
}
