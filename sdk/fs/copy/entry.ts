/** What a copy consists of, on its way from wherever to wherever. */
import type { RawPath } from '../path.ts';

/** A piece of a file's content, and where in the file it belongs. */
export interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The kinds of things that can be in a directory. */
export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'fifo' | 'socket' | 'device';

/** One thing of a tree. Those who are above come first. */
export interface CopyEntry {
  readonly type: EntryType;
  /** From the top of the tree, which is ''; without `.`, `..` and double slashes. */
  readonly path: RawPath;
  /** What a symbolic link says; of a hard link, the path of the entry that it is another name of. */
  readonly target: RawPath;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a file, with its holes. */
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** The content of a file without its holes. May be read once. */
  content(): AsyncIterable<Piece> | Iterable<Piece>;
  /** Whether others may be taken before the content is read. */
  readonly isPatient: boolean;
  /** Lets go of what it holds, read or not. Idempotent. */
  release(): void;
}

/** Somewhere that entries go to. */
export interface Sink {
  /** Takes an entry, and its content. Those above it have been put before, and may be on their way. */
  put(entry: CopyEntry): Promise<void>;
  /** Does what can be done only when all is there. */
  finish(): Promise<void>;
}

/** What came of a copy. */
export interface CopyResult {
  /** How many files, directories and links were made. */
  readonly files: number;
  /** How many bytes of content were written. */
  readonly bytes: number;
  /** What was not copied, or not as it was: `'2 devices left out'`. */
  readonly losses: readonly string[];
}

/** What is counted while things are copied. */
export class Tally {
  files = 0;
  bytes = 0;
  readonly #losses = new Map<string, number>();

  lose(what: string): void {
    this.#losses.set(what, (this.#losses.get(what) ?? 0) + 1);
  }

  result(): CopyResult {
    const losses = [...this.#losses].map(([what, count]) => `${count} ${count === 1 ? what.replace('s ', ' ') : what}`);
    return { files: this.files, bytes: this.bytes, losses };
  }
}

/** How many entries a sink is given at a time. */
const AT_ONCE = 16;

/** Moves entries into a sink; releases all of them, whatever happens. */
export async function transfer(
  entries: AsyncIterable<CopyEntry>,
  sink: Sink,
  signal: AbortSignal | undefined,
): Promise<void> {
  const putting = new Set<Promise<void>>();
  let failed: { error: unknown } | undefined;
  try {
    for await (const entry of entries) {
      const put = putAndRelease(sink, entry)
        .catch((error: unknown) => {
          failed ??= { error };
        })
        .finally(() => putting.delete(put));
      putting.add(put);
      if (!entry.isPatient) await put;
      else if (putting.size >= AT_ONCE) await Promise.race(putting);
      if (failed !== undefined) throw failed.error;
      signal?.throwIfAborted();
    }
  } finally {
    await Promise.all(putting);
  }
  if (failed !== undefined) throw failed.error;
  await sink.finish();
}

async function putAndRelease(sink: Sink, entry: CopyEntry): Promise<void> {
  try {
    await sink.put(entry);
  } finally {
    entry.release();
  }
}
