/**
 * An owner is one thread of one process, for as long as it lives: it holds `locks/<owner>.lock`. What it makes
 * bears its name, so whoever finds that lock free knows that what bears the name is abandoned.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { atExit, hasCode, shared } from '../syscalls/index.ts';
import type { Store } from './layout.ts';
import { isLockHeld, type Lock, tryLock } from './lock.ts';

/** What this thread has of names, and what bears them. */
const { owners, owned, leaving, temporary, exit } = shared('owner', () => ({
  owners: new Map<Store, string>(),
  owned: new Set<string>(),
  leaving: [] as (() => void)[],
  temporary: { count: 0 },
  exit: { isAwaited: false },
}));

/** Those of the names that this copy took. */
const locks = new Map<string, Lock>();

/** The name of this thread in the store, taken at its first use and held until the thread ends. */
export function ownerOf(store: Store): string {
  let owner = owners.get(store);
  if (owner === undefined) {
    if (!exit.isAwaited) atExit(leave);
    exit.isAwaited = true;
    owner = becomeOwner(store);
    owners.set(store, owner);
  }
  return owner;
}

/** Gives the name up again: of a store that could not be opened, nobody knows. Nothing may bear it any more. */
export function resign(store: Store): void {
  const owner = owners.get(store);
  if (owner === undefined) return;
  owners.delete(store);
  try {
    locks.get(owner)?.release({ remove: true });
  } catch (error) {
    // The store has gone meanwhile; why it could not be opened says more.
    if (!hasCode(error, 'ENOENT', 'EROFS', 'EACCES', 'EPERM')) throw error;
  } finally {
    locks.delete(owner);
  }
}

/** Notes that something besides what is in `tmp` bears this thread's name, until {@link disown}. */
export function own(path: string): void {
  owned.add(path);
}

/** Notes that it is gone. */
export function disown(path: string): void {
  owned.delete(path);
}

/** A new path in the store's `tmp`, which is swept when this thread has died. */
export function temporaryPath(store: Store): string {
  return `${store.tmp}/${ownerOf(store)}.${temporary.count++}`;
}

/** The owner that a name in `tmp` bears. */
export function ownerOfTemporary(name: string): string {
  return name.slice(0, name.indexOf('.'));
}

/** The file whose lock an owner holds. */
export function ownerLockPath(store: Store, owner: string): string {
  return join(store.locks, `${owner}.lock`);
}

/** Whether there is an owner of that name, living or dead and not swept yet. */
export function isOwner(store: Store, owner: string): boolean {
  return existsSync(ownerLockPath(store, owner));
}

/** Whether an owner lives. */
export function isOwnerAlive(store: Store, owner: string): boolean {
  return owners.get(store) === owner || isLockHeld(ownerLockPath(store, owner));
}

/** The owner whose lock a file in `locks` is; undefined for locks of another kind. */
export function ownerOfLock(name: string): string | undefined {
  return /^(owner-[0-9a-f]+)\.lock$/.exec(name)?.[1];
}

/** Another process may sweep the lock file between its creation and its locking; then there is another name to take. */
function becomeOwner(store: Store): string {
  for (;;) {
    const owner = `owner-${randomBytes(8).toString('hex')}`;
    const lock = tryLock(ownerLockPath(store, owner));
    if (lock === undefined) continue;
    locks.set(owner, lock);
    return owner;
  }
}

/** Has something done when this thread ends by itself: synchronously, and before its name is given up. */
export function beforeLeaving(action: () => void): void {
  leaving.push(action);
}

/** When this thread ends with nothing left of it, there is nothing to sweep, so that the next need not look for it. */
function leave(): void {
  for (const action of leaving) action();
  for (const [store, owner] of owners) {
    const isLeft = (path: string) => path.startsWith(`${store.root}/`);
    const isOurs = (name: string) => ownerOfTemporary(name) === owner;
    try {
      if ([...owned].some(isLeft) || [store.tmp, store.spares].some((path) => readdirSync(path).some(isOurs))) continue;
      unlinkSync(ownerLockPath(store, owner));
    } catch (error) {
      // Somebody has removed the store.
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
}
