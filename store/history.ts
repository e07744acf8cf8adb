/** How an image came about, as its configuration tells it. */
import { readBlobDocument } from './blobs.ts';
import { findEntry } from './images.ts';
import { asArray, asObject, asString, DocumentError, type JsonObject, optional } from './json.ts';
import type { Store } from './layout.ts';
import { readImageDocument, readManifest } from './manifest.ts';

/** One step of an image's making. */
export interface ImageHistoryEntry {
  /** What was done: a shell command, or an instruction of a Dockerfile. */
  readonly createdBy: string;
  readonly comment: string;
  readonly author?: string;
  readonly created?: Date;
  /** The layer that came of it; missing where none did, or the image does not tell. */
  readonly diffId?: string;
  /** How much that layer takes in the store's blobs, in bytes: 0 without one. */
  readonly size: number;
}

/**
 * The steps by which an image was made, the last first, as `docker history` shows them.
 * @throws CaissonError IMAGE_NOT_FOUND, BLOB_NOT_FOUND, IMAGE_INVALID, DIGEST_MISMATCH
 */
export function imageHistory(store: Store, reference: string): readonly ImageHistoryEntry[] {
  const { entry } = findEntry(store, reference);
  const { config, layers } = readBlobDocument(store, entry, 'image manifest', readManifest);
  const { steps, diffIds } = readBlobDocument(store, config, 'image configuration', (document) => ({
    steps: readHistory(document),
    diffIds: readImageDocument(document).diffIds,
  }));
  return attachLayers(
    steps,
    diffIds.map((diffId, index) => ({ diffId, size: layers[index]?.size ?? 0 })),
  );
}

interface Step {
  readonly isEmpty: boolean;
  readonly entry: Omit<ImageHistoryEntry, 'diffId' | 'size'>;
}

function readHistory(document: JsonObject): Step[] {
  return optional(document.history, 'history', (value, what) => asArray(value, what, readStep)) ?? [];
}

function readStep(value: unknown, what: string): Step {
  const step = asObject(value, what);
  const text = (name: string) => optional(step[name], `${what}.${name}`, asString) ?? '';
  const created = new Date(text('created'));
  const isEmpty = step.empty_layer ?? false;
  if (typeof isEmpty !== 'boolean') throw new DocumentError(`${what}.empty_layer must be true or false`);
  return {
    isEmpty,
    entry: {
      createdBy: text('created_by'),
      comment: text('comment'),
      ...(text('author') === '' ? {} : { author: text('author') }),
      ...(Number.isNaN(created.getTime()) ? {} : { created }),
    },
  };
}

/** Steps and layers are in the same order; what of the layers no step speaks of came first. */
function attachLayers(
  steps: readonly Step[],
  layers: readonly { readonly diffId: string; readonly size: number }[],
): readonly ImageHistoryEntry[] {
  const left = [...layers];
  const told = steps.toReversed().map(({ isEmpty, entry }) => ({ ...entry, size: 0, ...(isEmpty ? {} : left.pop()) }));
  return [...told, ...left.reverse().map((layer) => ({ createdBy: '', comment: '', ...layer }))];
}
