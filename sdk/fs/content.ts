/** Reading and writing the content of files, by descriptors of this process: the agent has no part in it. */
import fs from 'node:fs';
import { promisify } from 'node:util';

const read = promisify(fs.read);
const write = promisify(fs.write);

/** What node:fs/promises takes as the content of a file. */
export type Content = Parameters<typeof fs.promises.writeFile>[1];

/** How node:fs/promises says what content is, and until when it is of interest. */
export interface ContentOptions {
  readonly encoding?: BufferEncoding | null | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether it is on disk when the promise resolves. */
  readonly flush?: boolean | undefined;
}

const CHUNK_BYTES = 0x8_0000;

/** Reads from where the descriptor is to the end. Not by fs.readFile: of a descriptor, it keeps errors to itself. */
export async function readContent(descriptor: number, { encoding, signal }: ContentOptions): Promise<string | Buffer> {
  const { size } = fs.fstatSync(descriptor);
  // One more byte than there should be, to read the end in.
  let buffer = Buffer.allocUnsafeSlow(size === 0 ? 0x1_0000 : size + 1);
  for (let length = 0; ; ) {
    signal?.throwIfAborted();
    if (length === buffer.length) buffer = Buffer.concat([buffer], length * 2);
    const { bytesRead } = await read(descriptor, buffer, length, Math.min(buffer.length - length, CHUNK_BYTES), null);
    length += bytesRead;
    if (bytesRead > 0) continue;
    const content = buffer.subarray(0, length);
    return encoding === undefined || encoding === null ? content : content.toString(encoding);
  }
}

/** Writes from where the descriptor is. */
export async function writeContent(descriptor: number, data: Content, options: ContentOptions): Promise<void> {
  const { encoding, signal, flush = false } = options;
  const toBytes = (piece: string | NodeJS.ArrayBufferView) => {
    if (typeof piece === 'string') return Buffer.from(piece, encoding ?? 'utf8');
    return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  };
  const pieces = typeof data === 'string' || ArrayBuffer.isView(data) ? [data] : data;
  for await (const piece of pieces as AsyncIterable<string | NodeJS.ArrayBufferView>) {
    const bytes = toBytes(piece);
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      signal?.throwIfAborted();
      await writeAll(descriptor, bytes.subarray(at, at + CHUNK_BYTES), null);
    }
  }
  if (flush) await promisify(fs.fsync)(descriptor);
}

/** Copies what one descriptor reads to another; tells how many bytes there were. */
export async function copyContent(from: number, to: number, signal?: AbortSignal): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  for (let copied = 0; ; ) {
    signal?.throwIfAborted();
    const { bytesRead } = await read(from, buffer, 0, buffer.length, null);
    if (bytesRead === 0) return copied;
    await writeAll(to, buffer.subarray(0, bytesRead), null);
    copied += bytesRead;
  }
}

/** Writes all of some bytes, at a position or where the descriptor is. */
export async function writeAll(descriptor: number, bytes: Uint8Array, position: number | null): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const at = position === null ? null : position + done;
    done += (await write(descriptor, bytes, done, bytes.length - done, at)).bytesWritten;
  }
}
