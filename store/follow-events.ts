/** Reads the journal of a store, and goes on as it grows. */
import { closeSync, fstatSync, openSync, statSync, watch } from 'node:fs';
import { hasCode } from '../syscalls/index.ts';
import { EVENT_NUMBERS, type EventName } from './events.ts';
import { type Frame, FrameReader, timeOf } from './frames.ts';
import type { Store } from './layout.ts';

/** An entry of the journal. */
export interface JournalEntry {
  readonly name: EventName;
  readonly time: Date;
  /** A wait status, or a process's id. */
  readonly value: number;
  /** JSON. */
  readonly payload: Buffer;
}

/** How to follow the journal. */
export interface FollowOptions {
  /** What was noted since then comes first, as far as the journal goes back. @default only what comes */
  readonly since?: Date | undefined;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

const NAMES = new Map(Object.entries(EVENT_NUMBERS).map(([name, number]) => [number as number, name as EventName]));

/**
 * What happens to the containers of a store, of all processes. The kernel tells when the journal grows (inotify): nothing
 * is asked again and again. What is noted from the first `next()` on is not missed.
 */
export async function* followEvents(store: Store, { since, signal }: FollowOptions = {}): AsyncGenerator<JournalEntry> {
  let wake: () => void = () => undefined;
  let isChanged = true;
  const changed = () => {
    isChanged = true;
    wake();
  };
  const isAborted = () => signal?.aborted === true;
  const isJournal = (name: string | null) => name === null || name === 'events' || name === 'events.1';
  const watcher = watch(store.root, (_event, name) => void (isJournal(name) && changed()));
  signal?.addEventListener('abort', changed);
  const files = new JournalFiles(store, since === undefined);
  try {
    while (!isAborted()) {
      isChanged = false;
      for (const entry of files.read()) {
        if (since === undefined || entry.time >= since) yield entry;
        if (isAborted()) return;
      }
      if (isChanged || isAborted()) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    signal?.removeEventListener('abort', changed);
    watcher.close();
    files.close();
  }
}

interface JournalFile {
  readonly descriptor: number;
  readonly ino: number;
  readonly reader: FrameReader;
}

/** The two files of the journal, through rotations. */
class JournalFiles {
  readonly #events: string;
  #previous: JournalFile | undefined;
  #current: JournalFile | undefined;

  /** @param fromEnd whether what is there already is left out */
  constructor({ events }: Store, fromEnd: boolean) {
    this.#events = events;
    this.#previous = openFile(`${events}.1`, fromEnd);
    this.#current = openFile(events, fromEnd);
  }

  /** What was noted since the last time. */
  *read(): Generator<JournalEntry> {
    for (;;) {
      yield* entriesOf(this.#previous);
      yield* entriesOf(this.#current);
      const ino = statSync(this.#events, { throwIfNoEntry: false })?.ino;
      if (ino === undefined || ino === this.#current?.ino) return;
      // It was renamed. What was written to it before that is read once more: it is complete now, but for late writers.
      yield* entriesOf(this.#current);
      this.#advance();
    }
  }

  close(): void {
    for (const file of [this.#previous, this.#current]) if (file !== undefined) closeSync(file.descriptor);
  }

  #advance(): void {
    const last = this.#current;
    const before = openFile(`${this.#events}.1`, false);
    if (this.#previous !== undefined) closeSync(this.#previous.descriptor);
    if (last !== undefined && (before === undefined || before.ino === last.ino)) {
      if (before !== undefined) closeSync(before.descriptor);
      this.#previous = last;
    } else {
      // There were two rotations since the last look, or this is the first file of all.
      if (last !== undefined) closeSync(last.descriptor);
      this.#previous = before;
    }
    this.#current = openFile(this.#events, false);
  }
}

function openFile(path: string, fromEnd: boolean): JournalFile | undefined {
  try {
    const descriptor = openSync(path, 'r');
    const { ino, size } = fstatSync(descriptor);
    return { descriptor, ino, reader: new FrameReader(descriptor, fromEnd ? size : 0) };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function* entriesOf(file: JournalFile | undefined): Generator<JournalEntry> {
  for (const frame of file?.reader.read() ?? []) {
    const name = NAMES.get(frame.kind);
    // A later caisson may note what is not known here.
    if (name !== undefined) yield entryOf(name, frame);
  }
}

function entryOf(name: EventName, frame: Frame): JournalEntry {
  return { name, time: timeOf(frame), value: frame.value, payload: frame.payload };
}
