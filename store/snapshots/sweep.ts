/** Which snapshots are still somebody's, and the removal of those that are not. */
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../layout.ts';
import { layersInSnapshots } from './links.ts';
import { dropSnapshotNames, readSnapshotNames } from './names.ts';
import { listSnapshotIds, readIfWhole, type SnapshotRecord, snapshotPaths } from './record.ts';

/** What keeps snapshots that nobody has named. */
export interface SnapshotUsers {
  /** What containers use, as names in the store: `snapshots/<id>/layer`. */
  readonly containers: readonly string[];
  /** Whether the thread that took a snapshot may have it still, in a variable. */
  isOwned(snapshot: SnapshotRecord): boolean;
  /** Whether an image or a container needs a layer, which may lie in a snapshot. */
  isLayerNeeded(diffId: string): boolean;
}

/**
 * Moves the snapshots that are nobody's into a directory that is made for them. Kept are those that have a name or an
 * owner, that a container uses, whose layer an image has, and those that one of these lies on. To be called while the
 * index is locked and nothing can become used.
 *
 * @returns the ids of those that were moved
 */
export function discardSnapshots(store: Store, into: string, users: SnapshotUsers): string[] {
  const ids = listSnapshotIds(store);
  if (ids.length === 0) return [];
  const snapshots = new Map(ids.flatMap((id) => readIfWhole(store, id)).map((each) => [each.id, each]));
  const kept = keptSnapshots(store, snapshots, users);
  const going = ids.filter((id) => !kept.has(id));
  if (going.length > 0) mkdirSync(into, { mode: 0o700 });
  for (const id of going) renameSync(snapshotPaths(store, id).path, join(into, id));
  dropSnapshotNames(store, (_, id) => !kept.has(id));
  return going;
}

function keptSnapshots(
  store: Store,
  snapshots: ReadonlyMap<string, SnapshotRecord>,
  { containers, isOwned, isLayerNeeded }: SnapshotUsers,
): ReadonlySet<string> {
  const links = layersInSnapshots(store);
  const kept = new Set<string>();
  const keep = (id: string | undefined): void => {
    const snapshot = snapshots.get(id ?? '');
    if (snapshot === undefined || kept.has(snapshot.id)) return;
    kept.add(snapshot.id);
    for (const below of snapshot.snapshots) keep(below);
    for (const { diffId } of snapshot.base.kind === 'image' ? snapshot.base.layers : []) keep(links.get(diffId));
  };
  for (const id of Object.values(readSnapshotNames(store))) keep(id);
  for (const name of containers) keep(/^snapshots\/([0-9a-f]{64})\/layer$/.exec(name)?.[1]);
  for (const [diffId, id] of links) if (isLayerNeeded(diffId)) keep(id);
  for (const snapshot of snapshots.values()) if (isOwned(snapshot)) keep(snapshot.id);
  return kept;
}
