/** Pushes an image of the store to a registry. */
import { createReadStream, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { checkDocument } from './blobs.ts';
import { readCatalog, storedNameOf } from './catalog.ts';
import { findEntry } from './images.ts';
import { parseDocument } from './json.ts';
import { blobPath, type Store } from './layout.ts';
import { type Descriptor, kindOf, readIndex, readManifest } from './manifest.ts';
import { addNeeds, noNeeds } from './needs.ts';
import { inParallel } from './parallel.ts';
import { formatReference, parseReference, type Reference } from './reference.ts';
import {
  addToFallbackTag,
  endpointsOf,
  normalizeRegistryOptions,
  openRepository,
  putManifest,
  type RegistryOptions,
  type Repository,
  uploadBlob,
} from './registry/index.ts';
import { countBytes, type OnProgress } from './transfer-event.ts';

/** How to push an image. */
export interface PushImageOptions extends RegistryOptions {
  /** The name it gets at the registry. @default the one it was asked for by */
  readonly to?: string | undefined;
  /** Blobs are sent in pieces of so many bytes, for registries that take no big ones. @default in one piece */
  readonly chunkBytes?: number | undefined;
  readonly onProgress?: OnProgress | undefined;
}

/** What was pushed. */
export interface PushedImage {
  /** Its complete name at the registry. */
  readonly reference: string;
  readonly digest: string;
}

/** As many blobs go at a time. */
const BLOBS_AT_A_TIME = 3;
/** More places than this a blob is not looked for. */
const MAX_MOUNTS = 3;

/**
 * Pushes an image. What the registry has of it is not sent; what another repository of the registry has, as far as the
 * images of this store say, is mounted from there.
 *
 * @throws CaissonError IMAGE_NOT_FOUND, BLOB_NOT_FOUND, REFERENCE_INVALID, and the registry's, as `pullImage`
 */
export async function pushImage(store: Store, text: string, options: PushImageOptions = {}): Promise<PushedImage> {
  const { to = text, onProgress = () => {}, registries, ...rest } = options;
  const target = parseReference(to);
  const { entry } = findEntry(store, text);
  const [endpoint] = endpointsOf(target, registries).slice(-1);
  if (endpoint === undefined) throw new Error('there is no registry to push to; this is a bug of caisson');
  const mounts = findMounts(store, target);
  const repository = await openRepository(endpoint, {
    settings: normalizeRegistryOptions(rest),
    actions: ['pull', 'push'],
    alsoPull: [...new Set([...mounts.values()].flat())],
    onRetry: (retry) => onProgress({ kind: 'retrying', ...retry }),
  });
  try {
    const reference = formatReference(target);
    onProgress({ kind: 'resolving', reference });
    const push: Push = { store, repository, mounts, options, onProgress };
    await pushManifest(push, entry, target.digest ?? target.tag ?? 'latest');
    onProgress({ kind: 'done', digest: entry.digest });
    return { reference, digest: entry.digest };
  } finally {
    await repository.close();
  }
}

interface Push {
  readonly store: Store;
  readonly repository: Repository;
  readonly mounts: ReadonlyMap<string, readonly string[]>;
  readonly options: PushImageOptions;
  readonly onProgress: OnProgress;
}

/** A manifest goes after all it points to. */
async function pushManifest(push: Push, descriptor: Descriptor, tagOrDigest: string): Promise<void> {
  const { store, repository, options, onProgress } = push;
  const { digest, mediaType } = descriptor;
  if (tagOrDigest.startsWith('sha256:') && tagOrDigest !== digest) {
    throw new CaissonError('DIGEST_MISMATCH', `the image has digest ${digest} and cannot be pushed as ${tagOrDigest}`);
  }
  const bytes = readDocument(store, descriptor);
  if (kindOf(mediaType) === 'index') {
    const { manifests } = parseDocument(bytes, `image index ${digest}`, readIndex);
    for (const each of manifests) await pushManifest(push, each, each.digest);
  } else {
    const { config, layers } = parseDocument(bytes, `image manifest ${digest}`, readManifest);
    const blobs = new Map([config, ...layers].map((each) => [each.digest, each]));
    const size = [...blobs.values()].reduce((sum, each) => sum + each.size, 0);
    onProgress({ kind: 'resolved', digest, size, layers: layers.length });
    await inParallel(blobs.values(), BLOBS_AT_A_TIME, options.signal, (blob, signal) => pushBlob(push, blob, signal));
  }
  const { subject } = await putManifest(repository, tagOrDigest, mediaType, bytes);
  await addToFallbackTag(repository, { descriptor, bytes }, subject);
}

async function pushBlob(
  { store, repository, mounts, options, onProgress }: Push,
  descriptor: Descriptor,
  signal: AbortSignal,
) {
  const { digest, size: total } = descriptor;
  const path = blobPath(store, digest);
  const open = (start: number, end: number): Readable =>
    createReadStream(path, { start, end: end - 1, highWaterMark: 256 * 1024 });
  const tell = (bytes: number) => onProgress({ kind: 'sending', digest, bytes, total });
  const { how } = await uploadBlob(
    repository,
    {
      descriptor,
      open: (start, end) =>
        Readable.from(
          countBytes(open(start, end), (bytes) => tell(start + bytes)),
          { objectMode: false },
        ),
    },
    { mountFrom: mounts.get(digest) ?? [], chunkBytes: options.chunkBytes, signal },
  );
  if (how !== 'uploaded') onProgress({ kind: 'exists', digest });
}

/** Other repositories of the same registry in which the images of this store were, by the digests of their blobs. */
function findMounts(store: Store, { domain, path }: Reference): ReadonlyMap<string, readonly string[]> {
  const mounts = new Map<string, string[]>();
  for (const entry of readCatalog(store)) {
    const name = storedNameOf(entry);
    const reference = name === undefined ? undefined : parseReference(name);
    if (reference?.domain !== domain || reference.path === path) continue;
    const needs = noNeeds();
    addNeeds(needs, store, entry);
    for (const digest of needs.blobs.keys()) {
      const known = mounts.get(digest) ?? [];
      if (!known.includes(reference.path) && known.length < MAX_MOUNTS) mounts.set(digest, [...known, reference.path]);
    }
  }
  return mounts;
}

function readDocument(store: Store, descriptor: Descriptor): Buffer {
  const { digest } = descriptor;
  try {
    const bytes = readFileSync(blobPath(store, digest));
    checkDocument(bytes, descriptor, 'image manifest');
    return bytes;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    throw new CaissonError('BLOB_NOT_FOUND', `blob ${digest} is not in the store at '${store.root}'`, { cause: error });
  }
}
