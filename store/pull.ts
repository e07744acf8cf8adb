/** Pulls an image from a registry. */
import { CaissonError, hasCode } from '../syscalls/index.ts';
import type { StoredImage } from './images.ts';
import { parseDocument } from './json.ts';
import { explainStoreError, type Store } from './layout.ts';
import { type Descriptor, formatPlatform, kindOf, type Platform, readIndex } from './manifest.ts';
import { machinePlatform, selectPlatform } from './platform.ts';
import { formatReference, parseReference, type Reference } from './reference.ts';
import {
  downloadBlob,
  endpointsOf,
  type FetchedManifest,
  fetchManifest,
  normalizeRegistryOptions,
  openRepository,
  type RegistryOptions,
  type Repository,
} from './registry/index.ts';
import { type IncomingImage, type StageOptions, takeIn, withStage } from './take-in.ts';
import { findOrUnpackImage } from './unpack-image.ts';

/** When a registry is asked: each time, when the image is not in the store, or not at all. */
export type PullPolicy = 'always' | 'missing' | 'never';

/** How to pull an image. */
export interface PullImageOptions extends RegistryOptions, StageOptions {
  /** @default this machine's */
  readonly platform?: Platform | undefined;
  /** @default 'missing' */
  readonly policy?: PullPolicy | undefined;
}

/**
 * Pulls an image by its tag or digest. What the store has of it is neither transferred nor unpacked again.
 *
 * @throws CaissonError REFERENCE_INVALID, IMAGE_NOT_FOUND, PLATFORM_NOT_FOUND, MEDIA_TYPE_UNKNOWN, IMAGE_INVALID
 * @throws CaissonError DIGEST_MISMATCH, SIZE_MISMATCH, DIFF_ID_MISMATCH, ARCHIVE_INVALID, LAYER_INVALID, BLOB_NOT_FOUND
 * @throws CaissonError UNAUTHORIZED, FORBIDDEN, RATE_LIMITED, REGISTRY_UNAVAILABLE, REGISTRY_UNREACHABLE,
 * REGISTRY_TIMEOUT, REGISTRY_ERROR, CONNECTION_LOST, CERTIFICATE_INVALID, REDIRECT_REFUSED, TOKEN_SERVER_REFUSED,
 * CREDENTIALS_INVALID, CREDENTIALS_UNAVAILABLE
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export async function pullImage(store: Store, text: string, options: PullImageOptions = {}): Promise<StoredImage> {
  const reference = nameOfPulled(parseReference(text));
  const { platform = machinePlatform(), policy = 'missing', onProgress = () => {} } = options;
  const there = policy === 'always' ? undefined : await findPulled(store, reference, options);
  if (there !== undefined) {
    onProgress({ kind: 'exists', digest: there.digest });
    onProgress({ kind: 'done', digest: there.digest });
    return there;
  }
  if (policy === 'never') throw notInStore(store, reference, options);
  const repositories = await openAll(reference, options);
  try {
    onProgress({ kind: 'resolving', reference: formatReference(reference) });
    const image = await resolve(repositories, reference, platform);
    return await withStage(store, options, (stage) => takeIn(store, image, stage));
  } catch (error) {
    throw explainStoreError(error, `pulling '${text}'`, store.root);
  } finally {
    await Promise.all(repositories.map((each) => each.close()));
  }
}

/** An image that was asked for by its digest gets no other name: a tag beside it says nothing. */
function nameOfPulled({ domain, path, tag, digest }: Reference): Reference {
  return digest === undefined ? { domain, path, tag: tag ?? 'latest' } : { domain, path, digest };
}

async function findPulled(
  store: Store,
  reference: Reference,
  { platform, signal, limits }: PullImageOptions,
): Promise<StoredImage | undefined> {
  const name = formatReference(reference);
  try {
    const found = await findOrUnpackImage(store, name, { signal, limits });
    if (platform !== undefined) selectPlatform([found], platform, `the image '${name}'`);
    return found;
  } catch (error) {
    if (hasCode(error, 'IMAGE_NOT_FOUND', 'PLATFORM_NOT_FOUND', 'BLOB_NOT_FOUND')) return undefined;
    throw error;
  }
}

function openAll(
  reference: Reference,
  { onProgress, registries, ...options }: PullImageOptions,
): Promise<Repository[]> {
  const settings = normalizeRegistryOptions(options);
  const onRetry =
    onProgress && ((retry: { error: CaissonError; delayMs: number }) => onProgress({ kind: 'retrying', ...retry }));
  return Promise.all(
    endpointsOf(reference, registries).map((each) => openRepository(each, { settings, actions: ['pull'], onRetry })),
  );
}

/** Finds the manifest for a platform, and with it the repositories that its blobs come from. */
async function resolve(
  repositories: readonly Repository[],
  reference: Reference,
  platform: Platform,
): Promise<IncomingImage> {
  const name = formatReference(reference);
  const what = `the image '${name}'`;
  const wanted = reference.digest ?? reference.tag ?? 'latest';
  const found = await firstOf(repositories, async (repository) => {
    const manifest = await fetchManifest(repository, wanted).catch((error: unknown) => {
      throw hasCode(error, 'NOT_FOUND') ? imageNotFound(name, repository, error) : error;
    });
    return { repository, manifest: await chooseManifest(repository, manifest, platform, what) };
  });
  const { descriptor: manifest, bytes } = found.manifest;
  const sources = repositories.slice(repositories.indexOf(found.repository));
  return {
    manifest,
    references: [name],
    platform,
    name: what,
    open: (descriptor, signal) => ({
      chunks: descriptor.digest === manifest.digest ? once(bytes) : downloadFrom(sources, descriptor, signal),
    }),
  };
}

/** From an index to the manifest it has for a platform. An index in an index is no image. */
async function chooseManifest(
  repository: Repository,
  fetched: FetchedManifest,
  platform: Platform,
  what: string,
): Promise<FetchedManifest> {
  const { descriptor, bytes } = fetched;
  if (kindOf(descriptor.mediaType) === 'manifest') return fetched;
  const { manifests } = parseDocument(bytes, `image index ${descriptor.digest}`, readIndex);
  const images = manifests.filter(({ mediaType }) => kindOf(mediaType) === 'manifest');
  // Of several for one platform, the first is meant, as with Docker.
  const [chosen] = selectPlatform(images, platform, what);
  return fetchManifest(repository, (chosen as Descriptor).digest);
}

/** What the first of several says that does not fail; where all do, the last has the last word. */
async function firstOf<T>(
  repositories: readonly Repository[],
  ask: (repository: Repository) => Promise<T>,
): Promise<T> {
  const [first, ...others] = repositories;
  if (first === undefined) throw new Error('there is no registry to ask; this is a bug of caisson');
  try {
    return await ask(first);
  } catch (error) {
    if (others.length === 0 || !(error instanceof CaissonError)) throw error;
    return firstOf(others, ask);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A blob from the first that has it. */
async function* downloadFrom(
  repositories: readonly Repository[],
  descriptor: Descriptor,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (const [index, repository] of repositories.entries()) {
    let hasBegun = false;
    try {
      for await (const chunk of downloadBlob(repository, descriptor, signal)) {
        hasBegun = true;
        yield chunk;
      }
      return;
    } catch (error) {
      const isLast = index === repositories.length - 1;
      if (!isLast && !hasBegun && error instanceof CaissonError) continue;
      if (!hasCode(error, 'NOT_FOUND')) throw error;
      const reason = `${repository.name} has no blob ${descriptor.digest}, which its manifest speaks of`;
      throw new CaissonError('BLOB_NOT_FOUND', reason, { cause: error });
    }
  }
}

function notInStore({ root }: Store, reference: Reference, { platform }: PullImageOptions): CaissonError {
  const wanted = platform === undefined ? '' : ` for ${formatPlatform(platform)}`;
  return new CaissonError(
    'IMAGE_NOT_FOUND',
    `no image '${formatReference(reference)}'${wanted} in the store at '${root}'`,
    {
      hint: "the policy 'never' asks no registry for it",
    },
  );
}

function imageNotFound(name: string, repository: Repository, cause: unknown): CaissonError {
  const where = name.startsWith(`${repository.name}:`) ? '' : ` at ${repository.name}`;
  return new CaissonError('IMAGE_NOT_FOUND', `there is no image '${name}'${where}`, { cause });
}
