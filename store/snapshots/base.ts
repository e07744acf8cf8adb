/** What of an image a snapshot upon it writes down, so that it does not need the image any more. */
import { CaissonError } from '../../syscalls/index.ts';
import { readBlobDocument } from '../blobs.ts';
import { asArray, asObject, type JsonObject, optional } from '../json.ts';
import type { Store } from '../layout.ts';
import { type ImageDocument, readImageDocument, readManifest } from '../manifest.ts';
import type { SnapshotBase } from './record.ts';

/**
 * The base of snapshots of containers of an image, and what machine that is for.
 * @param digest of its manifest, which a container of it keeps in the store
 * @throws CaissonError BLOB_NOT_FOUND, IMAGE_INVALID, DIGEST_MISMATCH
 */
export function baseOfImage(store: Store, digest: string): { base: SnapshotBase } & Pick<ImageDocument, 'platform'> {
  const { config, layers } = readBlobDocument(store, { digest }, 'image manifest', readManifest);
  const { history, platform, diffIds } = readBlobDocument(store, config, 'image configuration', (document) => ({
    history: readHistory(document),
    ...readImageDocument(document),
  }));
  const packed = layers.map((descriptor, index) => {
    const diffId = diffIds[index];
    if (diffId !== undefined) return { diffId, descriptor };
    throw new CaissonError('IMAGE_INVALID', `the configuration of image ${digest} speaks of too few layers`);
  });
  return { base: { kind: 'image', layers: packed, history }, platform };
}

function readHistory(document: JsonObject): JsonObject[] {
  return optional(document.history, 'history', (value, what) => asArray(value, what, asObject)) ?? [];
}
