/** The images of the store, found by their names and ready to make containers of. */
import { existsSync, statSync } from 'node:fs';
import { CaissonError } from '../syscalls/index.ts';
import { readBlobDocument } from './blobs.ts';
import { readCatalog, referencesTo, storedNameOf } from './catalog.ts';
import { isDigest } from './digest.ts';
import { findByDigest } from './find-by-digest.ts';
import { visibleLayers } from './layer/opaque.ts';
import { readLayerNotes } from './layer-notes.ts';
import { blobPath, layerPath, type Store } from './layout.ts';
import {
  type Descriptor,
  type ImageConfig,
  type ImageDocument,
  type ImageManifest,
  MEDIA_TYPES,
  type Platform,
  readImageDocument,
  readManifest,
} from './manifest.ts';
import { formatReference, parseReference } from './reference.ts';
import { isWholeLayer } from './unsynced.ts';

/** An image of the store, ready to make containers of. Frozen, and nobody else's object. */
export interface StoredImage {
  /** What it was asked for by: one of its names, or its digest. */
  readonly name: string;
  /** The digest of its manifest. */
  readonly digest: string;
  /** Its complete names: `docker.io/library/alpine:latest`. */
  readonly references: readonly string[];
  readonly platform: Platform;
  readonly config: ImageConfig;
  /** Absolute paths of its unpacked layers, base first: overlay's lower directories, in reverse. */
  readonly layers: readonly string[];
  /** What could not be kept when its layers were unpacked, as sentences: other owners and devices, where not root. */
  readonly notes: readonly string[];
}

/** An image as a list shows it. What its documents say is missing where they are damaged. */
export interface ImageSummary {
  /** The digest of its manifest. */
  readonly digest: string;
  /** Its complete names; none of an image that lost them to others. */
  readonly references: readonly string[];
  /** What its content takes in the store's `blobs`, in bytes: its layers as they came, compressed or not. */
  readonly size?: number;
  /** When it was made; missing also where it does not say. */
  readonly created?: Date;
  readonly platform?: Platform;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Finds an image by its name, as Docker reads names, or by its digest or the beginning of that.
 *
 * @throws CaissonError IMAGE_NOT_FOUND, with the names there are; IMAGE_AMBIGUOUS, with what it may be
 * @throws CaissonError REFERENCE_INVALID when it is not a name
 * @throws CaissonError LAYER_NOT_FOUND when a layer of it is not unpacked: see `unpackImage`
 */
export function findImage(store: Store, reference: string): StoredImage {
  const { entry, references, name } = findEntry(store, reference);
  const { digest } = entry;
  const { platform, config, diffIds } = readImage(store, entry).document;
  const layers = diffIds.map((diffId) => {
    const path = layerPath(store, diffId);
    if (isWholeLayer(store, path)) return path;
    throw new CaissonError(
      'LAYER_NOT_FOUND',
      `layer ${diffId} of image ${digest} is not in the store at '${store.root}'`,
      { hint: 'load or pull the image again' },
    );
  });
  return Object.freeze({
    name,
    digest,
    references: Object.freeze(references),
    platform,
    config,
    layers: visibleLayers(layers),
    notes: Object.freeze(notesOf(store, diffIds)),
  });
}

/** The images there are, in the order in which they came. */
export function listImages(store: Store): readonly ImageSummary[] {
  // A store is not made to be listed.
  const isThere = statSync(store.index, { throwIfNoEntry: false }) !== undefined;
  const entries = isThere ? readCatalog(store) : [];
  const images = new Map(entries.map((entry) => [entry.digest, entry]));
  return [...images.values()].map((entry) => ({
    digest: entry.digest,
    references: referencesTo(entries, entry.digest),
    ...summarize(store, entry),
  }));
}

/** An entry of the index, and all the names of its image. */
export interface FoundEntry {
  readonly entry: Descriptor;
  readonly references: readonly string[];
  /** What it was asked for by: one of these, or its digest. */
  readonly name: string;
}

/**
 * Finds the entry of an image by its name or, where nothing is called so, by its digest; its content is not looked at.
 * @throws CaissonError IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, REFERENCE_INVALID
 */
export function findEntry(store: Store, reference: string, entries = readCatalog(store)): FoundEntry {
  const wanted = isDigest(reference) ? reference : formatReference(parseReference(reference));
  const at = wanted.indexOf('@');
  const digest = isDigest(wanted) ? wanted : at === -1 ? undefined : wanted.slice(at + 1);
  // What was pulled by the digest of an index has that in its name, and another digest itself.
  const named = entries.find((each) => each.digest === digest || storedNameOf(each) === wanted);
  const entry = named ?? findByDigest(store, reference, entries);
  if (entry === undefined) throw imageNotFound(store, wanted, entries);
  const references = referencesTo(entries, entry.digest);
  return { entry, references, name: references.includes(wanted) ? wanted : entry.digest };
}

/** The two documents of an image. */
export interface ImageDocuments {
  readonly manifest: ImageManifest;
  readonly document: ImageDocument;
}

/**
 * Reads what an image says of itself, verified.
 * @throws CaissonError BLOB_NOT_FOUND, IMAGE_INVALID, DIGEST_MISMATCH
 */
export function readImage(store: Store, entry: Descriptor): ImageDocuments {
  const manifest = readBlobDocument(store, entry, 'image manifest', readManifest);
  return { manifest, document: readBlobDocument(store, manifest.config, 'image configuration', readImageDocument) };
}

/**
 * Reads what containers of an image run by default, also of one that has lost its entry in the index.
 * @param digest of its manifest
 * @throws as {@link readImage}
 */
export function readImageConfig(store: Store, digest: string): ImageConfig {
  return readImage(store, { mediaType: MEDIA_TYPES.manifest, digest, size: statSync(blobPath(store, digest)).size })
    .document.config;
}

/** What the documents of an image and its layers take, each once. */
export function sizeOf(entry: Descriptor, { config, layers }: ImageManifest): number {
  const sizes = new Map([entry, config, ...layers].map(({ digest, size }) => [digest, size]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** When an image was made, where it says so and it is a time. */
export function createdAt({ created }: ImageDocument): Date | undefined {
  const date = new Date(created ?? '');
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function notesOf(store: Store, diffIds: readonly string[]): string[] {
  if (!existsSync(store.notes)) return [];
  return diffIds.flatMap((diffId) =>
    readLayerNotes(store, diffId).map((note) => `layer ${diffId.slice(0, 'sha256:'.length + 12)}: ${note}`),
  );
}

function summarize(store: Store, entry: Descriptor): Omit<ImageSummary, 'digest' | 'references'> {
  try {
    const { manifest, document } = readImage(store, entry);
    const created = createdAt(document);
    const size = sizeOf(entry, manifest);
    const { platform, config } = document;
    return {
      size,
      ...(created === undefined ? {} : { created }),
      platform,
      ...(config.Labels === undefined ? {} : { labels: config.Labels }),
    };
  } catch (error) {
    // A damaged image must not hide the others.
    if (error instanceof CaissonError) return {};
    throw error;
  }
}

function imageNotFound(store: Store, wanted: string, entries: readonly Descriptor[]): CaissonError {
  const names = entries.map((each) => storedNameOf(each) ?? each.digest);
  const there = names.length === 0 ? 'it has no images' : `it has '${names.slice(0, 20).join("', '")}'`;
  return new CaissonError('IMAGE_NOT_FOUND', `no image '${wanted}' in the store at '${store.root}': ${there}`);
}
