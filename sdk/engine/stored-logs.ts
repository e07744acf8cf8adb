/** The log of a detached container, from disk: by any process, whether the container runs or not. */
import { type FSWatcher, watch } from 'node:fs';
import { containerPaths, LogReader, type Store, timeOf } from '../../store/index.ts';
import { hasCode } from '../../syscalls/index.ts';
import { LOG_KIND } from '../plan/supervisor-log.ts';
import { type LogEntry, type LogSource, wakened } from './logs.ts';
import { type SupervisorEnd, watchSupervisor } from './supervisor-request.ts';

/** Opens what a detached container has written. */
export function openStoredLog(store: Store, id: string): LogSource {
  return new StoredLog(store, id);
}

class StoredLog implements LogSource {
  readonly #store: Store;
  readonly #id: string;
  readonly #reader: LogReader;
  #changes: Changes | undefined;
  #hasEnded = false;

  constructor(store: Store, id: string) {
    this.#store = store;
    this.#id = id;
    this.#reader = new LogReader(containerPaths(store, id).log);
  }

  skip(): void {
    this.#reader.skip();
  }

  *read(): Generator<LogEntry> {
    for (const frame of this.#reader.read()) {
      yield { stream: frame.kind === LOG_KIND.stderr ? 'stderr' : 'stdout', time: timeOf(frame), data: frame.payload };
    }
  }

  /** What was written between the read before the first watch and that watch is told of by the watch's beginning. */
  async more(signal: AbortSignal): Promise<boolean> {
    if (this.#hasEnded) return false;
    this.#changes ??= new Changes(this.#store, this.#id);
    const what = await this.#changes.next(signal);
    // The supervisor notes all there is before it ends, so once more there is something to be read.
    this.#hasEnded = what === 'ended';
    return true;
  }

  close(): void {
    this.#changes?.close();
    this.#reader.close();
  }
}

/** What happens to a container's log: told by the kernel (inotify, and the supervisor's fifo). */
class Changes {
  #hasChanged = true;
  #hasEnded = false;
  #wake: () => void = () => undefined;
  readonly #files: FSWatcher | undefined;
  readonly #supervisor: SupervisorEnd;

  constructor(store: Store, id: string) {
    const { path, log } = containerPaths(store, id);
    const name = log.slice(path.length + 1);
    this.#files = watchDirectory(path, (changed) => {
      // Of a terminal or a start, other files change, too.
      if (changed === null || changed === name) this.#change();
    });
    this.#supervisor = watchSupervisor(store, id);
    void this.#supervisor.ended.then(() => {
      this.#hasEnded = true;
      this.#change();
    });
    this.#hold(false);
  }

  /** Waits until something has changed since the last time. */
  async next(signal: AbortSignal): Promise<'changed' | 'ended'> {
    signal.throwIfAborted();
    if (!this.#hasChanged) {
      this.#hold(true);
      await wakened(signal, (wake) => {
        this.#wake = wake;
      }).finally(() => this.#hold(false));
    }
    this.#hasChanged = false;
    return this.#hasEnded ? 'ended' : 'changed';
  }

  close(): void {
    this.#files?.close();
    this.#supervisor.close();
  }

  /** Only who waits is kept from ending: a stream may be left open, and read on later. */
  #hold(isHeld: boolean): void {
    if (isHeld) this.#files?.ref();
    else this.#files?.unref();
    this.#supervisor.holds(isHeld);
  }

  #change(): void {
    this.#hasChanged = true;
    this.#wake();
  }
}

function watchDirectory(path: string, changed: (name: string | null) => void): FSWatcher | undefined {
  try {
    // What is removed has no supervisor any more, which is told of, too.
    return watch(path, (_event, name) => changed(name)).on('error', () => undefined);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
