/** What a process reads. */
import { Socket } from 'node:net';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
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
 * Writes a source and ends the input. A process that ends without reading it all is no error.
 * @throws what the source throws
 */
export async function feed(source: InputSource, into: Writable): Promise<void> {
  const chunks = typeof source === 'string' || source instanceof Uint8Array ? Readable.from([source]) : source;
  try {
    await pipeline(chunks, into);
  } catch (error) {
    if (!isClosedPipe(error)) throw error;
  }
}

function isClosedPipe(error: unknown): boolean {
  const codes = ['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'];
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
