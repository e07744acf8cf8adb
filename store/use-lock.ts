/**
 * What keeps a container from being made of layers that are just being removed. Whoever makes one looks its layers up
 * and writes down that it uses them while holding this lock with all others who do; whoever removes layers holds it
 * alone. Its file is never removed, so one descriptor is kept, and to hold it costs two system calls.
 */
import { openSync } from 'node:fs';
import { flock, LOCK_SH, LOCK_UN, shared } from '../syscalls/index.ts';
import type { Store } from './layout.ts';
import { tryLock } from './lock.ts';

const descriptors = shared('use locks', () => new WeakMap<Store, number>());

/**
 * Runs `action` while no layer is removed. It waits, and this thread with it, for who is removing some: a few
 * milliseconds, since what is removed is only renamed meanwhile.
 */
export function whileNothingIsRemoved<T>(store: Store, action: () => T): T {
  let fd = descriptors.get(store);
  if (fd === undefined) {
    fd = openSync(lockPath(store), 'a', 0o600);
    descriptors.set(store, fd);
  }
  flock(fd, LOCK_SH);
  try {
    return action();
  } finally {
    flock(fd, LOCK_UN);
  }
}

/** Runs `action` while nobody begins to use a layer. Synchronous: this very thread must not wait for itself. */
export async function whileNothingIsTaken<T>(store: Store, action: () => T): Promise<T> {
  let lock = tryLock(lockPath(store));
  for (; lock === undefined; lock = tryLock(lockPath(store))) await new Promise((resolve) => setTimeout(resolve, 1));
  try {
    return action();
  } finally {
    lock.release();
  }
}

function lockPath(store: Store): string {
  return `${store.locks}/use.lock`;
}
