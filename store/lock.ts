/**
 * Locks between processes: flock(2), which the kernel releases when its holder dies, however it dies.
 * A lock's file is removed by its holder, so whoever gets a lock makes sure that its file still has a name.
 */
import { closeSync, fstatSync, openSync, unlinkSync } from 'node:fs';
import { flock, hasCode, LOCK_EX, LOCK_NB, LOCK_SH } from '../syscalls/index.ts';

/** A lock that is held. */
export interface Lock {
  readonly path: string;
  /** Whoever has a copy of this descriptor holds the lock, too. */
  readonly descriptor: number;
  /** Gives the lock up; with `remove`, its file goes first. */
  release(options?: { readonly remove?: boolean }): void;
}

/**
 * Takes a lock if nobody holds it: in this process, in this thread or elsewhere.
 *
 * @param options.create whether to make the file where there is none @default true
 */
export function tryLock(path: string, { create = true } = {}): Lock | undefined {
  const fd = openLockFile(path, create);
  if (fd === undefined) return undefined;
  try {
    flock(fd, LOCK_EX | LOCK_NB);
    // Between our open and our flock, the holder may have removed the file: then this locks a file nobody else sees.
    if (fstatSync(fd).nlink === 0) {
      closeSync(fd);
      return create ? tryLock(path, { create }) : undefined;
    }
  } catch (error) {
    closeSync(fd);
    if (hasCode(error, 'EAGAIN', 'EWOULDBLOCK')) return undefined;
    throw error;
  }
  return {
    path,
    descriptor: fd,
    release({ remove = false } = {}) {
      try {
        if (remove) unlinkSync(path);
      } finally {
        closeSync(fd);
      }
    },
  };
}

/** Whether somebody holds a lock: in this process, in this thread or elsewhere. Who else asks does not. */
export function isLockHeld(path: string): boolean {
  const fd = openLockFile(path, false);
  if (fd === undefined) return false;
  try {
    flock(fd, LOCK_SH | LOCK_NB);
    return false;
  } catch (error) {
    if (hasCode(error, 'EAGAIN', 'EWOULDBLOCK')) return true;
    throw error;
  } finally {
    closeSync(fd);
  }
}

/**
 * Runs `action` while holding the lock, waiting for it first. Not reentrant. It asks again and again instead of
 * blocking: the holder may be another task of this very thread.
 */
export async function withLock<T>(path: string, action: () => T | Promise<T>): Promise<T> {
  let lock = tryLock(path);
  for (let pauseMs = 1; lock === undefined; pauseMs = Math.min(pauseMs * 2, 50)) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    lock = tryLock(path);
  }
  try {
    return await action();
  } finally {
    lock.release({ remove: true });
  }
}

/** Opened by Node, so that Node closes it (and with it gives the lock up) when a worker thread ends. */
function openLockFile(path: string, create: boolean): number | undefined {
  try {
    return openSync(path, create ? 'a' : 'r+', 0o600);
  } catch (error) {
    if (!create && hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
