/**
 * Gives blobs to a registry.
 * Source: distribution-spec, "Pushing blobs".
 */
import type { Readable } from 'node:stream';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import type { Descriptor } from '../manifest.ts';
import { type HttpResponse, headerOf } from './http.ts';
import { withRetries } from './retry.ts';
import { type Repository, resolveLocation } from './session.ts';

/** A blob that is to be given. */
export interface UploadedBlob {
  readonly descriptor: Descriptor;
  /** Its bytes from `start` to before `end`. */
  open(start: number, end: number): Readable;
}

/** How a blob is given. */
export interface UploadOptions {
  /** Repositories of the same registry that may have it. */
  readonly mountFrom?: readonly string[];
  /** In pieces of this size, instead of in one. */
  readonly chunkBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a blob came to be in the repository. */
export type Uploaded = { readonly how: 'exists' | 'uploaded' } | { readonly how: 'mounted'; readonly from: string };

const OCTETS = 'application/octet-stream';

/**
 * Makes sure that a repository has a blob: it is there, is mounted from another repository, or is sent.
 *
 * @throws CaissonError DIGEST_MISMATCH when what arrived is something else; FORBIDDEN, UNAUTHORIZED …
 */
export async function uploadBlob(
  repository: Repository,
  blob: UploadedBlob,
  { mountFrom = [], chunkBytes, signal }: UploadOptions,
): Promise<Uploaded> {
  const { digest } = blob.descriptor;
  if (await hasRemoteBlob(repository, digest)) return { how: 'exists' };
  for (const from of mountFrom) {
    const session = await startUpload(
      repository,
      `?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`,
    );
    if (session.status === 201) return { how: 'mounted', from };
    await cancelUpload(repository, session);
  }
  await withRetries({ ...repository.retryPolicy, signal }, async () => {
    const session = await startUpload(repository, '');
    const minimum = Number(headerOf(session, 'oci-chunk-min-length') ?? 0);
    if (chunkBytes === undefined) await sendWhole(repository, session, blob, signal);
    else await sendChunks(repository, session, blob, Math.max(chunkBytes, minimum), signal);
  });
  return { how: 'uploaded' };
}

/** Whether a repository has a blob. */
async function hasRemoteBlob(repository: Repository, digest: string): Promise<boolean> {
  const response = await repository.request({ method: 'HEAD', path: `blobs/${digest}`, expect: [200, 404] });
  await response.body.dump();
  return response.status === 200;
}

async function startUpload(repository: Repository, query: string): Promise<HttpResponse> {
  const headers = { 'content-length': '0' };
  const expect = [201, 202];
  const response = await repository.request({ method: 'POST', path: `blobs/uploads/${query}`, headers, expect });
  await response.body.dump();
  return response;
}

/** A registry that did not mount a blob waits for it to be sent. */
async function cancelUpload(repository: Repository, session: HttpResponse): Promise<void> {
  const path = resolveLocation(headerOf(session, 'location'), session);
  const response = await repository
    .requestOnce({ method: 'DELETE', path, expect: [200, 202, 204, 404, 405] })
    .catch((error: unknown) => {
      // It forgets by itself.
      if (!(error instanceof CaissonError)) throw error;
    });
  await response?.body.dump();
}

async function sendWhole(
  repository: Repository,
  session: HttpResponse,
  { descriptor: { digest, size }, open }: UploadedBlob,
  signal: AbortSignal | undefined,
): Promise<void> {
  const path = resolveLocation(headerOf(session, 'location'), session);
  path.searchParams.append('digest', digest);
  const headers = { 'content-type': OCTETS, 'content-length': String(size) };
  const body = () => (size === 0 ? new Uint8Array(0) : open(0, size));
  const response = await repository.requestOnce({ method: 'PUT', path, headers, body, expect: [201, 204], signal });
  await response.body.dump();
}

async function sendChunks(
  repository: Repository,
  session: HttpResponse,
  { descriptor: { digest, size }, open }: UploadedBlob,
  chunkBytes: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  let path = resolveLocation(headerOf(session, 'location'), session);
  for (let start = 0; start < size; ) {
    const end = Math.min(start + chunkBytes, size);
    const headers = {
      'content-type': OCTETS,
      'content-length': String(end - start),
      'content-range': `${start}-${end - 1}`,
    };
    const request = { method: 'PATCH', path, headers, body: () => open(start, end), expect: [202], signal } as const;
    const response = await repository.requestOnce(request).catch((error: unknown) => {
      if (!hasCode(error, 'CONNECTION_LOST', 'REGISTRY_TIMEOUT')) throw error;
      // How much of it has arrived?
      return repository.request({ method: 'GET', path, expect: [204] });
    });
    await response.body.dump();
    path = resolveLocation(headerOf(response, 'location') ?? path.href, response);
    start = arrivedOf(response) ?? end;
  }
  path.searchParams.append('digest', digest);
  const headers = { 'content-length': '0' };
  const response = await repository.request({ method: 'PUT', path, headers, expect: [201, 204], signal });
  await response.body.dump();
}

/** How many bytes a registry says it has: `Range: 0-99` are a hundred. */
function arrivedOf(response: HttpResponse): number | undefined {
  const last = /^(?:bytes=)?0-(\d+)$/.exec(headerOf(response, 'range') ?? '')?.[1];
  if (last === undefined) return response.status === 204 ? 0 : undefined;
  // Nothing yet is `0-0` as well, with distribution.
  return response.status === 204 && last === '0' ? 0 : Number(last) + 1;
}
