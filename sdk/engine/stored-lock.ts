/** The lock of a detached container: who holds it has the container's files, and its start, to himself. */
import { containerLockPath, type Lock, settleLost, tryLock } from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import { endLost } from './lost.ts';
import { readClockOfStart } from './stored-spec.ts';
import type { StoredView } from './stored-view.ts';

/**
 * So long a lock is asked for that somebody has: a supervisor has it a moment longer than it can be seen, whoever lists
 * containers takes it to look whether it is free, and an agent among the files stays a little when it has done its work
 * (fs/access.ts), or longer while its owner is busy.
 */
const TRIES = 400;
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
   * @throws CaissonError OWNED_ELSEWHERE, CONTAINER_BUSY after two seconds; NOT_RUNNING when it was removed meanwhile
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

  /** Whether this process holds it. */
  get isHeld(): boolean {
    return this.#lock !== undefined;
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
      if (lock !== undefined) return this.#settled(lock);
      await end();
      // It is just about to end, or somebody is among the files: nothing tells when that is over.
      await pause();
    }
  }

  async #settled(lock: Lock): Promise<Lock> {
    try {
      await settle(this.#view);
      return lock;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  async #keep(lock: Lock, done: string): Promise<number> {
    try {
      await settle(this.#view);
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
    return tryToLock(this.#view);
  }
}

/** Ends what a lost container has left running, and notes its end. While somebody has its lock, that is left to him. */
export async function settleIfLost(view: StoredView): Promise<void> {
  if (!view.isLost || view.cell?.phase === 'exited') return;
  const lock = tryToLock(view);
  try {
    if (lock !== undefined) await settle(view);
  } finally {
    lock?.release();
  }
}

/** For who has the lock, so that there is no supervisor. */
async function settle({ id, parts: { store } }: StoredView): Promise<void> {
  const clock = readClockOfStart(store, id);
  if (clock !== undefined) await endLost(store, id, clock);
  settleLost(store, id);
}

function tryToLock({ id, parts: { store } }: StoredView): Lock | undefined {
  return tryLock(containerLockPath(store, id));
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
