/** Output that is wanted whole: read straight from its descriptor, with no stream in between. */
import { close, hasCode, read, watch } from '../../syscalls/index.ts';
import { PIPE_BYTES } from './output.ts';
import { openTerminal } from './terminal.ts';

/** How much is kept, and what happens once at the first byte more: that and what follows is read and dropped. */
export interface Limit {
  readonly maxBytes: number;
  onOverflow(): void;
}

/** Every read goes here first: most processes write little, and a buffer for each would be 64 KiB. */
let scratch: Buffer | undefined;

/** Output on its way. */
export interface Collecting {
  /** All of it, once it has ended or was stopped. */
  readonly output: Promise<Buffer>;
  /** Takes what is there and waits for no more: others may hold it open for as long as they like. Idempotent. */
  stop(): void;
}

/** Of a process that has no such output. */
export const NO_OUTPUT: Collecting = { output: Promise.resolve(Buffer.alloc(0)), stop: () => undefined };

/** Reads a non-blocking pipe to its end, and closes it. */
export function collectPipe(descriptor: number, limit: Limit): Collecting {
  const kept = new Kept(limit);
  let stop = () => {};
  const output = new Promise<Buffer>((resolve, reject) => {
    let isOpen = true;
    const look = (isLast: boolean) => {
      try {
        if (readOnce(descriptor, kept) && !isLast) return;
        resolve(kept.bytes());
      } catch (error) {
        reject(error);
      }
      isOpen = false;
      handle.close();
      close(descriptor);
    };
    const handle = watch(descriptor, { readable: true }, () => look(false));
    stop = () => {
      if (isOpen) look(true);
    };
  });
  return { output, stop };
}

/** Reads what a pipe holds. @returns whether there may be more to come */
function readOnce(descriptor: number, kept: Kept): boolean {
  scratch ??= Buffer.allocUnsafeSlow(PIPE_BYTES);
  try {
    const count = read(descriptor, scratch, PIPE_BYTES);
    kept.add(scratch.subarray(0, count));
    return count > 0;
  } catch (error) {
    if (hasCode(error, 'EAGAIN', 'EINTR')) return true;
    throw error;
  }
}

/** Reads a terminal to its end: what a process with a terminal prints. */
export function collectTerminal(socket: number, limit: Limit): Collecting {
  const kept = new Kept(limit);
  const terminal = openTerminal(socket);
  let isStopped = false;
  const read = async () => {
    try {
      for await (const chunk of terminal) kept.add(chunk as Buffer);
    } catch (error) {
      if (!isStopped) throw error;
    }
    return kept.bytes();
  };
  return {
    output: read(),
    stop() {
      isStopped = true;
      // What has been printed is read in this turn of the event loop.
      setImmediate(() => terminal.destroy());
    },
  };
}

/** What was read so far, up to a limit. */
class Kept {
  readonly #limit: Limit;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(limit: Limit) {
    this.#limit = limit;
  }

  /** Keeps a copy of a chunk, as far as there is room. */
  add(chunk: Buffer): void {
    const room = this.#limit.maxBytes - this.#length;
    this.#length += chunk.length;
    if (room > 0) this.#chunks.push(Buffer.from(chunk.subarray(0, room)));
    if (room >= 0 && chunk.length > room) this.#limit.onOverflow();
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
