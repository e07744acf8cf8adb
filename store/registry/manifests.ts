/** Manifests and indexes of a repository: what a tag or a digest leads to. */
import { CaissonError } from '../../syscalls/index.ts';
import { checkDocument, MAX_DOCUMENT_BYTES } from '../blobs.ts';
import { digestOf, isDigest } from '../digest.ts';
import { parseDocument } from '../json.ts';
import { type Descriptor, kindOf, MEDIA_TYPES, mediaTypeOf } from '../manifest.ts';
import { headerOf, readBody } from './http.ts';
import type { Repository } from './session.ts';

/** A manifest or an index as a registry gave it, verified. */
export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

const ACCEPTED = [MEDIA_TYPES.index, MEDIA_TYPES.dockerList, MEDIA_TYPES.manifest, MEDIA_TYPES.dockerManifest];
const ACCEPT = { accept: ACCEPTED.join(', ') };

/**
 * Gets what a tag or a digest leads to.
 *
 * @throws CaissonError NOT_FOUND, MEDIA_TYPE_UNKNOWN, DIGEST_MISMATCH, IMAGE_INVALID
 */
export async function fetchManifest(repository: Repository, tagOrDigest: string): Promise<FetchedManifest> {
  const what = `manifest ${tagOrDigest} of ${repository.name}`;
  const response = await repository.request({ method: 'GET', path: `manifests/${tagOrDigest}`, headers: ACCEPT });
  const bytes = await readBody(response);
  if (bytes === undefined) {
    throw new CaissonError('IMAGE_INVALID', `${what} has more than the ${MAX_DOCUMENT_BYTES} bytes of a document`);
  }
  const said = headerOf(response, 'docker-content-digest');
  // What was asked for by digest must have that; by tag, what the registry itself says it has.
  const expected = isDigest(tagOrDigest) ? tagOrDigest : said !== undefined && isDigest(said) ? said : digestOf(bytes);
  checkDocument(bytes, { digest: expected }, what);
  const contentType = headerOf(response, 'content-type')?.split(';')[0]?.trim().toLowerCase();
  const mediaType = parseDocument(bytes, what, mediaTypeOf) ?? contentType ?? '';
  checkMediaType(mediaType, contentType, what);
  return { descriptor: { mediaType, digest: expected, size: bytes.length }, bytes };
}

/** Whether there is a manifest; its digest where the registry says it. */
export async function headManifest(
  repository: Repository,
  tagOrDigest: string,
): Promise<{ readonly digest: string | undefined } | undefined> {
  const path = `manifests/${tagOrDigest}`;
  const response = await repository.request({ method: 'HEAD', path, headers: ACCEPT, expect: [200, 404] });
  await response.body.dump();
  const digest = headerOf(response, 'docker-content-digest');
  return response.status === 404 ? undefined : { digest };
}

/** Gives a manifest to a registry. What it points to must be there. Returns the answer's headers. */
export async function putManifest(
  repository: Repository,
  tagOrDigest: string,
  mediaType: string,
  bytes: Buffer,
): Promise<{ readonly subject: string | undefined }> {
  const response = await repository.request({
    method: 'PUT',
    path: `manifests/${tagOrDigest}`,
    headers: { 'content-type': mediaType, 'content-length': String(bytes.length) },
    body: () => bytes,
    expect: [201],
  });
  await response.body.dump();
  const [said, actual] = [headerOf(response, 'docker-content-digest'), digestOf(bytes)];
  if (said !== undefined && said !== actual) {
    throw new CaissonError('DIGEST_MISMATCH', `${repository.name} took manifest ${actual} for ${said.slice(0, 100)}`);
  }
  return { subject: headerOf(response, 'oci-subject') };
}

/** What is said to be one thing and reads as another is neither (CVE-2021-41190). */
function checkMediaType(mediaType: string, contentType: string | undefined, what: string): void {
  const unknown = (reason: string, hint?: string) =>
    new CaissonError('MEDIA_TYPE_UNKNOWN', `${what} is no image that this can read: ${reason}`, { hint });
  if (/^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/.test(contentType ?? '')) {
    throw unknown(`it is of type '${contentType}', Docker's first schema`, 'push it again with a newer tool');
  }
  if (kindOf(mediaType) === undefined) throw unknown(`it is of type '${mediaType.slice(0, 100)}'`);
  if (contentType === undefined || contentType === mediaType || kindOf(contentType) === undefined) return;
  throw unknown(`it is of type '${mediaType}', and the registry calls it '${contentType}'`);
}
