/** What an image consists of, by its documents: every blob and every layer that must be there for it to be whole. */
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { readDocumentAt } from './blobs.ts';
import type { JsonObject } from './json.ts';
import { blobPath, type Store } from './layout.ts';
import { type Descriptor, kindOf, readImageDocument, readIndex, readManifest } from './manifest.ts';

/** Content that is needed. */
export interface Needs {
  /** Digests, with their sizes in bytes where they are known. */
  readonly blobs: Map<string, number | undefined>;
  /** DiffIDs: names of unpacked layers. */
  readonly layers: Set<string>;
  /** Digests of documents that are missing or not what they should be: what they lead to is not known. */
  readonly broken: Set<string>;
}

/** Says where a document is: a descriptor, or what is known of one. */
export type Pointer = Pick<Descriptor, 'mediaType' | 'digest'> & { readonly size?: number };

/** Nothing, to begin with. */
export function noNeeds(): Needs {
  return { blobs: new Map(), layers: new Set(), broken: new Set() };
}

/**
 * Adds what an image needs: all it leads to, through indexes of several platforms.
 * @param pathOf where a blob is that is not in its place yet @default its place
 */
export function addNeeds(
  needs: Needs,
  store: Store,
  descriptor: Pointer,
  pathOf: (digest: string) => string = (digest) => blobPath(store, digest),
): void {
  if (needs.blobs.has(descriptor.digest)) return;
  needs.blobs.set(descriptor.digest, descriptor.size);
  const read = <T>(document: Pointer, reader: (document: JsonObject) => T): T | undefined => {
    try {
      return readDocumentAt(pathOf(document.digest), document, 'document', reader);
    } catch (error) {
      if (!(error instanceof CaissonError || hasCode(error, 'ENOENT'))) throw error;
      // The configuration of what is no image (a signature, a chart) is none: it has nothing to unpack.
      if (!hasCode(error, 'IMAGE_INVALID')) needs.broken.add(document.digest);
      return undefined;
    }
  };
  const kind = kindOf(descriptor.mediaType);
  if (kind === 'index') {
    for (const each of read(descriptor, readIndex)?.manifests ?? []) addNeeds(needs, store, each, pathOf);
  }
  if (kind !== 'manifest') return;
  const manifest = read(descriptor, readManifest);
  if (manifest === undefined) return;
  for (const { digest, size } of [manifest.config, ...manifest.layers]) needs.blobs.set(digest, size);
  for (const diffId of read(manifest.config, readImageDocument)?.diffIds ?? []) needs.layers.add(diffId);
}
