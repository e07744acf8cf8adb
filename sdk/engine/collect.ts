/** A process's output, collected. */
import type { Readable } from 'node:stream';

/** The output of a process that has ended; text or bytes as asked. */
export interface Collected {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/**
 * Reads a stream to its end. Past the limit, what comes is dropped and `onOverflow` is called once.
 */
export function collect(stream: Readable | null, maxBytes: number, onOverflow: () => void): Promise<Buffer> {
  // What ends without output may have closed before anybody could listen.
  if (stream === null || stream.closed) return Promise.resolve(Buffer.alloc(0));
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      const wasWithin = length <= maxBytes;
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else if (wasWithin) onOverflow();
    });
    stream.on('error', reject);
    stream.on('close', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
  });
}
