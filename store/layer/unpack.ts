/** From a layer as it comes to its directory in the store. */
import { mkdirSync } from 'node:fs';
import { CaissonError } from '../../syscalls/index.ts';
import { verify } from '../digest.ts';
import { ownIds } from '../ids/index.ts';
import { explainStoreError, type Store } from '../layout.ts';
import { temporaryPath } from '../owner.ts';
import { removeTree } from '../remove.ts';
import { spreadDirectories } from '../spread.ts';
import { applyLayer } from './apply.ts';
import { decompress } from './decompress.ts';
import type { LayerLimits } from './limits.ts';
import { readTar } from './read.ts';

/** A layer that is unpacked and verified, and not in the store yet. */
export interface StagedLayer {
  readonly diffId: string;
  readonly path: string;
  /** What could not be kept, as sentences. */
  readonly notes: readonly string[];
}

/**
 * Unpacks a layer, compressed or not, into a temporary directory of the store.
 *
 * @param diffId the digest of the layer uncompressed
 * @throws CaissonError DIFF_ID_MISMATCH when it is another layer; ARCHIVE_INVALID, LAYER_INVALID when it is none
 * @throws CaissonError LAYER_LIMIT_EXCEEDED, LAYER_NOT_UNPACKED
 * @throws CaissonError STORE_FULL; after any error, nothing is left
 */
export async function stageLayer(
  store: Store,
  source: AsyncIterable<Uint8Array>,
  diffId: string,
  limits?: LayerLimits,
): Promise<StagedLayer> {
  const path = temporaryPath(store);
  spreadDirectories(store);
  mkdirSync(path, 0o700);
  try {
    const entries = readTar(verifyContent(source, diffId, limits), limits);
    return { diffId, path, notes: await applyLayer(entries, path, ownIds(), limits) };
  } catch (error) {
    await removeTree(path);
    throw explainLayerError(error, diffId, path);
  }
}

/**
 * Reads a layer and compares it with its digest, uncompressed.
 * @throws CaissonError DIFF_ID_MISMATCH, ARCHIVE_INVALID
 */
export async function verifyLayer(
  source: AsyncIterable<Uint8Array>,
  diffId: string,
  limits?: LayerLimits,
): Promise<void> {
  try {
    for await (const _ of verifyContent(source, diffId, limits));
  } catch (error) {
    throw explainLayerError(error, diffId, '');
  }
}

function verifyContent(source: AsyncIterable<Uint8Array>, diffId: string, limits?: LayerLimits) {
  return verify(decompress(source, limits, 'passing'), { digest: diffId }, 'the uncompressed layer');
}

function explainLayerError(error: unknown, diffId: string, path: string): unknown {
  if (!(error instanceof CaissonError)) return explainStoreError(error, `unpacking layer ${diffId}`, path);
  if (error.code === 'DIGEST_MISMATCH') return new CaissonError('DIFF_ID_MISMATCH', error.message, { cause: error });
  return error;
}
