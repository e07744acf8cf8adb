/**
 * The images of the store. `index.json` says which there are: one descriptor per name, and one without a name for an
 * image that has none. A descriptor is only there when all the image consists of is.
 */
import { lstatSync, readFileSync } from 'node:fs';
import { CaissonError } from '../syscalls/index.ts';
import { writeFileAtomically } from './atomic.ts';
import { readBlobDocument } from './blobs.ts';
import { isDigest } from './digest.ts';
import { parseDocument } from './json.ts';
import { visibleLayers } from './layer/opaque.ts';
import { layerPath, type Store } from './layout.ts';
import { withLock } from './lock.ts';
import {
  type Descriptor,
  type ImageConfig,
  MEDIA_TYPES,
  type Platform,
  readImageDocument,
  readIndex,
  readManifest,
} from './manifest.ts';
import { temporaryPath } from './owner.ts';
import { formatReference, parseReference } from './reference.ts';

/** The annotations that hold an image's name: OCI's, which skopeo and umoci select by, and containerd's. */
export const NAME_ANNOTATIONS = ['org.opencontainers.image.ref.name', 'io.containerd.image.name'] as const;

/** An image of the store, ready to make containers of. Frozen, and nobody else's object. */
export interface StoredImage {
  /** The digest of its manifest. */
  readonly digest: string;
  /** Its complete names: `docker.io/library/alpine:latest`. */
  readonly references: readonly string[];
  readonly platform: Platform;
  readonly config: ImageConfig;
  /** Absolute paths of its unpacked layers, base first: overlay's lower directories, in reverse. */
  readonly layers: readonly string[];
}

/** An image as a list shows it. */
export interface ImageSummary {
  readonly digest: string;
  readonly references: readonly string[];
}

/**
 * Finds an image by its name, as Docker reads names, or by its digest.
 *
 * @throws CaissonError IMAGE_NOT_FOUND, with the names there are
 * @throws CaissonError REFERENCE_INVALID when it is not a name
 */
export function findImage(store: Store, reference: string): StoredImage {
  const descriptors = readStoreIndex(store);
  const wanted = isDigest(reference) ? reference : formatReference(parseReference(reference));
  const at = wanted.indexOf('@');
  const digest = isDigest(wanted) ? wanted : at === -1 ? undefined : wanted.slice(at + 1);
  const found = descriptors.find((each) => (digest === undefined ? nameOf(each) === wanted : each.digest === digest));
  if (found === undefined) throw imageNotFound(store, wanted, descriptors);
  return openImage(store, found, referencesTo(descriptors, found.digest));
}

/** The images there are, in the order in which they came. */
export function listImages(store: Store): readonly ImageSummary[] {
  const descriptors = readStoreIndex(store);
  const digests = [...new Set(descriptors.map(({ digest }) => digest))];
  return digests.map((digest) => ({ digest, references: referencesTo(descriptors, digest) }));
}

/**
 * Adds an image to the index, under a name if it has one. An image that had the name stays, without it.
 * All it consists of must be in the store.
 */
export async function recordImage(store: Store, image: Descriptor, references: readonly string[]): Promise<void> {
  await withLock(`${store.locks}/index.lock`, () => {
    const before = readStoreIndex(store);
    const losing = before.filter((each) => references.includes(nameOf(each) ?? ''));
    const kept = before.filter((each) => !losing.includes(each));
    const named = references.map((name) => withName(image, name));
    const after = [...kept, ...named];
    for (const each of [...losing, image]) {
      if (!after.some(({ digest }) => digest === each.digest)) after.push(withoutName(each));
    }
    // Once an image has a name, its entry without one is in the way.
    const isNamed = (digest: string) => after.some((each) => each.digest === digest && nameOf(each) !== undefined);
    const manifests = after.filter((each) => nameOf(each) !== undefined || !isNamed(each.digest));
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests };
    writeFileAtomically(temporaryPath(store), store.index, JSON.stringify(index));
  });
}

/** The complete name an entry of an index has; undefined where it has none, or only a tag. */
export function nameOf({ annotations = {} }: Descriptor): string | undefined {
  const [refName, imageName] = NAME_ANNOTATIONS.map((key) => annotations[key]);
  const name = imageName ?? (refName !== undefined && /[/:]/.test(refName) ? refName : undefined);
  if (name === undefined) return undefined;
  try {
    return formatReference(parseReference(name));
  } catch (error) {
    // Other tools name images as they like; such a name is none here.
    if (error instanceof CaissonError) return undefined;
    throw error;
  }
}

function openImage(store: Store, descriptor: Descriptor, references: readonly string[]): StoredImage {
  const { digest } = descriptor;
  const manifest = readBlobDocument(store, descriptor, 'image manifest', readManifest);
  const { platform, config, diffIds } = readBlobDocument(
    store,
    manifest.config,
    'image configuration',
    readImageDocument,
  );
  const layers = diffIds.map((diffId) => {
    const path = layerPath(store, diffId);
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return path;
    throw new CaissonError(
      'LAYER_NOT_FOUND',
      `layer ${diffId} of image ${digest} is not in the store at '${store.root}'`,
      {
        hint: 'load or pull the image again',
      },
    );
  });
  return Object.freeze({
    digest,
    references: Object.freeze(references),
    platform,
    config,
    layers: visibleLayers(layers),
  });
}

function readStoreIndex(store: Store): readonly Descriptor[] {
  return parseDocument(readFileSync(store.index), `'${store.index}'`, readIndex).manifests;
}

function referencesTo(descriptors: readonly Descriptor[], digest: string): string[] {
  const names = descriptors.filter((each) => each.digest === digest).map(nameOf);
  return names.filter((name) => name !== undefined);
}

function withName(descriptor: Descriptor, name: string): Descriptor {
  const { annotations } = withoutName(descriptor);
  return {
    ...descriptor,
    annotations: { ...annotations, ...Object.fromEntries(NAME_ANNOTATIONS.map((key) => [key, name])) },
  };
}

function withoutName({ annotations = {}, ...descriptor }: Descriptor): Descriptor {
  const others = Object.entries(annotations).filter(([key]) => !(NAME_ANNOTATIONS as readonly string[]).includes(key));
  return others.length === 0 ? descriptor : { ...descriptor, annotations: Object.fromEntries(others) };
}

function imageNotFound(store: Store, wanted: string, descriptors: readonly Descriptor[]): CaissonError {
  const names = descriptors.map((each) => nameOf(each) ?? each.digest);
  const there = names.length === 0 ? 'it has no images' : `it has '${names.slice(0, 20).join("', '")}'`;
  return new CaissonError('IMAGE_NOT_FOUND', `no image '${wanted}' in the store at '${store.root}': ${there}`);
}
