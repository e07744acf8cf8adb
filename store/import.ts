/** Makes an image of a root file system: of what `docker export` wrote, or tar of a directory. */
import { basename } from 'node:path';
import { readChunks } from './blobs.ts';
import { creationTime } from './creation-time.ts';
import { formatManifest, stageDocument } from './documents.ts';
import { findImage, type StoredImage } from './images.ts';
import { decompress } from './layer/decompress.ts';
import { fillHoles } from './layer/holes.ts';
import type { LayerLimits } from './layer/limits.ts';
import { stagePackedLayer } from './layer/pack.ts';
import { readTar, type TarEntry } from './layer/read.ts';
import { stageLayer } from './layer/unpack.ts';
import type { OutgoingEntry } from './layer/write.ts';
import { explainStoreError, type Store } from './layout.ts';
import { type ImageConfig, MEDIA_TYPES, type Platform } from './manifest.ts';
import { machinePlatform } from './platform.ts';
import { publishImage } from './publish.ts';
import { removeTree } from './remove.ts';
import { newName } from './tag.ts';

/** What the image is to be, besides its files. */
export interface ImportImageOptions {
  /** The name the image gets. */
  readonly reference?: string | undefined;
  /** How its containers run: the archive says nothing of it. */
  readonly config?: ImageConfig | undefined;
  /** @default this machine's */
  readonly platform?: Platform | undefined;
  /** What its history says. @default where it came from */
  readonly message?: string | undefined;
  readonly author?: string | undefined;
  /** @default now, or the environment's SOURCE_DATE_EPOCH */
  readonly created?: Date | undefined;
  /** What the archive may ask for; beyond that, LAYER_LIMIT_EXCEEDED. */
  readonly limits?: LayerLimits | undefined;
  /** Stops importing; nothing is left then. */
  readonly signal?: AbortSignal | undefined;
}

/** An image that was imported, and what of it could not be kept. */
export interface ImportedImage extends StoredImage {
  /** What unpacking left out, as sentences: other owners and devices, where not root. */
  readonly notes: readonly string[];
}

/**
 * Makes an image of one layer from an archive of a root file system, compressed or not. Owners, modes, times,
 * attributes, devices and hard links are kept; the archive is written anew, so what only some programs read is gone.
 *
 * @param source the path of an archive, or what is in one
 * @throws CaissonError ARCHIVE_INVALID, LAYER_INVALID, REFERENCE_INVALID
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE; after any error, nothing is left
 */
export async function importImage(
  store: Store,
  source: string | AsyncIterable<Uint8Array>,
  options: ImportImageOptions = {},
): Promise<ImportedImage> {
  const references = options.reference === undefined ? [] : [newName(options.reference)];
  const blobs = new Map<string, string>();
  const layers = new Map<string, string>();
  const notes: string[] = [];
  try {
    const archive = typeof source === 'string' ? readChunks(source, options.signal) : source;
    const { limits, signal } = options;
    const entries = outgoing(readTar(decompress(archive, limits), limits));
    const packed = await stagePackedLayer(store, entries, { signal });
    blobs.set(packed.descriptor.digest, packed.path);
    const from = typeof source === 'string' ? basename(source) : '-';
    const document = composeConfiguration(packed.diffId, `Imported from ${from}`, options);
    const stageDocuments = () => {
      const config = stageDocument(store, blobs, MEDIA_TYPES.config, document);
      return stageDocument(store, blobs, MEDIA_TYPES.manifest, formatManifest(config, [packed.descriptor]));
    };
    const descriptor = stageDocuments();
    await publishImage(store, { descriptor, references, blobs, layers }, async (missing) => {
      stageDocuments();
      if (missing.layers.length === 0) return;
      const staged = await stageLayer(store, readChunks(packed.path, signal), packed.diffId, limits);
      layers.set(packed.diffId, staged.path);
      notes.push(...staged.notes);
    });
    return Object.freeze({ ...findImage(store, descriptor.digest), notes });
  } catch (error) {
    throw explainStoreError(error, 'importing an image', store.root);
  } finally {
    for (const path of [...blobs.values(), ...layers.values()]) await removeTree(path);
  }
}

function composeConfiguration(diffId: string, from: string, options: ImportImageOptions): object {
  const { platform = machinePlatform(), config = {}, message = from, author } = options;
  const created = (options.created ?? creationTime()).toISOString();
  return {
    created,
    ...(author === undefined ? {} : { author }),
    ...platform,
    config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created, ...(author === undefined ? {} : { author }), created_by: 'caisson import', comment: message }],
  };
}

async function* outgoing(entries: AsyncIterable<TarEntry>): AsyncGenerator<OutgoingEntry> {
  for await (const entry of entries) yield { ...entry, content: () => fillHoles(entry.content(), entry.size) };
}
