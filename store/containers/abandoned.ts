/** Whose a container is, and whether that one is still there. */
import type { Store } from '../layout.ts';
import { isLockHeld } from '../lock.ts';
import { isOwnerAlive } from '../owner.ts';
import type { ContainerRecord } from './record.ts';
import { readContainerState } from './state-cell.ts';

/** The file whose lock the supervisor of a detached container holds, and whoever starts or removes one. */
export function containerLockPath({ locks }: Store, id: string): string {
  return `${locks}/container-${id}.lock`;
}

/** Whether a detached container has a supervisor (or is just being given one, or removed). */
export function isSupervised(store: Store, id: string): boolean {
  return isLockHeld(containerLockPath(store, id));
}

/** Whether somebody writes a container's state: its owner, or its supervisor. */
export function hasWriter(store: Store, record: ContainerRecord): boolean {
  if (record.detached) return isSupervised(store, record.id);
  return record.owner !== undefined && isOwnerAlive(store, record.owner);
}

/**
 * Whether a container is nobody's: its owner is dead. A detached one is nobody's when whoever was to start it died
 * before it ran.
 */
export function isAbandoned(
  store: Store,
  { owner, detached, id }: ContainerRecord,
  isAlive = (owner: string) => isOwnerAlive(store, owner),
): boolean {
  if (owner === undefined || isAlive(owner)) return false;
  if (!detached) return true;
  return !isSupervised(store, id) && (readContainerState(store, id)?.phase ?? 'created') === 'created';
}
