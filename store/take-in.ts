/**
 * The one way in which an image comes into the store, wherever it is from. Everything is made aside and verified
 * first: content against its digest, layers against what the configuration says of them; a layer is unpacked while it
 * comes. Then it is put into its places, and last of all the image is named; so what fails on the way leaves nothing.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CaissonError } from '../syscalls/index.ts';
import { checkDocument, checkDocumentSize, linkBlob, readChunks, writeVerified } from './blobs.ts';
import { readCatalog } from './catalog.ts';
import { findImage, readImage, type StoredImage } from './images.ts';
import { type JsonObject, parseDocument } from './json.ts';
import type { LayerLimits } from './layer/limits.ts';
import type { Store } from './layout.ts';
import {
  type Descriptor,
  findForeignType,
  type ImageDocument,
  type Platform,
  readImageDocument,
  readManifest,
} from './manifest.ts';
import { temporaryPath } from './owner.ts';
import { inParallel } from './parallel.ts';
import { selectPlatform } from './platform.ts';
import { publishImage } from './publish.ts';
import { receiveLayer } from './receive.ts';
import { removeTree } from './remove.ts';
import { countBytes, type OnProgress } from './transfer-event.ts';
import { hasLayer } from './unsynced.ts';

/** An image that is to be taken in. */
export interface IncomingImage {
  readonly manifest: Descriptor;
  /** Complete names. */
  readonly references: readonly string[];
  /** What it must be for. */
  readonly platform: Platform;
  /** What errors call it. */
  readonly name: string;
  /** @throws CaissonError BLOB_NOT_FOUND */
  open(descriptor: Descriptor, signal: AbortSignal | undefined): IncomingBlob;
}

/** The content of a blob: a file of ours that was measured, or what is still to be verified. */
export type IncomingBlob = { readonly file: string } | { readonly chunks: AsyncIterable<Uint8Array> };

/** What is made aside, for {@link publishImage}; it is noted as soon as it is there, so that it is removed. */
export interface Stage {
  /** A directory for files. */
  readonly directory: string;
  /** Files that are what their digest says. */
  readonly blobs: Map<string, string>;
  readonly layers: Map<string, string>;
  /** What could not be kept of layers, as sentences, by diffID. */
  readonly notes: Map<string, readonly string[]>;
  readonly signal: AbortSignal | undefined;
  readonly limits: LayerLimits | undefined;
  readonly onProgress: OnProgress;
}

/** As many layers come at a time. */
const LAYERS_AT_A_TIME = 3;

/** What a user may say of every way in which an image comes into the store. */
export interface StageOptions {
  /** What its layers may ask for; beyond that, LAYER_LIMIT_EXCEEDED. */
  readonly limits?: LayerLimits | undefined;
  /** Stops what is going on; nothing is left then. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** Runs `action` with a place for what is made; afterwards nothing is there. */
export async function withStage<T>(
  store: Store,
  { signal, limits, onProgress = () => {} }: StageOptions,
  action: (stage: Stage) => Promise<T>,
): Promise<T> {
  const directory = temporaryPath(store);
  const stage: Stage = { directory, blobs: new Map(), layers: new Map(), notes: new Map(), signal, limits, onProgress };
  try {
    signal?.throwIfAborted();
    mkdirSync(directory, 0o700);
    return await action(stage);
  } finally {
    // What was put into its place is here no more.
    for (const each of [directory, ...stage.layers.values()]) await removeTree(each);
  }
}

/** Takes an image in: what the store lacks of it is staged, then all of it is published under its names. */
export async function takeIn(store: Store, image: IncomingImage, stage: Stage): Promise<StoredImage> {
  const { manifest, references } = image;
  checkStoredPlatform(store, image);
  await publishImage(store, { descriptor: manifest, references, ...stage }, () => stageImage(store, image, stage));
  const found = findImage(store, manifest.digest);
  stage.onProgress({ kind: 'done', digest: manifest.digest });
  return Object.freeze({ ...found, name: references[0] ?? manifest.digest });
}

/** What is in the store already is not staged, so what it is for is looked at before it gets a name. */
function checkStoredPlatform(store: Store, { manifest, platform, name }: IncomingImage): void {
  let document: ImageDocument;
  try {
    document = readImage(store, manifest).document;
  } catch (error) {
    // It is not there, or damaged: then it is staged.
    if (error instanceof CaissonError) return;
    throw error;
  }
  selectPlatform([document], platform, name);
}

async function stageImage(store: Store, image: IncomingImage, stage: Stage): Promise<void> {
  const { digest } = image.manifest;
  const manifest = await stageDocument(store, image, image.manifest, stage, 'image manifest', readManifest);
  const foreign = findForeignType(manifest);
  if (foreign !== undefined) {
    const reason = `there is something of type '${foreign}' in it`;
    throw new CaissonError('MEDIA_TYPE_UNKNOWN', `${image.name} is no image that can be unpacked: ${reason}`);
  }
  const { config, layers } = manifest;
  const document = await stageDocument(store, image, config, stage, 'image configuration', readImageDocument);
  selectPlatform([document], image.platform, image.name);
  const pairs = pairLayers(digest, layers, document.diffIds);
  const size = pairs.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  stage.onProgress({ kind: 'resolved', digest, size, layers: pairs.length });
  const verified = verifiedPairs(store);
  const taken = new Set<string>();
  await inParallel(pairs, LAYERS_AT_A_TIME, stage.signal, async (pair, signal) => {
    // Of two blobs that are the same layer, one is unpacked.
    const isTaken = taken.has(pair.diffId);
    taken.add(pair.diffId);
    await stageLayerOf(store, image, pair, { ...stage, signal }, isTaken, verified);
  });
}

/** A layer as it is transferred and as it is unpacked. */
interface LayerPair {
  readonly descriptor: Descriptor;
  readonly diffId: string;
}

/** Each blob of the layers once, with its diffID. */
function pairLayers(digest: string, layers: readonly Descriptor[], diffIds: readonly string[]): readonly LayerPair[] {
  if (diffIds.length !== layers.length) {
    const counts = `its configuration speaks of ${diffIds.length} layers, its manifest of ${layers.length}`;
    throw new CaissonError('IMAGE_INVALID', `image ${digest} is not valid: ${counts}`);
  }
  const pairs = new Map<string, LayerPair>();
  for (const [index, descriptor] of layers.entries()) {
    const diffId = diffIds[index] as string;
    const other = pairs.get(descriptor.digest)?.diffId;
    if (other !== undefined && other !== diffId) {
      const both = `its configuration calls one layer ${other} and ${diffId}`;
      throw new CaissonError('DIFF_ID_MISMATCH', `image ${digest} is not valid: ${both}`);
    }
    pairs.set(descriptor.digest, { descriptor, diffId });
  }
  return [...pairs.values()];
}

/**
 * Stages a layer's blob, and the layer where the store lacks it. A layer that is there is compared unless an image
 * came with the same pair before: the configuration may name it and mean another.
 */
async function stageLayerOf(
  store: Store,
  image: IncomingImage,
  { descriptor, diffId }: LayerPair,
  stage: Stage,
  isTaken: boolean,
  verified: ReadonlySet<string>,
): Promise<void> {
  const { digest } = descriptor;
  const { directory, blobs, layers, notes, signal, limits, onProgress } = stage;
  const isThere = isTaken || layers.has(diffId) || hasLayer(store, diffId);
  const path = pathIn(directory, digest);
  const isLinked = !blobs.has(digest) && linkBlob(store, descriptor, path);
  if (isLinked) blobs.set(digest, path);
  if (isThere && isLinked && verified.has(`${digest} ${diffId}`)) return onProgress({ kind: 'exists', digest });

  if (!isThere) onProgress({ kind: 'unpacking', digest, diffId });
  const source = blobs.has(digest) ? { file: blobs.get(digest) as string } : image.open(descriptor, signal);
  const chunks = 'file' in source ? readChunks(source.file, signal) : reporting(source.chunks, descriptor, stage);
  const staged = await receiveLayer(
    store,
    chunks,
    { descriptor, diffId },
    { blobPath: 'file' in source ? undefined : path, isThere, limits },
  );
  blobs.set(digest, 'file' in source ? source.file : path);
  if (staged === undefined) return;
  layers.set(diffId, staged.path);
  notes.set(diffId, staged.notes);
  onProgress({ kind: 'unpacked', digest, diffId });
}

/** Which blob is which layer, as `digest diffID`: what was compared when the images of the store came. */
function verifiedPairs(store: Store): ReadonlySet<string> {
  const pairs = new Set<string>();
  for (const entry of readCatalog(store)) {
    try {
      const { manifest, document } = readImage(store, entry);
      for (const [index, { digest }] of manifest.layers.entries()) pairs.add(`${digest} ${document.diffIds[index]}`);
    } catch (error) {
      // What other tools have put there, or somebody has damaged, says nothing.
      if (!(error instanceof CaissonError)) throw error;
    }
  }
  return pairs;
}

async function stageDocument<T>(
  store: Store,
  image: IncomingImage,
  descriptor: Descriptor,
  stage: Stage,
  what: string,
  read: (document: JsonObject) => T,
): Promise<T> {
  const { digest, size } = descriptor;
  checkDocumentSize(size, `${what} ${digest}`);
  let path = stage.blobs.get(digest);
  if (path === undefined) {
    path = pathIn(stage.directory, digest);
    if (!linkBlob(store, descriptor, path)) {
      const source = image.open(descriptor, stage.signal);
      if ('file' in source) path = source.file;
      else await writeVerified(source.chunks, descriptor, path);
    }
    stage.blobs.set(digest, path);
  }
  const bytes = readFileSync(path);
  checkDocument(bytes, descriptor, what);
  return parseDocument(bytes, `${what} ${digest}`, read);
}

function reporting(chunks: AsyncIterable<Uint8Array>, { digest, size: total }: Descriptor, { onProgress }: Stage) {
  return countBytes(chunks, (bytes) => onProgress({ kind: 'receiving', digest, bytes, total }));
}

function pathIn(directory: string, digest: string): string {
  return join(directory, digest.slice('sha256:'.length));
}
