/** Output that is wanted whole: read straight from its descriptor, with no stream in between. */
import { close, hasCode, read, watch } from '../../syscalls/index.ts';
import { PIPE_BYTES } from './output.ts';
import { openTerminal } from './terminal.ts';

/** How much is kept, and what happens at the first byte more: that and what follows is read and dropped. */
export interface Limit {
  readonly maxBytes: number;
  onOverflow(): void;
}

/** Every read goes here first: most processes write little, and a buffer for each would be 64 KiB. */
let scratch: Buffer | undefined;

/** Reads a non-blocking pipe to its end, and closes it. */
export function collectPipe(descriptor: number | undefined, limit: Limit): Promise<Buffer> {
  if (descriptor === undefined) return Promise.resolve(Buffer.alloc(0));
  scratch ??= Buffer.allocUnsafeSlow(PIPE_BYTES);
  const buffer = scratch;
  const kept = new Kept(limit);

  return new Promise((resolve, reject) => {
    const handle = watch(descriptor, { readable: true }, () => {
      try {
        const count = read(descriptor, buffer, PIPE_BYTES);
        kept.add(buffer.subarray(0, count));
        if (count > 0) return;
        resolve(kept.bytes());
      } catch (error) {
        if (hasCode(error, 'EAGAIN', 'EINTR')) return;
        reject(error);
      }
      handle.close();
      close(descriptor);
    });
  });
}

/** Reads a terminal to its end: what a process with a terminal prints. */
export async function collectTerminal(socket: number, limit: Limit): Promise<Buffer> {
  const kept = new Kept(limit);
  for await (const chunk of openTerminal(socket)) kept.add(chunk as Buffer);
  return kept.bytes();
}

/** What was read so far, up to a limit. */
class Kept {
  readonly #limit: Limit;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  /** Keeps a copy of a chunk. */
  add(chunk: Buffer): void {
    const wasWithin = this.#length <= this.#limit.maxBytes;
    this.#length += chunk.length;
    if (this.#length <= this.#limit.maxBytes) this.#chunks.push(Buffer.from(chunk));
    else if (wasWithin) this.#limit.onOverflow();
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
