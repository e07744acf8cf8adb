/**
 * Zstandard content is one frame after the other, some of which mean nothing to it. Node decodes several, but drops
 * what is behind the end of one in the same chunk (nodejs/node: lib/zlib.js, processCallback, as of 24.21), so this
 * cuts chunks at the ends of frames. Source: RFC 8878, section 3.1.
 */
import { type ByteReader, readBytes } from './bytes.ts';
import { invalid } from './header.ts';

const MAGIC = 0xfd2f_b528;
/** With any last digit. Programs put indexes there. */
const SKIPPABLE = 0x184d_2a50;
const RLE_BLOCK = 1;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const SIZE_BYTES = [0, 2, 4, 8] as const;
/** Each chunk costs the decoder a turn, and blocks may be small. */
const CHUNK_BYTES = 128 * 1024;

/**
 * The frames of a stream that have content, in chunks of which none has parts of two.
 * @throws CaissonError ARCHIVE_INVALID when there is something else, or a frame is cut short
 */
export async function* zstdFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = readBytes(source);
  try {
    for (let magic = await reader.read(4); magic !== undefined; magic = await reader.read(4)) {
      const number = magic.readUInt32LE();
      if ((number & 0xffff_fff0) >>> 0 === SKIPPABLE) await skip(reader, (await need(reader, 4)).readUInt32LE());
      else if (number === MAGIC) yield* inChunks(readFrame(magic, reader));
      else throw invalid('what follows its zstd content is none');
    }
  } finally {
    await reader.close();
  }
}

async function* readFrame(magic: Buffer, reader: ByteReader): AsyncGenerator<Buffer> {
  yield magic;
  const start = await need(reader, 1);
  const descriptor = start.readUInt8();
  yield start;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : (SIZE_BYTES[sizeFlag] ?? 0);
  const rest = (isSingleSegment ? 0 : 1) + (DICTIONARY_BYTES[descriptor & 0x3] ?? 0) + sizeBytes;
  if (rest > 0) yield await need(reader, rest);
  for (let isLast = false; !isLast; ) {
    const header = await need(reader, 3);
    yield header;
    const block = header.readUIntLE(0, 3);
    isLast = (block & 1) === 1;
    for (let left = ((block >> 1) & 0x3) === RLE_BLOCK ? 1 : block >> 3; left > 0; ) {
      const bytes = await reader.readSome(left);
      left -= bytes.length;
      yield bytes;
    }
  }
  if ((descriptor & 0x4) !== 0) yield await need(reader, 4);
}

async function* inChunks(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    gathered.push(piece);
    bytes += piece.length;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(gathered, bytes);
    gathered = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(gathered, bytes);
}

async function need(reader: ByteReader, length: number): Promise<Buffer> {
  const bytes = await reader.read(length);
  if (bytes === undefined) throw invalid('its zstd content: it is cut short');
  return bytes;
}

async function skip(reader: ByteReader, length: number): Promise<void> {
  for (let left = length; left > 0; ) left -= (await reader.readSome(left)).length;
}
