/** What can be done with an image at a registry without having it: see its tags and referrers, delete it. */
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { parseReference, type Reference } from '../reference.ts';
import { endpointsOf } from './endpoints.ts';
import { fetchReferrers, fetchTags, type Referrer } from './listings.ts';
import { headManifest } from './manifests.ts';
import { normalizeRegistryOptions, type RegistryOptions } from './options.ts';
import { openRepository, type Repository } from './session.ts';

/**
 * The tags of a repository: `debian`, `localhost:5000/me/app`.
 * @throws CaissonError IMAGE_NOT_FOUND when there is no such repository, and the registry's, as `pullImage`
 */
export function listRemoteTags(name: string, options: RegistryOptions = {}): Promise<readonly string[]> {
  return withRepository(name, options, ['pull'], async (repository) => {
    const tags = await fetchTags(repository);
    if (tags === undefined) throw new CaissonError('IMAGE_NOT_FOUND', `there is no repository ${repository.name}`);
    return tags;
  });
}

/**
 * What refers to an image at a registry: signatures, attestations.
 * @throws CaissonError IMAGE_NOT_FOUND, and the registry's, as `pullImage`
 */
export function listReferrers(
  name: string,
  { artifactType, ...options }: RegistryOptions & { readonly artifactType?: string | undefined } = {},
): Promise<readonly Referrer[]> {
  return withRepository(name, options, ['pull'], async (repository, reference) => {
    const digest = reference.digest ?? (await digestOfTag(repository, reference.tag ?? 'latest'));
    return fetchReferrers(repository, digest, artifactType);
  });
}

/**
 * Deletes a tag, or by its digest an image with all its tags, at a registry.
 *
 * @throws CaissonError IMAGE_NOT_FOUND
 * @throws CaissonError UNSUPPORTED where the registry deletes nothing, or no tags alone
 */
export function deleteRemoteImage(name: string, options: RegistryOptions = {}): Promise<void> {
  return withRepository(name, options, ['pull', 'push', 'delete'], async (repository, { tag, digest }) => {
    const tagOrDigest = digest ?? tag ?? 'latest';
    const path = `manifests/${tagOrDigest}`;
    const response = await repository.request({ method: 'DELETE', path, expect: [202, 200, 204, 400, 404, 405] });
    await response.body.dump();
    if (response.status < 300) return;
    if (response.status === 404) throw notFound(repository, tagOrDigest);
    const known = digest === undefined ? await headManifest(repository, tagOrDigest) : undefined;
    if (digest === undefined && known === undefined) throw notFound(repository, tagOrDigest);
    const hint = known?.digest && `the image and all its tags are deleted by '${repository.name}@${known.digest}'`;
    const what = digest === undefined ? `the tag '${tagOrDigest}' alone` : `image ${digest}`;
    throw new CaissonError('UNSUPPORTED', `${repository.name} does not delete ${what} (HTTP ${response.status})`, {
      hint,
    });
  });
}

async function withRepository<T>(
  name: string,
  { registries, ...options }: RegistryOptions,
  actions: readonly string[],
  action: (repository: Repository, reference: Reference) => Promise<T>,
): Promise<T> {
  const reference = parseReference(name);
  const endpoint = endpointsOf(reference, registries).at(-1);
  if (endpoint === undefined) throw new Error('there is no registry to ask; this is a bug of caisson');
  const repository = await openRepository(endpoint, { settings: normalizeRegistryOptions(options), actions });
  try {
    return await action(repository, reference);
  } finally {
    await repository.close();
  }
}

async function digestOfTag(repository: Repository, tag: string): Promise<string> {
  const found = await headManifest(repository, tag).catch((error: unknown) => {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  });
  if (found?.digest !== undefined) return found.digest;
  throw notFound(repository, tag);
}

function notFound(repository: Repository, tagOrDigest: string): CaissonError {
  return new CaissonError('IMAGE_NOT_FOUND', `there is no image '${tagOrDigest}' at ${repository.name}`);
}
