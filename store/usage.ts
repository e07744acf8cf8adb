/** Who uses what in the store. */
import { readdirSync } from 'node:fs';
import { hasCode } from '../syscalls/index.ts';
import { type ContainerRecord, readContainerRecord, usesOf } from './containers.ts';
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

function readUse(store: Store, id: string): ContainerUse[] {
  let record: ContainerRecord | undefined;
  try {
    record = readContainerRecord(store, id);
  } catch (error) {
    // Cut short with the power: nothing of it runs, and it is swept.
    if (!hasCode(error, 'RECORD_INVALID')) throw error;
  }
  if (record === undefined) return [];
  return [{ name: typeof record.name === 'string' ? record.name : id, ...usesOf(record) }];
}
