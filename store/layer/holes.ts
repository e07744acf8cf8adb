/** Files with holes, as archives that know none have them. */

/** A piece of a file's content, and where in the file it belongs. */
interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

const ZEROS = Buffer.alloc(64 * 1024);

/** The content of a file, with zeros for what its pieces leave out. */
export async function* fillHoles(
  pieces: AsyncIterable<Piece> | Iterable<Piece>,
  size: number,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const { offset, bytes } of pieces) {
    yield* zeros(offset - at);
    yield bytes;
    at = offset + bytes.length;
  }
  yield* zeros(size - at);
}

function* zeros(length: number): Generator<Uint8Array> {
  for (let left = length; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}
