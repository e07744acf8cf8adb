/**
 * The log of an attached container: the newest part of what it wrote, in this process's memory. As long as nobody asks
 * for logs or streams, its output waits in its pipes; who asks for logs has the pipes read into here; who asks for a
 * stream sets the pace himself, and what he gets is noted here as it passes (streams.ts).
 */
import { type LogEntry, type LogSource, wakened } from './logs.ts';

/** How much is kept of each stream, unless it is told otherwise. */
const DEFAULT_MAX_BYTES = 1024 * 1024;

type StreamName = LogEntry['stream'];

interface Noted extends LogEntry {
  readonly place: number;
}

/** What an attached container wrote, in all of its runs. */
export class MemoryLog {
  readonly #maxBytes: number;
  readonly #kept: Readonly<Record<StreamName, KeptStream>> = { stdout: new KeptStream(), stderr: new KeptStream() };
  #next = 0;
  #isWanted = false;
  #isOver = false;
  #changed: (() => void)[] = [];

  /** @param maxBytes @default 1 MiB */
  constructor(maxBytes = DEFAULT_MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Whether somebody wants to read logs, so that pipes are read for him. */
  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** Notes what a stream has said just now. */
  note(stream: StreamName, data: Buffer): void {
    this.#kept[stream].add({ stream, data, time: new Date(), place: this.#next++ }, this.#maxBytes);
    this.#tell();
  }

  /** There may be more to come: the container starts. */
  begin(): void {
    this.#isOver = false;
  }

  /** Nothing more comes. */
  end(): void {
    this.#isOver = true;
    this.#tell();
  }

  /**
   * Opens what is here.
   * @param fill reads what waits in the pipes; it is called before each read
   */
  open(fill: () => void): LogSource {
    this.#isWanted = true;
    let place = 0;
    return {
      skip: () => {
        fill();
        place = this.#next;
      },
      read: () => {
        fill();
        const found = this.#from(place);
        place = this.#next;
        return found;
      },
      more: async (signal) => {
        signal.throwIfAborted();
        while (this.#next === place) {
          if (this.#isOver) return false;
          await wakened(signal, (wake) => this.#changed.push(wake));
        }
        return true;
      },
      close: () => undefined,
    };
  }

  /** The place that the next entry will have. */
  get place(): number {
    return this.#next;
  }

  /** What is kept of one stream from a place on, for who reads on behind it. */
  of(stream: StreamName, place: number): Buffer[] {
    return this.#kept[stream].from(place).map(({ data }) => data);
  }

  #from(place: number): LogEntry[] {
    const both = [...this.#kept.stdout.from(place), ...this.#kept.stderr.from(place)];
    return both.sort((a, b) => a.place - b.place).map(({ stream, time, data }) => ({ stream, time, data }));
  }

  #tell(): void {
    const waiting = this.#changed;
    if (waiting.length === 0) return;
    this.#changed = [];
    for (const each of waiting) each();
  }
}

/** What an entry takes besides its bytes. */
const ENTRY_BYTES = 128;

/** The newest entries of a stream. */
class KeptStream {
  readonly #entries: Noted[] = [];
  #bytes = 0;

  add(entry: Noted, maxBytes: number): void {
    const room = Math.max(maxBytes - ENTRY_BYTES, 1);
    // A copy, so that what is not kept is not held either.
    const data = entry.data.length > room ? Buffer.from(entry.data.subarray(-room)) : entry.data;
    this.#entries.push({ ...entry, data });
    this.#bytes += data.length + ENTRY_BYTES;
    while (this.#bytes > maxBytes && this.#entries.length > 1) {
      this.#bytes -= (this.#entries.shift() as Noted).data.length + ENTRY_BYTES;
    }
  }

  from(place: number): Noted[] {
    let index = this.#entries.length;
    while (index > 0 && (this.#entries[index - 1] as Noted).place >= place) index--;
    return this.#entries.slice(index);
  }
}
