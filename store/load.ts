/**
 * Takes an image into the store. Everything is made aside and verified first: content against its digest, layers
 * against what the configuration says of them. Then it is put into its places, and last of all the image is named;
 * so what fails on the way leaves nothing.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { publishFile, syncDisk } from './atomic.ts';
import { checkDocument, checkDocumentSize, hasBlob, readChunks, writeVerified } from './blobs.ts';
import { measure } from './digest.ts';
import { chooseFromDockerArchive, describeManifest } from './docker-archive.ts';
import { findImage, listImages, recordImage, type StoredImage } from './images.ts';
import { type JsonObject, parseDocument } from './json.ts';
import { hasLayer, publishLayers, type StagedLayer, stageLayer, verifyLayer } from './layer/unpack.ts';
import { blobPath, explainStoreError, type Store } from './layout.ts';
import { type Descriptor, type Platform, readImageDocument, readManifest } from './manifest.ts';
import { blobName, blobNotFound, chooseFromLayout, type Wanted } from './oci-layout.ts';
import { temporaryPath } from './owner.ts';
import { machinePlatform } from './platform.ts';
import { formatReference, parseReference } from './reference.ts';
import { removeTree } from './remove.ts';
import { type ImageSource, openSource, type SourceFile } from './source.ts';

/** How to load an image. */
export interface LoadImageOptions {
  /** The name the image gets, instead of those it comes with; where there are several images, which one it is. */
  readonly reference?: string | undefined;
  /** @default this machine's */
  readonly platform?: Platform | undefined;
  /** Stops loading; nothing is left then. */
  readonly signal?: AbortSignal | undefined;
}

/** An image that was loaded, and what of it could not be kept. */
export interface LoadedImage extends StoredImage {
  /** What unpacking its layers left out this time, as sentences: other owners and devices, where not root. */
  readonly notes: readonly string[];
}

/** What is to be taken in: the files, by digest, of one image. */
interface Incoming {
  readonly manifest: Descriptor;
  readonly references: readonly string[];
  find(digest: string): SourceFile | undefined;
}

/** A blob that is on this disk and is what its digest says. */
interface StagedBlob {
  readonly digest: string;
  readonly path: string;
}

/**
 * Loads an image from an OCI image layout (a directory, or a tar archive of one) or from what `docker save` wrote,
 * compressed or not. To load an image that is there already reads its archive, and changes at most its names.
 *
 * @throws CaissonError IMAGE_NOT_FOUND, IMAGE_INVALID, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND
 * @throws CaissonError ARCHIVE_INVALID, LAYER_INVALID, BLOB_NOT_FOUND, DIGEST_MISMATCH, SIZE_MISMATCH, DIFF_ID_MISMATCH
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export async function loadImage(store: Store, path: string, options: LoadImageOptions = {}): Promise<LoadedImage> {
  const wanted = describeWanted(options);
  const staging = temporaryPath(store);
  const layers: StagedLayer[] = [];
  try {
    mkdirSync(staging, 0o700);
    const source = await openSource(store, path, join(staging, 'members'), options.signal);
    const image = (await chooseOci(source, wanted)) ?? (await chooseDocker(source, wanted, staging));
    if (image === undefined) {
      throw new CaissonError('IMAGE_INVALID', `${source.name} is neither an OCI image layout nor made by docker save`);
    }
    if (!isComplete(store, image.manifest.digest)) await takeIn(store, source, image, { staging, layers, ...options });
    await recordImage(
      store,
      image.manifest,
      wanted.reference === undefined ? image.references : [wanted.reference.complete],
    );
    const notes = layers.flatMap(({ diffId, notes }) => notes.map((note) => `layer ${diffId.slice(0, 19)}: ${note}`));
    return Object.freeze({ ...findImage(store, image.manifest.digest), notes });
  } catch (error) {
    // What cannot be read of the image itself names its own path.
    const isElsewhere = error instanceof Error && 'path' in error && !String(error.path).startsWith(store.root);
    throw isElsewhere ? error : explainStoreError(error, `loading the image at '${path}'`, store.root);
  } finally {
    // What was put into its place is here no more.
    for (const each of [staging, ...layers.map((layer) => layer.path)]) await removeTree(each);
  }
}

function describeWanted({ reference, platform = machinePlatform() }: LoadImageOptions): Wanted {
  if (reference === undefined) return { platform };
  const parsed = parseReference(reference);
  if (parsed.digest !== undefined) {
    throw new CaissonError('REFERENCE_INVALID', `an image cannot be given a digest as its name: '${reference}'`);
  }
  return { platform, reference: { text: reference, complete: formatReference(parsed) } };
}

async function chooseOci(source: ImageSource, wanted: Wanted): Promise<Incoming | undefined> {
  const chosen = chooseFromLayout(source, wanted);
  return chosen && { ...chosen, find: (digest) => source.find(blobName(digest)) };
}

async function chooseDocker(source: ImageSource, wanted: Wanted, staging: string): Promise<Incoming | undefined> {
  const chosen = await chooseFromDockerArchive(source, wanted, digestOfFile);
  if (chosen === undefined) return undefined;
  const manifest = describeManifest(chosen.manifest);
  const path = join(staging, 'manifest');
  writeFileSync(path, chosen.manifest, { mode: 0o400 });
  const files = new Map([...chosen.blobs, [manifest.digest, { path, size: manifest.size, digest: manifest.digest }]]);
  return { manifest, references: chosen.references, find: (digest) => files.get(digest) };
}

async function digestOfFile({ path }: SourceFile): Promise<string> {
  const { chunks, result } = measure(readChunks(path));
  for await (const _ of chunks);
  return result().digest;
}

function isComplete(store: Store, digest: string): boolean {
  if (!listImages(store).some((image) => image.digest === digest)) return false;
  try {
    return findImage(store, digest).digest === digest;
  } catch (error) {
    if (hasCode(error, 'LAYER_NOT_FOUND', 'BLOB_NOT_FOUND')) return false;
    throw error;
  }
}

interface Stage {
  readonly staging: string;
  /** Where layers are noted as soon as they are made, so that they are removed if the rest fails. */
  readonly layers: StagedLayer[];
  readonly signal?: AbortSignal | undefined;
}

async function takeIn(store: Store, source: ImageSource, { manifest, find }: Incoming, stage: Stage): Promise<void> {
  const blobs = new Map<string, StagedBlob>();
  const take = async (descriptor: Descriptor): Promise<StagedBlob> => {
    const taken = blobs.get(descriptor.digest) ?? (await stageBlob(store, source, descriptor, find, stage));
    blobs.set(descriptor.digest, taken);
    return taken;
  };
  const { config, layers } = readStaged(await take(manifest), manifest, 'image manifest', readManifest);
  const { diffIds } = readStaged(await take(config), config, 'image configuration', readImageDocument);
  if (diffIds.length !== layers.length) {
    const counts = `its configuration speaks of ${diffIds.length} layers, its manifest of ${layers.length}`;
    throw new CaissonError('IMAGE_INVALID', `image ${manifest.digest} is not valid: ${counts}`);
  }
  for (const [index, layer] of layers.entries()) {
    await takeLayer(store, await take(layer), diffIds[index] as string, stage);
  }
  syncDisk(store.tmp);
  publishLayers(store, stage.layers);
  for (const { digest, path } of blobs.values()) {
    if (path !== blobPath(store, digest)) publishFile(path, blobPath(store, digest));
  }
}

/** What came with an archive is measured and ours; what lies in a directory is somebody else's, and is copied. */
async function stageBlob(
  store: Store,
  source: ImageSource,
  descriptor: Descriptor,
  find: Incoming['find'],
  { staging, signal }: Stage,
): Promise<StagedBlob> {
  const { digest, size } = descriptor;
  if (hasBlob(store, descriptor)) return { digest, path: blobPath(store, digest) };
  const file = find(digest);
  if (file === undefined) throw blobNotFound(source, digest);
  if (file.digest === digest && file.size === size) return { digest, path: file.path };
  const path = join(staging, digest.slice('sha256:'.length));
  await writeVerified(readChunks(file.path, signal), descriptor, path);
  return { digest, path };
}

/** A layer that is there is still compared: the configuration may name it and mean another. */
async function takeLayer(store: Store, { path }: StagedBlob, diffId: string, { layers, signal }: Stage): Promise<void> {
  if (layers.some((layer) => layer.diffId === diffId)) return verifyLayer(readChunks(path, signal), diffId);
  if (hasLayer(store, diffId)) return verifyLayer(readChunks(path, signal), diffId);
  layers.push(await stageLayer(store, readChunks(path, signal), diffId));
}

function readStaged<T>(blob: StagedBlob, descriptor: Descriptor, what: string, read: (document: JsonObject) => T): T {
  checkDocumentSize(descriptor.size, `${what} ${descriptor.digest}`);
  const bytes = readFileSync(blob.path);
  checkDocument(bytes, descriptor, what);
  return parseDocument(bytes, `${what} ${descriptor.digest}`, read);
}
