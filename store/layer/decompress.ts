/** Layers come compressed in several ways; what they are is told by their first bytes, not by their media type. */
import stream, { type Transform } from 'node:stream';
import { CaissonError, isError } from '../../syscalls/index.ts';
import { freeMemory } from './free-memory.ts';
import { invalid } from './header.ts';
import { checkExpansion, type LayerLimits, normalizeLimits } from './limits.ts';
import { zstdFrames } from './zstd-frames.ts';

/** How content is compressed. */
export type Compression = 'gzip' | 'zstd' | 'none';

const MAGIC: Readonly<Record<Exclude<Compression, 'none'>, Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b, 0x08]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
};
const LONGEST_MAGIC = 10;
/** What other programs compress with: all of what such content begins with, as a name of a file may begin so, too. */
const FOREIGN = { xz: /^\xfd7zXZ\0/, bzip2: /^BZh[1-9]1AY&SY/ } as const;
/** Each chunk costs a turn of the event loop, and while one is used, the next are made on another thread. */
const CHUNK_BYTES = 512 * 1024;
const CHUNKS_AHEAD = 4;

/** What content is compressed with, by its first four bytes. */
export function detectCompression(start: Uint8Array): Compression {
  const begins = (magic: Buffer) => magic.equals(start.subarray(0, magic.length));
  if (begins(MAGIC.gzip)) return 'gzip';
  return begins(MAGIC.zstd) ? 'zstd' : 'none';
}

/**
 * How long chunks are wanted: for good, or only until the next one is asked for. Then the memory of those that were
 * decompressed is given back at once.
 */
export type Lifetime = 'lasting' | 'passing';

/**
 * The content of a stream, decompressed if it is compressed; several gzip members are one content.
 *
 * @param lifetime @default 'lasting'
 * @throws CaissonError ARCHIVE_INVALID when it cannot be decompressed or is cut short, or with what it is compressed
 * @throws CaissonError LAYER_LIMIT_EXCEEDED when it grows too much
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  limits?: LayerLimits,
  lifetime: Lifetime = 'lasting',
): AsyncGenerator<Uint8Array> {
  const { maxExpansion } = normalizeLimits(limits);
  const { start, all, close } = await peek(source, LONGEST_MAGIC);
  const compression = detectCompression(start);
  const foreign = foreignProgram(start);
  if (foreign !== undefined) {
    await close();
    throw unreadable(foreign);
  }
  if (compression === 'none') return yield* all;
  let before = 0;
  let after = 0;
  async function* counted() {
    for await (const chunk of all) {
      before += chunk.length;
      yield chunk;
    }
  }
  for await (const chunk of await decoded(counted(), compression, lifetime)) {
    after += chunk.length;
    checkExpansion(before, after, maxExpansion);
    yield chunk;
  }
}

function foreignProgram(start: Buffer): string | undefined {
  const text = start.toString('latin1');
  return Object.entries(FOREIGN).find(([, magic]) => magic.test(text))?.[0];
}

function unreadable(program: string): CaissonError {
  return new CaissonError('ARCHIVE_INVALID', `the archive is compressed with ${program}, which this cannot read`, {
    hint: `decompress it first, with ${program} -d; gzip and zstd can be read`,
  });
}

async function decoded(source: AsyncIterable<Uint8Array>, compression: 'gzip' | 'zstd', lifetime: Lifetime) {
  const { createGunzip, createZstdDecompress }: Zlib = await import('node:zlib');
  const options = { chunkSize: CHUNK_BYTES, readableObjectMode: true, readableHighWaterMark: CHUNKS_AHEAD };
  if (compression === 'gzip') return transform(source, createGunzip(options), compression, lifetime);
  const frames = zstdFrames(source);
  if (createZstdDecompress !== undefined)
    return transform(frames, createZstdDecompress(options), compression, lifetime);
  const { unzstd } = await import('./zstd.ts');
  return unzstd(frames);
}

/** The part of node:zlib this needs. Node has zstd since 22.15 and 23.8. */
interface Zlib {
  createGunzip(options: object): Transform;
  createZstdDecompress?: (options: object) => Transform;
}

/** Passes a stream through one of zlib's. Whoever stops reading stops the source as well. */
export async function* transform(
  source: AsyncIterable<Uint8Array>,
  through: Transform,
  compression: Compression,
  lifetime: Lifetime = 'lasting',
): AsyncGenerator<Uint8Array> {
  // Errors of the source destroy what is read below, which ends in them.
  const done = stream.promises.pipeline(source, through).catch(() => {});
  try {
    for await (const chunk of through as AsyncIterable<Uint8Array>) {
      yield chunk;
      if (lifetime === 'passing') freeFilled(chunk);
    }
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw invalid(`its ${compression} content: ${error.message}`, error);
  } finally {
    through.destroy();
    await done;
  }
}

/** zlib's streams cut chunks off a buffer until it is full, and take another one then. */
function freeFilled({ buffer, byteOffset, byteLength }: Uint8Array): void {
  const isFilled = buffer.byteLength === CHUNK_BYTES && byteOffset + byteLength === CHUNK_BYTES;
  if (isFilled) freeMemory(buffer as ArrayBuffer);
}

/** Looks at the first bytes of a stream; `all` is the whole of it. */
async function peek(source: AsyncIterable<Uint8Array>, length: number) {
  const chunks = source[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  for (let size = 0; size < length; ) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    read.push(value);
    size += value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield* read;
      for (;;) {
        const { value, done } = await chunks.next();
        if (done === true) return;
        yield value;
      }
    } finally {
      await chunks.return?.();
    }
  }
  return { start: Buffer.concat(read).subarray(0, length), all: all(), close: async () => chunks.return?.() };
}

function isZlibError(error: unknown): error is Error {
  return isError(error) && 'code' in error && /^(Z_|ZSTD_|ERR_ZSTD)/.test(String(error.code));
}
