/**
 * Writes tar archives as layers need them. The same entries make the same bytes: ustar headers where what is to be
 * said fits into one, PAX headers before them where it does not, and nothing that entries do not say.
 */
import { sourceDateEpoch } from '../creation-time.ts';
import { encodeEntry, type OutgoingEntry } from './encode.ts';
import { BLOCK } from './header.ts';

export type { OutgoingEntry } from './encode.ts';

/** How to write an archive. */
export interface WriteTarOptions {
  /**
   * No entry is younger, in nanoseconds since 1970.
   * @default the environment's SOURCE_DATE_EPOCH, where it is set (reproducible-builds.org)
   */
  readonly latestMtimeNs?: bigint | undefined;
}

/** Small entries are gathered: each chunk costs whoever takes it a turn. */
const CHUNK_BYTES = 256 * 1024;

/**
 * Writes an archive, with its end.
 *
 * @throws TypeError when content is not as long as its entry says
 * @throws CaissonError LAYER_NOT_PACKED for names that no archive holds
 */
export async function* writeTar(
  entries: Iterable<OutgoingEntry> | AsyncIterable<OutgoingEntry>,
  { latestMtimeNs = sourceDateEpoch() }: WriteTarOptions = {},
): AsyncGenerator<Buffer> {
  let gathered: Uint8Array[] = [];
  let bytes = 0;
  const gather = (part: Uint8Array) => {
    gathered.push(part);
    bytes += part.length;
  };
  const flush = () => {
    const [first, ...others] = gathered;
    const chunk = first !== undefined && others.length === 0 ? asBuffer(first) : Buffer.concat(gathered, bytes);
    gathered = [];
    bytes = 0;
    return chunk;
  };
  for await (const entry of entries) {
    gather(encodeEntry(clamp(entry, latestMtimeNs)));
    if (entry.type !== 'file') continue;
    let left = entry.size;
    for await (const part of entry.content()) {
      left -= part.length;
      if (left < 0) throw wrongSize(entry, left);
      gather(part);
      if (bytes >= CHUNK_BYTES) yield flush();
    }
    if (left !== 0) throw wrongSize(entry, left);
    gather(padding(entry.size));
    if (bytes >= CHUNK_BYTES) yield flush();
  }
  gather(Buffer.alloc(2 * BLOCK));
  yield flush();
}

function clamp(entry: OutgoingEntry, latestMtimeNs: bigint | undefined): OutgoingEntry {
  if (latestMtimeNs === undefined || entry.mtimeNs <= latestMtimeNs) return entry;
  return { ...entry, mtimeNs: latestMtimeNs };
}

function padding(size: number): Buffer {
  return ZEROS.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);
}

const ZEROS = Buffer.alloc(BLOCK);

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function wrongSize({ name, size }: OutgoingEntry, left: number): TypeError {
  return new TypeError(`the content of '${name.toString()}' must have ${size} bytes, but has ${size - left}`);
}
