/** What a registry can be asked about a repository besides its images: its tags, and what refers to an image. */
import { hasCode } from '../../syscalls/index.ts';
import { asArray, asString, type JsonObject, optional, parseDocument } from '../json.ts';
import { type Descriptor, readDescriptor, readIndex } from '../manifest.ts';
import { fetchManifest } from './manifests.ts';
import { readPages } from './pages.ts';
import type { Repository } from './session.ts';

/** What refers to an image: a signature, an attestation, a bill of materials. */
export interface Referrer extends Descriptor {
  readonly artifactType?: string;
}

const PAGE = 1000;

/** The tags of a repository, as the registry sorts them; undefined when there is no such repository. */
export function fetchTags(repository: Repository): Promise<string[] | undefined> {
  return readPages(
    repository,
    `tags/list?n=${PAGE}`,
    `the list of tags of ${repository.name}`,
    ({ tags }) => optional(tags, 'tags', (value, what) => asArray(value, what, asString)) ?? [],
  );
}

/** What refers to a manifest: by the API of OCI 1.1, or where a registry has none by the tag that stands in for it. */
export async function fetchReferrers(
  repository: Repository,
  digest: string,
  artifactType: string | undefined,
): Promise<readonly Referrer[]> {
  const query = artifactType === undefined ? '' : `?artifactType=${encodeURIComponent(artifactType)}`;
  const what = `the referrers of ${repository.name}@${digest}`;
  const found =
    (await readPages(repository, `referrers/${digest}${query}`, what, readReferrers)) ??
    (await fetchFallback(repository, digest, what));
  // A registry need not filter.
  return found.filter((each) => artifactType === undefined || each.artifactType === artifactType);
}

/** The tag under which registries without referrers keep them. */
export function fallbackTag(digest: string): string {
  return digest.replace(':', '-');
}

/** Reads an index whose descriptors say what they are. */
export function readReferrers(document: JsonObject): readonly Referrer[] {
  readIndex(document);
  return asArray(document.manifests, 'manifests', (value, what) => {
    const artifactType = optional((value as JsonObject).artifactType, `${what}.artifactType`, asString);
    return { ...readDescriptor(value, what), ...(artifactType === undefined ? {} : { artifactType }) };
  });
}

async function fetchFallback(repository: Repository, digest: string, what: string): Promise<readonly Referrer[]> {
  try {
    const { bytes } = await fetchManifest(repository, fallbackTag(digest));
    return parseDocument(bytes, what, readReferrers);
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return [];
    throw error;
  }
}
