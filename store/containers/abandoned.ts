/** Whose a container is, and whether that one is still there. */
import { closeSync, constants, openSync } from 'node:fs';
import { hasCode } from '../../syscalls/index.ts';
import { containerPaths, type Store } from '../layout.ts';
import { isLockHeld } from '../lock.ts';
import { isOwnerAlive } from '../owner.ts';
import type { ContainerRecord } from './record.ts';
import { readContainerState } from './state-cell.ts';

/** The file whose lock the supervisor of a detached container holds, and whoever starts or removes one. */
export function containerLockPath({ locks }: Store, id: string): string {
  return `${locks}/container-${id}.lock`;
}

/** Whether somebody has a detached container to himself: its supervisor, or whoever starts, reads or removes it. */
export function isSupervised(store: Store, id: string): boolean {
  return isLockHeld(containerLockPath(store, id));
}

/**
 * Whether somebody writes a container's state: its owner, or its supervisor. That the container's lock is held says
 * nothing of that one: who reads the files of a container that does not run holds it, too.
 */
export function hasWriter(store: Store, record: ContainerRecord): boolean {
  if (record.detached) return hasSupervisor(store, record.id);
  return record.owner !== undefined && isOwnerAlive(store, record.owner);
}

function hasSupervisor(store: Store, id: string): boolean {
  const control = openControl(store, id);
  if (control === undefined) return false;
  closeSync(control);
  return true;
}

/**
 * Opens the fifo that a container's supervisor reads, for writing: that fails where nobody reads it, and nobody else
 * does. Unlike to ask for a lock, it is in nobody's way.
 *
 * @returns a descriptor, to be closed by the caller; undefined when there is no supervisor
 */
export function openControl(store: Store, id: string): number | undefined {
  try {
    return openSync(containerPaths(store, id).control, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENXIO', 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
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
