/** Whether a store is as it should be. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCatalog } from '../../../store/catalog.ts';
import { digestOf } from '../../../store/digest.ts';
import { blobPath, layerPath } from '../../../store/layout.ts';
import { addNeeds, noNeeds } from '../../../store/needs.ts';
import { hasCode } from '../../../syscalls/index.ts';
import { listImages, listSnapshots, pruneStore, type Store, sweepContainers } from '../support/doors.ts';
import { describeTree } from '../support/tree.ts';

/** What a store should be like in which something was interrupted. */
export interface Expected {
  /** The images before it, and when it is done. */
  readonly before: string;
  readonly after: string;
  /** What is in layers, by diffID. */
  readonly layers: ReadonlyMap<string, readonly string[]>;
  /** Does it again. */
  act(store: Store): Promise<unknown>;
  /** Whether who was interrupted is dead, so that nothing of it may be left. */
  readonly isSwept?: boolean;
}

/** Which images there are, as text to compare. */
export function imagesIn(store: Store): string {
  const images = listImages(store);
  const taken = new Set(images.flatMap(({ references }) => references));
  // One without a name is its thread's only, and what an image is made of may have its name for a moment longer.
  const names = listSnapshots(store).flatMap(({ references }) => references.filter((name) => !taken.has(name)));
  const lines = images.map(({ digest, references }) => [digest, ...references].join(' '));
  return [...lines, ...names.map((name) => `snapshot ${name}`)].sort().join(', ');
}

/** What is wrong with a store, as sentences: now, when it was swept, and when what was interrupted is done again. */
export async function checkStore(store: Store, { before, after, layers, act, isSwept }: Expected): Promise<string[]> {
  const problems: string[] = [];
  const images = imagesIn(store);
  if (images !== before && images !== after) problems.push(`there are ${images}`);
  if (images !== before || before === after) problems.push(...damages(store, layers, before === after));
  await sweepContainers(store);
  await pruneStore(store, { images: 'none' });
  if (imagesIn(store) !== images) problems.push('sweeping changed which images there are');
  if (isSwept === true) problems.push(...leftovers(store));
  try {
    await act(store);
  } catch (error) {
    // What was removed by the time it was interrupted cannot be removed again.
    if (!(images === after && hasCode(error, 'IMAGE_NOT_FOUND'))) problems.push(`done again: ${String(error)}`);
  }
  if (imagesIn(store) !== after) problems.push(`done again, there are ${imagesIn(store)}`);
  return [...problems, ...damages(store, layers, false)];
}

/** Every image of a store must be whole, to the last byte. */
function damages(store: Store, layers: Expected['layers'], mayLackLayers: boolean): string[] {
  const needs = needsOf(store);
  const isBroken = (digest: string) => {
    const path = blobPath(store, digest);
    return !existsSync(path) || digestOf(readFileSync(path)) !== digest;
  };
  const isDamaged = (diffId: string) => {
    const path = layerPath(store, diffId);
    if (!existsSync(path)) return !mayLackLayers;
    return describeTree(path).join('\n') !== layers.get(diffId)?.join('\n');
  };
  return [
    ...[...needs.broken, ...needs.blobs.keys()]
      .filter(isBroken)
      .map((digest) => `blob ${digest} is missing or damaged`),
    ...[...needs.layers].filter(isDamaged).map((diffId) => `layer ${diffId} is missing or damaged`),
  ];
}

/** What no image needs and is there. */
function leftovers(store: Store): string[] {
  const { blobs, layers } = needsOf(store);
  const unneeded = (directory: string, digests: Iterable<string>) => {
    const names = new Set([...digests].map((digest) => digest.slice('sha256:'.length)));
    return readdirSync(directory)
      .filter((name) => !names.has(name))
      .map((name) => `${join(directory, name)} is left`);
  };
  const unnamed = listSnapshots(store).filter(({ references }) => references.length === 0);
  return [
    ...unnamed.map(({ snapshot }) => `snapshot ${snapshot} is left`),
    ...unneeded(store.tmp, []),
    ...unneeded(store.blobs, blobs.keys()),
    ...unneeded(store.layers, layers),
  ];
}

function needsOf(store: Store) {
  const needs = noNeeds();
  for (const entry of readCatalog(store)) addNeeds(needs, store, entry);
  return needs;
}
