/** Finds snapshots by their names. */
import { existsSync } from 'node:fs';
import type { Store } from '../layout.ts';
import type { Platform } from '../manifest.ts';
import { formatReference, parseReference } from '../reference.ts';
import { layersInSnapshots } from './links.ts';
import { readSnapshotNames } from './names.ts';
import { isSnapshotId, listSnapshotIds, readIfWhole, readSnapshot, type SnapshotRecord } from './record.ts';

/** A snapshot as a list shows it. */
export interface SnapshotSummary {
  /** Its id. */
  readonly snapshot: string;
  /** Its complete names. */
  readonly references: readonly string[];
  readonly created: Date;
  readonly platform: Platform;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The snapshots there are, but for those that an image was made of: such a one is an image like others. */
export function listSnapshots(store: Store): readonly SnapshotSummary[] {
  if (!existsSync(store.snapshots)) return [];
  const names = Object.entries(readSnapshotNames(store));
  const inImages = new Set(layersInSnapshots(store).values());
  return listSnapshotIds(store)
    .flatMap((id) => readIfWhole(store, id))
    .map(({ id, created, platform, config }) => ({
      snapshot: id,
      references: names.flatMap(([name, each]) => (each === id ? [name] : [])),
      created: new Date(created),
      platform,
      ...(config.Labels === undefined ? {} : { labels: config.Labels }),
    }))
    .filter(({ snapshot, references }) => references.length > 0 || !inImages.has(snapshot));
}

/**
 * Finds a snapshot by its name, as Docker reads names, or by its id; undefined when no snapshot is called so.
 *
 * @throws CaissonError SNAPSHOT_NOT_FOUND when there is none of that id, or it was lost with the power of the machine
 * @throws CaissonError REFERENCE_INVALID when it is not a name
 */
export function findSnapshot(store: Store, reference: string): SnapshotRecord | undefined {
  if (isSnapshotId(reference)) return readSnapshot(store, reference);
  const names = readSnapshotNames(store);
  if (Object.keys(names).length === 0) return undefined;
  const id = names[formatReference(parseReference(reference))];
  return id === undefined ? undefined : readSnapshot(store, id);
}
