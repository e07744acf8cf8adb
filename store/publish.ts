/**
 * How an image becomes part of the store. All it consists of is made and verified aside, in `tmp`, where nobody else
 * touches it. Then, in one step as far as anybody can see, it gets its places and the image is named. Pruning holds
 * the same lock, so what was in the store already is still there when the image is named, or is put back.
 */
import { CaissonError } from '../syscalls/index.ts';
import { publishFiles, syncFile } from './atomic.ts';
import { hasBlob } from './blobs.ts';
import { withCatalog, withImage } from './catalog.ts';
import { writeLayerNotes } from './layer-notes.ts';
import { blobPath, type Store } from './layout.ts';
import type { Descriptor } from './manifest.ts';
import { addNeeds, noNeeds } from './needs.ts';
import { inParallel } from './parallel.ts';
import { publishLayers, removeLostLayers } from './publish-layers.ts';
import { dropSnapshotNames } from './snapshots/names.ts';
import { hasLayer } from './unsynced.ts';

/** What was made aside: paths in the store's `tmp`, by digest and by diffID. */
export interface Staged {
  readonly blobs: ReadonlyMap<string, string>;
  readonly layers: ReadonlyMap<string, string>;
  /** What could not be kept of layers, as sentences, by diffID. */
  readonly notes?: ReadonlyMap<string, readonly string[]>;
}

/** An image that is ready to become part of the store. */
export interface StagedImage extends Staged {
  readonly descriptor: Descriptor;
  /** Complete names. Another image that had one of them stays, without it. */
  readonly references: readonly string[];
}

/** What an image needs and is nowhere: digests of blobs and diffIDs of layers. */
export interface Missing {
  readonly blobs: readonly string[];
  readonly layers: readonly string[];
}

/** What is staged again stays, so each round but the first means that others have pruned meanwhile. */
const MAX_ROUNDS = 20;
const SYNCS_AT_A_TIME = 4;

/**
 * Puts what is staged into its places and names the image. When this fails the image is not there; what has got to
 * its place is removed by the next pruning, what has not is still the caller's to remove.
 *
 * @param restage is called, without a lock, with what is neither staged nor in the store: it was there when staging
 * began, and was pruned. It adds to the maps of `image`, or throws.
 * @throws CaissonError IMAGE_INCOMPLETE when that does not help, however often
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export async function publishImage(
  store: Store,
  image: StagedImage,
  restage: (missing: Missing) => void | Promise<void>,
): Promise<void> {
  await removeLostLayers(store);
  for (let round = 1; ; round++) {
    const { blobs, layers } = image;
    await inParallel(blobs.values(), SYNCS_AT_A_TIME, undefined, syncFile);
    const missing = await withCatalog(store, (catalog) => {
      const nowhere = missingOf(store, image);
      if (nowhere.blobs.length + nowhere.layers.length > 0) return nowhere;
      if (image.notes !== undefined) writeLayerNotes(store, image.notes);
      publishLayers(store, layers, () => {
        publishFiles([...blobs].map(([digest, path]) => [path, blobPath(store, digest)] as const));
        catalog.write(withImage(catalog.entries, image.descriptor, image.references));
      });
      dropSnapshotNames(store, (name) => image.references.includes(name));
      return undefined;
    });
    if (missing === undefined) return;
    if (round === MAX_ROUNDS) {
      const what = [...missing.blobs, ...missing.layers].join(', ');
      throw new CaissonError('IMAGE_INCOMPLETE', `image ${image.descriptor.digest} still lacks ${what}`, {
        hint: 'is somebody pruning the store again and again?',
      });
    }
    await restage(missing);
  }
}

function missingOf(store: Store, { descriptor, blobs, layers }: StagedImage): Missing {
  const needs = noNeeds();
  addNeeds(needs, store, descriptor, (digest) => blobs.get(digest) ?? blobPath(store, digest));
  const isThere = (digest: string, size: number | undefined) =>
    blobs.has(digest) || (hasBlob(store, { digest, size }) && !needs.broken.has(digest));
  return {
    blobs: [...needs.blobs].filter(([digest, size]) => !isThere(digest, size)).map(([digest]) => digest),
    layers: [...needs.layers].filter((diffId) => !layers.has(diffId) && !hasLayer(store, diffId)),
  };
}
