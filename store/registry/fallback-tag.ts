/** Keeps the list of referrers for registries that do not (distribution-spec, "Pushing Manifests with Subject"). */
import { hasCode } from '../../syscalls/index.ts';
import { asString, optional, parseDocument } from '../json.ts';
import { type Descriptor, MEDIA_TYPES, readDescriptor } from '../manifest.ts';
import { fallbackTag, type Referrer, readReferrers } from './listings.ts';
import { type FetchedManifest, fetchManifest, putManifest } from './manifests.ts';
import type { Repository } from './session.ts';

/**
 * After a manifest was pushed that refers to another: adds it to the list, unless the registry said it has.
 * @param said the registry's OCI-Subject
 */
export async function addToFallbackTag(
  repository: Repository,
  { descriptor, bytes }: FetchedManifest,
  said: string | undefined,
): Promise<void> {
  const { subject, ...entry } = parseDocument(bytes, `manifest ${descriptor.digest}`, (document) => ({
    subject: optional(document.subject, 'subject', readDescriptor),
    artifactType:
      optional(document.artifactType, 'artifactType', asString) ??
      optional(document.config, 'config', readDescriptor)?.mediaType,
  }));
  if (subject === undefined || said === subject.digest) return;
  const tag = fallbackTag(subject.digest);
  const before = await readList(repository, tag);
  if (before.some(({ digest }) => digest === descriptor.digest)) return;
  const { mediaType, digest, size }: Descriptor = descriptor;
  const manifests = [...before, { mediaType, digest, size, ...entry }];
  const index = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests });
  await putManifest(repository, tag, MEDIA_TYPES.index, Buffer.from(index));
}

async function readList(repository: Repository, tag: string): Promise<readonly Referrer[]> {
  try {
    const { bytes } = await fetchManifest(repository, tag);
    return parseDocument(bytes, `the list of referrers '${tag}'`, readReferrers);
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return [];
    throw error;
  }
}
