/** Removes what dead owners left: containers, and what they were making or removing. */
import { existsSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../syscalls/index.ts';
import { withCatalog } from './catalog.ts';
import { discardContainerDirectory, isAbandoned, readContainerRecord, sweepNames } from './containers/index.ts';
import { containerPaths, isContainerId, type Store } from './layout.ts';
import { type Lock, tryLock } from './lock.ts';
import { isOwner, isOwnerAlive, ownerLockPath, ownerOfLock, ownerOfTemporary, temporaryPath } from './owner.ts';
import { removeTree } from './remove.ts';
import { listSnapshotIds } from './snapshots/record.ts';
import { discardSnapshots } from './snapshots/sweep.ts';
import { readUsage } from './usage.ts';
import { whileNothingIsTaken } from './use-lock.ts';

/** What {@link sweepContainers} removed. */
export interface Swept {
  /** The ids of containers whose owner is dead. */
  readonly containers: readonly string[];
  /** How many of the owners of the store were dead. */
  readonly owners: number;
}

/**
 * Removes what owners left that are dead: their locks are free. Cheap when none is. Never touches what a living
 * owner has; when another process sweeps already, it is left to that one.
 *
 * @param patienceMs so long that one is waited for: what it has not removed yet looks like a living owner's @default 0
 */
export async function sweepContainers(store: Store, patienceMs = 0): Promise<Swept> {
  const dead = new Map<string, Lock>();
  const deadline = Date.now() + patienceMs;
  // One sweeps at a time: else one could remove what has the id of a container that another has just removed.
  let sweeping = tryLock(join(store.locks, 'sweep.lock'));
  while (sweeping === undefined && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    sweeping = tryLock(join(store.locks, 'sweep.lock'));
  }
  if (sweeping === undefined) return { containers: [], owners: 0 };
  try {
    for (const name of readdirSync(store.locks)) {
      const owner = ownerOfLock(name);
      const lock = owner === undefined ? undefined : tryLock(ownerLockPath(store, owner), { create: false });
      if (owner !== undefined && lock !== undefined) dead.set(owner, lock);
    }
    if (dead.size === 0) return { containers: [], owners: 0 };
    const containers = await removeContainersOf(store, dead);
    const leaving = new Set<string>();
    for (const directory of [store.tmp, store.spares]) {
      for (const name of readdirSync(directory)) {
        const owner = ownerOfTemporary(name);
        if (dead.has(owner) && !(await isRemoved(removeTree(join(directory, name))))) leaving.add(owner);
      }
    }
    await removeSnapshotsOf(store, dead);
    sweepNames(store);
    removeLocksOfContainers(store);
    // The locks' files go last: while there is one, the next sweep finds what an interrupted one left.
    for (const [owner, { path }] of dead) if (!leaving.has(owner)) unlinkSync(path);
    return { containers, owners: dead.size };
  } finally {
    for (const lock of dead.values()) lock.release();
    sweeping.release();
  }
}

async function removeContainersOf(store: Store, owners: ReadonlyMap<string, unknown>): Promise<string[]> {
  const removed: string[] = [];
  const isAlive = (owner: string) => !owners.has(owner) && isOwnerAlive(store, owner);
  for (const id of readdirSync(store.containers)) {
    if (!isContainerId(id) || !isLeft(store, id, isAlive)) continue;
    await isRemoved(discardContainerDirectory(store, id));
    removed.push(id);
  }
  return removed;
}

/** A lock that nobody holds, of a container that is gone: whoever was to remove it with that was killed. */
function removeLocksOfContainers(store: Store): void {
  for (const name of readdirSync(store.locks)) {
    const id = /^(?:container|record)-(.+)\.lock$/.exec(name)?.[1];
    if (id !== undefined && !existsSync(containerPaths(store, id).path)) {
      tryLock(join(store.locks, name), { create: false })?.release({ remove: true });
    }
  }
}

/** Those that have no name were their owner's. */
async function removeSnapshotsOf(store: Store, owners: ReadonlyMap<string, unknown>): Promise<void> {
  if (listSnapshotIds(store).length === 0) return;
  const trash = temporaryPath(store);
  await withCatalog(store, () =>
    whileNothingIsTaken(store, () => {
      const containers = readUsage(store).containers.flatMap(({ layers }) => layers);
      discardSnapshots(store, trash, {
        containers,
        isOwned: ({ owner }) => !owners.has(owner) && isOwner(store, owner),
        isLayerNeeded: () => true,
      });
    }),
  );
  await isRemoved(removeTree(trash));
}

/**
 * A process that lacks the subordinate ids which files belong to (one that may gain no privileges, say) leaves them to
 * one that has them; and a frozen container whose processes hang in the kernel is left until they end. Neither is a
 * reason not to start a container.
 */
async function isRemoved(removal: Promise<void>): Promise<boolean> {
  try {
    await removal;
    return true;
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'EBUSY')) return false;
    throw error;
  }
}

/** A record that is not whole was cut short with the power: a living owner's is complete before it can be seen. */
function isLeft(store: Store, id: string, isAlive: (owner: string) => boolean): boolean {
  try {
    const record = readContainerRecord(store, id);
    return record !== undefined && isAbandoned(store, record, isAlive);
  } catch (error) {
    if (hasCode(error, 'RECORD_INVALID')) return true;
    if (hasCode(error, 'RECORD_TOO_NEW')) return false;
    throw error;
  }
}
