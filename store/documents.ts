/** Documents of images that are made here. */
import { writeFileSync } from 'node:fs';
import { hasBlob } from './blobs.ts';
import { digestOf } from './digest.ts';
import type { Store } from './layout.ts';
import { type Descriptor, MEDIA_TYPES } from './manifest.ts';
import { temporaryPath } from './owner.ts';

/** The text of an OCI manifest: the same parts give the same text. */
export function formatManifest(config: Descriptor, layers: readonly Descriptor[]): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.manifest, config, layers });
}

/** What a document is called. */
export function describeDocument(mediaType: string, text: string): Descriptor {
  return { mediaType, digest: digestOf(text), size: Buffer.byteLength(text) };
}

/**
 * Writes a document aside, for `publishImage`, and notes it among the staged blobs; not again when it is there or in the
 * store.
 */
export function stageDocument(
  store: Store,
  blobs: Map<string, string>,
  mediaType: string,
  document: string | object,
): Descriptor {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  const descriptor = describeDocument(mediaType, text);
  if (blobs.has(descriptor.digest) || hasBlob(store, descriptor)) return descriptor;
  const path = temporaryPath(store);
  // First, so that it is removed also when it is written in part.
  blobs.set(descriptor.digest, path);
  writeFileSync(path, text, { flag: 'wx', mode: 0o400 });
  return descriptor;
}
