/** The lock of a detached container: who holds it has the container's files, and its start, to himself. */
import { containerLockPath, type Lock, settleLost, tryLock } from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import type { StoredView } from './stored-view.ts';

/**
 * So long a lock is asked for that somebody has: a supervisor has it a moment longer than it can be seen, and whoever
 * lists containers takes it to look whether it is free.
 */
const TRIES = 100;
const PAUSE_MS = 5;

/** One container's lock, as this process holds it. */
export class StoredLock {
  readonly #view: StoredView;
  #lock: Lock | undefined;

  constructor(view: StoredView) {
    this.#view = view;
  }

  /**
   * Nobody else starts the container, or is among its files, until it is released. Its state is true from here on: if
   * it was lost, that is noted.
   * @param done completes "the container cannot be …"
   * @returns the descriptor that holds it
   * @throws CaissonError OWNED_ELSEWHERE, CONTAINER_BUSY after half a second; NOT_RUNNING when it was removed meanwhile
   */
  async take(done: string): Promise<number> {
    this.#view.assertDetached(done);
    for (let tries = 0; tries < TRIES; tries++) {
      const lock = this.#try();
      if (lock !== undefined) return this.#keep(lock, done);
      await pause();
    }
    throw new CaissonError('CONTAINER_BUSY', `${this.#view.label} cannot be ${done}: another process has it`, {
      hint: 'try again in a second',
    });
  }

  /** Lets go of it. Idempotent. */
  release(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  /**
   * Waits until nobody has it.
   * @param end ends what runs, be it that somebody has just started it
   * @returns a lock of the caller's own
   */
  async takeForRemoval(end: () => Promise<void>): Promise<Lock> {
    for (;;) {
      const lock = this.#try();
      if (lock !== undefined) return lock;
      await end();
      // It is just about to end, or somebody is among the files: nothing tells when that is over.
      await pause();
    }
  }

  #keep(lock: Lock, done: string): number {
    const { parts, id } = this.#view;
    try {
      settleLost(parts.store, id);
      if (this.#view.state === 'removed') throw this.#view.notRunning(done);
    } catch (error) {
      // Whoever removed it has removed the lock's file, too: this one is ours.
      lock.release({ remove: this.#view.state === 'removed' });
      throw error;
    }
    this.#lock = lock;
    return lock.descriptor;
  }

  #try(): Lock | undefined {
    return tryLock(containerLockPath(this.#view.parts.store, this.#view.id));
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
