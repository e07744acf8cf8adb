/** What a process reads. */
import { Socket } from 'node:net';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { close, hasCode, write } from '../../syscalls/index.ts';
import type { StdinOption } from '../spec/options.ts';

/** What is to be written to a process by us, and not by the user. */
export type InputSource = Exclude<StdinOption, 'pipe' | 'ignore' | 'inherit'>;

/** Whether an option asks us to write something. */
export function isInputSource(option: StdinOption): option is InputSource {
  return option !== 'pipe' && option !== 'ignore' && option !== 'inherit';
}

/** The write end of a pipe as a stream, which takes ownership of the descriptor. */
export function openInput(descriptor: number): Writable {
  return new Socket({ fd: descriptor, readable: false, writable: true });
}

/**
 * Writes a source to a non-blocking pipe and closes it. A process that ends without reading it all is no error.
 * @throws what the source throws
 */
export async function feed(source: InputSource, descriptor: number): Promise<void> {
  const isWhole = typeof source === 'string' || source instanceof Uint8Array;
  const rest = isWhole ? writeNow(descriptor, typeof source === 'string' ? Buffer.from(source) : source) : source;
  if (rest === undefined) return;
  try {
    await pipeline(rest instanceof Uint8Array ? Readable.from([rest]) : rest, openInput(descriptor));
  } catch (error) {
    if (!hasCode(error, 'EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED')) throw error;
  }
}

/** Writes what the pipe takes at once, which is mostly all; closes it when there is no rest. */
function writeNow(descriptor: number, bytes: Uint8Array): Uint8Array | undefined {
  let written = 0;
  try {
    written = bytes.length === 0 ? 0 : write(descriptor, bytes, bytes.length);
  } catch (error) {
    if (!hasCode(error, 'EAGAIN', 'EPIPE')) throw error;
    if (hasCode(error, 'EPIPE')) written = bytes.length;
  }
  if (written < bytes.length) return bytes.subarray(written);
  close(descriptor);
  return undefined;
}
