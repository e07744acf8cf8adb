/** From a layer as it comes to its directory in the store. */
import { mkdirSync } from 'node:fs';
import { CaissonError } from '../../syscalls/index.ts';
import { publishDirectory, syncDisk } from '../atomic.ts';
import { verify } from '../digest.ts';
import { explainStoreError, layerPath, type Store } from '../layout.ts';
import { temporaryPath } from '../owner.ts';
import { removeTree } from '../remove.ts';
import { applyLayer } from './apply.ts';
import { decompress } from './decompress.ts';
import { isPrivileged } from './opaque.ts';
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
 * @throws CaissonError STORE_FULL; after any error, nothing is left
 */
export async function stageLayer(
  store: Store,
  source: AsyncIterable<Uint8Array>,
  diffId: string,
): Promise<StagedLayer> {
  const path = temporaryPath(store);
  mkdirSync(path, 0o700);
  try {
    const content = verify(decompress(source), { digest: diffId }, 'the uncompressed layer');
    return { diffId, path, notes: await applyLayer(readTar(content), path, isPrivileged()) };
  } catch (error) {
    await removeTree(path);
    throw explainLayerError(error, diffId, path);
  }
}

/** Puts staged layers into the store, where they are once they are on the disk. Those that are there already stay. */
export async function publishLayers(store: Store, layers: readonly StagedLayer[]): Promise<void> {
  if (layers.length === 0) return;
  syncDisk(store.tmp);
  for (const { diffId, path } of layers) {
    // Another process may have unpacked the same layer: what is in it is the same.
    if (!publishDirectory(path, layerPath(store, diffId))) await removeTree(path);
  }
}

function explainLayerError(error: unknown, diffId: string, path: string): unknown {
  if (!(error instanceof CaissonError)) return explainStoreError(error, `unpacking layer ${diffId}`, path);
  if (error.code === 'DIGEST_MISMATCH') return new CaissonError('DIFF_ID_MISMATCH', error.message, { cause: error });
  return error;
}
