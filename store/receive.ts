/** A layer's content in one pass: written as a blob, and unpacked, while it comes. */
import { unlinkSync } from 'node:fs';
import { allocatePages, hasCode } from '../syscalls/index.ts';
import { verify } from './digest.ts';
import { createDirectFile } from './direct-file.ts';
import type { LayerLimits } from './layer/limits.ts';
import { type StagedLayer, stageLayer, verifyLayer } from './layer/unpack.ts';
import { explainStoreError, type Store } from './layout.ts';
import type { Descriptor } from './manifest.ts';

const PIECE_BYTES = 1024 * 1024;
/** One is filled while others are written and decompressed on other threads. */
const PIECES = 4;

/** What is to be made of a layer's content. */
export interface ReceiveOptions {
  /** Where its blob is written, verified; undefined when it is there. Whoever publishes it syncs it first. */
  readonly blobPath: string | undefined;
  /** Whether the layer is unpacked already: then its content is only compared with the diffID. */
  readonly isThere: boolean;
  readonly limits: LayerLimits | undefined;
}

/**
 * Reads the content of a layer to its end.
 *
 * @throws CaissonError DIGEST_MISMATCH, SIZE_MISMATCH, DIFF_ID_MISMATCH, ARCHIVE_INVALID, LAYER_INVALID: then nothing is left
 */
export async function receiveLayer(
  store: Store,
  chunks: AsyncIterable<Uint8Array>,
  { descriptor, diffId }: { readonly descriptor: Descriptor; readonly diffId: string },
  { blobPath, isThere, limits }: ReceiveOptions,
): Promise<StagedLayer | undefined> {
  const checked = verify(inPieces(chunks), descriptor, 'blob');
  const content = blobPath === undefined ? checked : writing(checked, blobPath);
  const reading = readOpenly(content);
  try {
    const staged = isThere
      ? void (await verifyLayer(reading, diffId, limits))
      : await stageLayer(store, reading, diffId, limits);
    // Decompressing may end before the content does.
    await reading.finish();
    return staged;
  } catch (error) {
    // Of content that makes no sense, it matters first whether it is what was asked for.
    if (hasCode(error, 'ARCHIVE_INVALID', 'LAYER_INVALID', 'DIFF_ID_MISMATCH')) await reading.finish();
    throw error;
  } finally {
    await content.return(undefined);
  }
}

/** The same content, which stays open when who reads it stops, and whose error is not lost with him. */
function readOpenly<T>(content: AsyncIterator<T>): AsyncIterable<T> & { finish(): Promise<void> } {
  let last: Promise<IteratorResult<T>> | undefined;
  const next = () => {
    last = content.next();
    return last;
  };
  return {
    [Symbol.asyncIterator]: () => ({ next }),
    async finish() {
      while ((await (last ?? next())).done !== true) last = undefined;
    },
  };
}

/**
 * Puts what comes in small chunks together: each one that is written, hashed and decompressed has its price. The memory
 * of a piece is used again when {@link PIECES} more have been asked for.
 */
async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces: Buffer[] = [];
  let current = 0;
  let size = 0;
  for await (const chunk of chunks) {
    for (let rest = chunk; rest.length > 0; ) {
      pieces[current] ??= allocatePages(PIECE_BYTES);
      const taken = rest.subarray(0, PIECE_BYTES - size);
      pieces[current]?.set(taken, size);
      size += taken.length;
      rest = rest.subarray(taken.length);
      if (size < PIECE_BYTES) continue;
      yield pieces[current] as Buffer;
      current = (current + 1) % PIECES;
      size = 0;
    }
  }
  if (size > 0) yield (pieces[current] as Buffer).subarray(0, size);
}

/** Writes chunks to a new file as they pass; unless they pass to their end, it is removed. */
async function* writing(chunks: AsyncIterable<Uint8Array>, path: string): AsyncGenerator<Uint8Array> {
  const file = createDirectFile(path);
  const write = (chunk: Uint8Array) =>
    file.write(chunk).catch((error: unknown) => {
      throw explainStoreError(error, 'writing a blob', path);
    });
  let written = Promise.resolve();
  let isWhole = false;
  try {
    for await (const chunk of chunks) {
      await written;
      written = write(chunk);
      // That it failed is heard when it is waited for.
      written.catch(() => {});
      yield chunk;
    }
    await written;
    isWhole = true;
  } finally {
    await written.catch(() => {});
    file.close();
    if (!isWhole) unlinkSync(path);
  }
}
