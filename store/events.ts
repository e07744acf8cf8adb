/**
 * The journal of a store: what happened to its containers, whoever did it. Frames (frames.ts) in `events`; a file that has
 * grown long becomes `events.1`, in place of the one before. Who writes keeps the file open and may write to `events.1`
 * once more after that: who reads, reads both.
 */
import { closeSync, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { flock, hasCode, LOCK_EX, shared } from '../syscalls/index.ts';
import { assertFits, encodeFrame } from './frames.ts';
import type { Store } from './layout.ts';
import { beforeLeaving, ownerOf } from './owner.ts';

/** The numbers that events have in the journal. They never change. */
export const EVENT_NUMBERS = {
  create: 1,
  start: 2,
  exec: 3,
  exit: 4,
  restart: 5,
  pause: 6,
  resume: 7,
  rename: 8,
  health: 9,
  mount: 10,
  unmount: 11,
  remove: 12,
} as const;

/** What can happen to a container. */
export type EventName = keyof typeof EVENT_NUMBERS;

/** When a file of the journal is long. */
export const JOURNAL_BYTES = 1024 * 1024;

/** One for all copies of caisson in this thread, so that what happens is noted in order. */
const journals = shared('journals', () => new WeakMap<Store, Journal>());

/**
 * Notes an event, together with others of this turn of the event loop: a container's whole life costs two writes.
 * A journal that cannot be written, as the disk is full, is no reason for a container to fail.
 *
 * @param value a wait status, or a process's id
 * @param payload JSON
 */
export function noteEvent(store: Store, name: EventName, value: number, payload: Uint8Array | string): void {
  assertFits(payload);
  let journal = journals.get(store);
  if (journal === undefined) {
    // Whoever writes is an owner, so that what he has not written yet is when he leaves.
    ownerOf(store);
    journal = new Journal(store);
    journals.set(store, journal);
    beforeLeaving(() => journals.get(store)?.flush());
  }
  journal.note({ kind: EVENT_NUMBERS[name], value, payload, time: new Date() });
}

/** Writes what was noted and is not written yet. */
export function flushEvents(store: Store): void {
  journals.get(store)?.flush();
}

/** What is to be written; it is encoded with the others. */
interface Noted {
  readonly kind: number;
  readonly value: number;
  readonly payload: Uint8Array | string;
  readonly time: Date;
}

class Journal {
  readonly #store: Store;
  #descriptor: number | undefined;
  #noted: Noted[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  note(event: Noted): void {
    this.#noted.push(event);
    // Not unref'd: then it would wait for something to happen, and be in the way of that.
    if (this.#noted.length === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#noted.length === 0) return;
    const frames = this.#noted
      .splice(0)
      .map(({ kind, value, payload, time }) => encodeFrame(kind, value, payload, time));
    try {
      writeSync(this.#open(), Buffer.concat(frames));
    } catch (error) {
      if (!hasCode(error, 'ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'ENOENT')) throw error;
    }
  }

  #open(): number {
    let descriptor = this.#descriptor ?? openSync(this.#store.events, 'a', 0o600);
    for (;;) {
      const { nlink, size, ino } = fstatSync(descriptor);
      if (nlink > 0 && size < JOURNAL_BYTES) break;
      closeSync(descriptor);
      this.#descriptor = undefined;
      if (nlink > 0) rotateEvents(this.#store, ino);
      descriptor = openSync(this.#store.events, 'a', 0o600);
    }
    this.#descriptor = descriptor;
    return descriptor;
  }
}

/** Begins a new file, unless another process has. @param ino that of the file which is long */
function rotateEvents({ events, locks }: Store, ino: number): void {
  const lock = openSync(`${locks}/events.lock`, 'a', 0o600);
  try {
    flock(lock, LOCK_EX);
    if (statSync(events, { throwIfNoEntry: false })?.ino === ino) renameSync(events, `${events}.1`);
  } finally {
    closeSync(lock);
  }
}
