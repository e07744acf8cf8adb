/** Who uses what in the store. */
import { readdirSync } from 'node:fs';
import { readRecordIfWhole } from './containers/index.ts';
import { isContainerId, type Store } from './layout.ts';
import { listSnapshotIds, readIfWhole, type SnapshotRecord } from './snapshots/record.ts';

/** A container, and what it uses of the store. */
export interface ContainerUse {
  /** What errors call it: its name, else its id. */
  readonly name: string;
  /** The digest of its image. */
  readonly image?: string;
  /** Names in the store: `layers/…`, `snapshots/…/layer`. */
  readonly layers: readonly string[];
  /** Names of volumes. */
  readonly volumes: readonly string[];
}

/** All users of the store at one moment. */
export interface Usage {
  readonly containers: readonly ContainerUse[];
  readonly snapshots: readonly SnapshotRecord[];
}

/**
 * Reads who uses what. Containers come first: one of which a snapshot is made meanwhile, and which is then removed, is
 * seen as the one or as the other.
 */
export function readUsage(store: Store): Usage {
  const containers = readdirSync(store.containers)
    .filter(isContainerId)
    .flatMap((id) => readUse(store, id));
  const snapshots = listSnapshotIds(store).flatMap((id) => readIfWhole(store, id));
  return { containers, snapshots };
}

/** A record that was cut short with the power is of nothing that runs, and is swept. */
function readUse(store: Store, id: string): ContainerUse[] {
  const record = readRecordIfWhole(store, id);
  if (record === undefined) return [];
  const { name, uses } = record;
  return [
    { name, ...(uses.image === undefined ? {} : { image: uses.image }), layers: uses.layers, volumes: uses.volumes },
  ];
}
