/** Everything an image says of itself. */
import { readBlobDocument } from './blobs.ts';
import { type ImageHistoryEntry, imageHistory } from './history.ts';
import { createdAt, findEntry, readImage, sizeOf } from './images.ts';
import { asString, type JsonObject, optional } from './json.ts';
import type { Store } from './layout.ts';
import type { ImageConfig, Platform } from './manifest.ts';

/** An image, told in full. */
export interface ImageDetails {
  /** The digest of its manifest. */
  readonly digest: string;
  readonly mediaType: string;
  readonly references: readonly string[];
  readonly platform: Platform;
  readonly created?: Date;
  readonly author?: string;
  readonly config: ImageConfig;
  /** What its content takes in the store's `blobs`, in bytes. */
  readonly size: number;
  /** Base first. */
  readonly layers: readonly ImageLayer[];
  /** The last step first. */
  readonly history: readonly ImageHistoryEntry[];
}

/** A layer as an image names it. */
export interface ImageLayer {
  /** Of the layer as it came, compressed or not. */
  readonly digest: string;
  /** Of the layer uncompressed. */
  readonly diffId: string;
  readonly mediaType: string;
  /** As it came, in bytes. */
  readonly size: number;
}

/**
 * Tells what an image is, by its documents, which are verified.
 * @throws CaissonError IMAGE_NOT_FOUND, BLOB_NOT_FOUND, IMAGE_INVALID, DIGEST_MISMATCH
 */
export function inspectImage(store: Store, reference: string): ImageDetails {
  const { entry, references } = findEntry(store, reference);
  const { manifest, document } = readImage(store, entry);
  const created = createdAt(document);
  const author = readBlobDocument(store, manifest.config, 'image configuration', readAuthor);
  return {
    digest: entry.digest,
    mediaType: entry.mediaType,
    references,
    platform: document.platform,
    ...(created === undefined ? {} : { created }),
    ...(author === undefined ? {} : { author }),
    config: document.config,
    size: sizeOf(entry, manifest),
    layers: manifest.layers.map(({ digest, mediaType, size }, index) => ({
      digest,
      diffId: document.diffIds[index] ?? '',
      mediaType,
      size,
    })),
    history: imageHistory(store, entry.digest),
  };
}

function readAuthor(document: JsonObject): string | undefined {
  return optional(document.author, 'author', asString);
}
