/**
 * Removes what nobody needs. Needed is what the images in the index consist of, what containers use (their records
 * say it) and what snapshots lie on. All is decided and renamed away while nothing can become needed: no image is
 * published and no container made meanwhile. That takes milliseconds; the removal itself comes after.
 */
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { withCatalog } from './catalog.ts';
import { diskUsage } from './disk-usage.ts';
import { isLayerRoom } from './ids/index.ts';
import { discardLayerNotes } from './layer-notes.ts';
import { explainStoreError, layerRooms, type Store } from './layout.ts';
import { type Descriptor, MEDIA_TYPES } from './manifest.ts';
import { addNeeds, type Needs, noNeeds } from './needs.ts';
import { isOwner, temporaryPath } from './owner.ts';
import { removeTree } from './remove.ts';
import type { SnapshotBase } from './snapshots/record.ts';
import { discardSnapshots } from './snapshots/sweep.ts';
import { readUsage, type Usage } from './usage.ts';
import { whileNothingIsTaken } from './use-lock.ts';

/** What was removed from the store. */
export interface Reclaimed {
  /** How many unpacked layers. */
  readonly layers: number;
  /** How many blobs: layers as they came, and documents. */
  readonly blobs: number;
  readonly snapshots: number;
  /** How much of the disk all of it took. */
  readonly bytes: number;
}

/**
 * Changes which images there are, and removes what nobody needs then.
 *
 * @param choose returns the entries that stay; what it throws leaves everything as it is
 * @throws CaissonError STORE_NOT_WRITABLE
 */
export async function collectGarbage(
  store: Store,
  choose: (entries: readonly Descriptor[], usage: Usage) => readonly Descriptor[],
): Promise<Reclaimed> {
  const trash = temporaryPath(store);
  let snapshots: readonly string[] = [];
  mkdirSync(trash, { mode: 0o700 });
  try {
    await withCatalog(store, (catalog) =>
      whileNothingIsTaken(store, () => {
        const usage = readUsage(store);
        const entries = choose(catalog.entries, usage);
        // First: an image that the index speaks of is whole, also when the power goes.
        catalog.write(entries);
        const needs = needsOf(store, entries, usage);
        const isUsed = (name: string) => usage.containers.some(({ layers }) => layers.includes(name));
        snapshots = discardSnapshots(store, join(trash, 'snapshots'), {
          containers: usage.containers.flatMap(({ layers }) => layers),
          isOwned: ({ owner }) => isOwner(store, owner),
          isLayerNeeded: (diffId) => needs.layers.has(diffId),
        });
        for (const { id, base } of usage.snapshots) if (!snapshots.includes(id)) addBaseNeeds(needs, base);
        discard(store.blobs, join(trash, 'blobs'), (hex) => needs.blobs.has(`sha256:${hex}`));
        for (const room of layerRooms(store)) {
          // Those with other owners are of no use to this process; only to containers that others have.
          const isNeeded = (hex: string) => room === store.layers && needs.layers.has(`sha256:${hex}`);
          discard(room, join(trash, basename(room)), (hex) => isNeeded(hex) || isUsed(`${basename(room)}/${hex}`));
        }
        discardLayerNotes(store);
      }),
    );
    return { ...(await measure(trash)), snapshots: snapshots.length };
  } catch (error) {
    throw explainStoreError(error, 'removing what nobody needs', store.root);
  } finally {
    await removeTree(trash);
  }
}

function needsOf(store: Store, entries: readonly Descriptor[], { containers }: Usage): Needs {
  const needs = noNeeds();
  for (const entry of entries) addNeeds(needs, store, entry);
  for (const { image, layers } of containers) {
    if (image !== undefined) addNeeds(needs, store, { mediaType: MEDIA_TYPES.manifest, digest: image });
    for (const name of layers) {
      if (isLayerRoom(dirname(name))) needs.layers.add(`sha256:${basename(name)}`);
    }
  }
  return needs;
}

function addBaseNeeds(needs: Needs, base: SnapshotBase): void {
  for (const { diffId, descriptor } of base.kind === 'image' ? base.layers : []) {
    needs.layers.add(diffId);
    needs.blobs.set(descriptor.digest, descriptor.size);
  }
}

/** Moves what is not needed out of a directory of content. What bears another name is not ours. */
function discard(from: string, to: string, isNeeded: (hex: string) => boolean): void {
  mkdirSync(to, { mode: 0o700 });
  for (const name of readdirSync(from)) {
    if (/^[0-9a-f]{64}$/.test(name) && !isNeeded(name)) renameSync(join(from, name), join(to, name));
  }
}

async function measure(trash: string): Promise<Omit<Reclaimed, 'snapshots'>> {
  const blobs = join(trash, 'blobs');
  const rooms = readdirSync(trash).filter(isLayerRoom);
  return {
    blobs: readdirSync(blobs).length,
    layers: rooms.flatMap((room) => readdirSync(join(trash, room))).length,
    bytes: await diskUsage(blobs, ...rooms.map((room) => join(trash, room)), join(trash, 'snapshots')),
  };
}
