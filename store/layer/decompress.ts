/** Layers come compressed in several ways; what they are is told by their first bytes, not by their media type. */
import stream, { PassThrough, type Transform } from 'node:stream';
import { invalid } from './header.ts';

/** How content is compressed. */
export type Compression = 'gzip' | 'zstd' | 'none';

const MAGIC: Readonly<Record<Exclude<Compression, 'none'>, Buffer>> = {
  gzip: Buffer.from([0x1f, 0x8b, 0x08]),
  zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
};
const LONGEST_MAGIC = 4;
const CHUNK_BYTES = 64 * 1024;

/** What content is compressed with, by its first four bytes. */
export function detectCompression(start: Uint8Array): Compression {
  const begins = (magic: Buffer) => magic.equals(start.subarray(0, magic.length));
  if (begins(MAGIC.gzip)) return 'gzip';
  return begins(MAGIC.zstd) ? 'zstd' : 'none';
}

/**
 * The content of a stream, decompressed if it is compressed; several gzip members are one content.
 *
 * @throws CaissonError ARCHIVE_INVALID when it cannot be decompressed or is cut short
 */
export async function* decompress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { start, all } = await peek(source, LONGEST_MAGIC);
  const compression = detectCompression(start);
  if (compression === 'none') return yield* all;
  const { createGunzip, createZstdDecompress }: Zlib = await import('node:zlib');
  if (compression === 'gzip') return yield* transform(all, createGunzip({ chunkSize: CHUNK_BYTES }), compression);
  if (createZstdDecompress !== undefined) return yield* transform(all, createZstdDecompress(), compression);
  const { unzstd } = await import('./zstd.ts');
  return yield* unzstd(all);
}

/** The part of node:zlib this needs. Node has zstd since 22.15 and 23.8. */
interface Zlib {
  createGunzip(options: { chunkSize: number }): Transform;
  createZstdDecompress?: () => Transform;
}

async function* transform(source: AsyncIterable<Uint8Array>, decoder: Transform, compression: Compression) {
  const output = new PassThrough({ highWaterMark: CHUNK_BYTES });
  // Errors of the source and of the decoder arrive at the output, and whoever stops reading it stops both.
  const done = stream.promises
    .pipeline(source, decoder, output)
    .catch((error: unknown) => output.destroy(error as Error));
  try {
    yield* output;
  } catch (error) {
    if (!isDecoderError(error)) throw error;
    throw invalid(`its ${compression} content: ${error.message}`, error);
  } finally {
    output.destroy();
    await done;
  }
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
  return { start: Buffer.concat(read).subarray(0, length), all: all() };
}

function isDecoderError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && /^(Z_|ZSTD_|ERR_ZSTD)/.test(String(error.code));
}
