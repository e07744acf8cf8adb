/** Unpacks images whose blobs are in the store and whose layers are not: other tools copy such images into it. */
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { findEntry, findImage, readImage, type StoredImage } from './images.ts';
import type { Store } from './layout.ts';
import { type StageOptions, takeIn, withStage } from './take-in.ts';

/**
 * Finds an image and unpacks what of it is not unpacked, verified: it was put there by another tool (`skopeo copy …
 * oci:STORE:name`), or somebody removed a layer's directory.
 *
 * @throws CaissonError IMAGE_NOT_FOUND, BLOB_NOT_FOUND, DIGEST_MISMATCH, DIFF_ID_MISMATCH, LAYER_INVALID
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export async function unpackImage(store: Store, reference: string, options: StageOptions = {}): Promise<StoredImage> {
  const { entry, name } = findEntry(store, reference);
  const image = {
    manifest: entry,
    references: [],
    platform: readImage(store, entry).document.platform,
    name: `image '${reference}'`,
    open({ digest }: { readonly digest: string }): never {
      throw new CaissonError('BLOB_NOT_FOUND', `blob ${digest} of image '${reference}' is not in the store`, {
        hint: 'load or pull the image again',
      });
    },
  };
  const unpacked = await withStage(store, options, (stage) => takeIn(store, image, stage));
  return Object.freeze({ ...unpacked, name });
}

/**
 * Finds an image, and unpacks it only where a layer is missing.
 * @throws CaissonError as {@link unpackImage}
 */
export async function findOrUnpackImage(
  store: Store,
  reference: string,
  options: StageOptions = {},
): Promise<StoredImage> {
  try {
    return findImage(store, reference);
  } catch (error) {
    if (!hasCode(error, 'LAYER_NOT_FOUND')) throw error;
    return unpackImage(store, reference, options);
  }
}
