/** What the store calls an image. */
import type { SnapshotRecord } from '../store/index.ts';
import type { Store } from '../store/places.ts';
import { CaissonError } from '../syscalls/common.ts';
import type { Image } from './image.ts';

/** Its digest; of a snapshot, once an image that others can read is made of it. */
export async function digestIn(store: Store, { name, origin }: Image, done: string): Promise<string> {
  if (origin.kind === 'stored') return origin.digest;
  if (origin.kind === 'snapshot') {
    const { materializeSnapshot } = await import('./image-runtime.ts');
    return (await materializeSnapshot(store, origin.record.id)).digest;
  }
  throw new CaissonError('IMAGE_NOT_IN_STORE', `image '${name}' is not in the store, so it cannot be ${done}`, {
    hint: 'what Image.import(), Image.pull() and container.commit() give is',
  });
}

/** The name it is known by, as long as that is its own; else its digest. */
export async function referenceIn(store: Store, image: Image, done: string): Promise<string> {
  const { listImages } = await import('./image-runtime.ts');
  const digest = await digestIn(store, image, done);
  const names = listImages(store).find((each) => each.digest === digest)?.references ?? [];
  return names.includes(image.name) ? image.name : digest;
}

/**
 * The snapshot of that name or id, with its layers and what it was asked for by; undefined where no snapshot is called so.
 * @throws CaissonError SNAPSHOT_NOT_FOUND when it has the form of an id
 */
export async function snapshotIn(
  store: Store,
  reference: string,
): Promise<[record: SnapshotRecord, layers: readonly string[], name: string | undefined] | undefined> {
  const runtime = await import('./image-runtime.ts');
  const { findByDigest, findSnapshot, isSnapshotId, newName, snapshotLayers } = runtime;
  // Those digits may be all of an image's digest as well.
  if (isSnapshotId(reference) && findByDigest(store, reference) !== undefined) return undefined;
  const record = findSnapshot(store, reference);
  if (record === undefined) return undefined;
  return [record, snapshotLayers(store, record), reference === record.id ? undefined : newName(reference)];
}

/** The name it goes to a registry by: a complete one has a slash in it, which no digest and no id of a snapshot has. */
export function referenceToPush({ name }: Image): string {
  if (name.includes('/')) return name;
  throw new CaissonError('REFERENCE_INVALID', `image '${name}' has no name that says where it is to be pushed`, {
    hint: "give one: image.push('registry.example.com/team/app:1.0')",
  });
}
