/**
 * Compresses with gzip on all of libuv's threads: each block of the content on its own, and all of them as one
 * member, since some readers stop at the end of the first. The same content gives the same bytes, however it comes.
 * Sources: RFC 1952 (gzip), zlib.h (Z_FULL_FLUSH: what follows does not depend on what came before).
 */
import { promisify } from 'node:util';

/** Larger ones compress better, smaller ones take less memory: there are as many as threads. */
const BLOCK_BYTES = 512 * 1024;
const THREADS = 4;
/** No name, no time, and the system it was made on is unknown. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

/** Compresses a stream. */
export async function* gzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const { crc32, constants, deflateRaw } = (await import('node:zlib')) as Zlib;
  const compress = promisify(deflateRaw);
  const pending: Promise<Buffer>[] = [];
  let checksum = 0;
  let length = 0;
  yield HEADER;
  try {
    for await (const block of inBlocks(source)) {
      checksum = crc32(block, checksum);
      length += block.length;
      if (pending.length === THREADS) yield await (pending.shift() as Promise<Buffer>);
      const compressed = compress(block, { finishFlush: constants.Z_FULL_FLUSH });
      // It is looked at in its turn; until then an error of it is not one that nobody has seen.
      compressed.catch(() => {});
      pending.push(compressed);
    }
    pending.push(compress(Buffer.alloc(0), { finishFlush: constants.Z_FINISH }));
    while (pending.length > 0) yield await (pending.shift() as Promise<Buffer>);
  } finally {
    await Promise.allSettled(pending);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum);
  trailer.writeUInt32LE(length % 2 ** 32, 4);
  yield trailer;
}

/** The part of node:zlib this needs; `crc32` is there since Node 20.15. */
interface Zlib {
  readonly crc32: (bytes: Uint8Array, value: number) => number;
  readonly constants: { readonly Z_FULL_FLUSH: number; readonly Z_FINISH: number };
  readonly deflateRaw: (
    bytes: Uint8Array,
    options: { readonly finishFlush: number },
    done: (error: Error | null, result: Buffer) => void,
  ) => void;
}

async function* inBlocks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + BLOCK_BYTES - bytes);
      gathered.push(part);
      bytes += part.length;
      at += part.length;
      if (bytes < BLOCK_BYTES) continue;
      yield Buffer.concat(gathered, bytes);
      gathered = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield Buffer.concat(gathered, bytes);
}
