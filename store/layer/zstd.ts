/** Zstandard for a Node without it (before 22.15): in JavaScript, for windows up to 32 MiB (zstd's levels up to 19). */
import { invalid } from './header.ts';

/** A block of one repeated byte takes 4 bytes and gives 128 KiB, so this much input gives at most 32 MiB at a time. */
const INPUT_BYTES = 1024;

/**
 * Decompresses frames, one after the other.
 * @throws CaissonError ARCHIVE_INVALID
 */
export async function* unzstd(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { Decompress } = await import('fzstd');
  let output: Uint8Array[] = [];
  const decoder = new Decompress((bytes) => output.push(bytes));
  const push = (bytes: Uint8Array, isLast: boolean) => {
    output = [];
    try {
      decoder.push(bytes, isLast);
    } catch (error) {
      throw invalid(`its zstd content: ${error instanceof Error ? error.message : String(error)}`, error);
    }
    return output;
  };
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += INPUT_BYTES) yield* push(chunk.slice(at, at + INPUT_BYTES), false);
  }
  yield* push(new Uint8Array(0), true);
}
