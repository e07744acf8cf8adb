/** What a container has written, from when it began to: entries, and what is asked of them. Pure but for the reading. */
import { onAbort } from './abort.ts';
import { LineReader } from './lines.ts';

/** Something that a container wrote at once. With a terminal, all of it is `stdout`. */
export interface LogEntry {
  readonly stream: 'stdout' | 'stderr';
  /** When it was read from the container. */
  readonly time: Date;
  readonly data: Buffer;
}

/** Which part of a container's output is wanted. */
export interface LogsOptions {
  /** Goes on with what is yet to come, until the container has ended for good. @default false */
  readonly follow?: boolean | undefined;
  /** Begins so many lines before the end of what there is. @default all of it */
  readonly tail?: number | undefined;
  /** Leaves out what was written before. */
  readonly since?: Date | undefined;
  /** Leaves out what was written after; with `follow`, ends then. */
  readonly until?: Date | undefined;
  /** @default true */
  readonly stdout?: boolean | undefined;
  /** @default true */
  readonly stderr?: boolean | undefined;
  /** Ends the reading, which then throws its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a container has written. It is read when it is iterated, or by one of the conveniences; each reads anew. */
export interface Logs extends AsyncIterable<LogEntry> {
  /** Line by line, as UTF-8 text without the ends of lines. Lines of the two streams do not mix. */
  lines(): AsyncIterableIterator<string>;
  /** All of it as UTF-8 text. */
  text(): Promise<string>;
  /** All of it as it was written. */
  bytes(): Promise<Buffer>;
}

/** Where entries come from. */
export interface LogSource {
  /** Leaves out what there is now. To be called before the first read. */
  skip(): void;
  /** What there is now, in order; another call goes on behind it. */
  read(): Iterable<LogEntry>;
  /**
   * Waits for more. @returns false when there is none to come
   * @throws the reason of the signal
   */
  more(signal: AbortSignal): Promise<boolean>;
  /** Lets go of the source. */
  close(): void;
}

/** Logs from a source, which is opened when they are read. */
export function logsFrom(open: () => LogSource, options: LogsOptions): Logs {
  const entries = () => readEntries(open, options);
  return {
    [Symbol.asyncIterator]: entries,
    lines: () => linesOf(entries()),
    text: async () => (await collect(entries())).toString('utf8'),
    bytes: () => collect(entries()),
  };
}

async function* readEntries(open: () => LogSource, options: LogsOptions): AsyncGenerator<LogEntry> {
  const { signal, until } = options;
  signal?.throwIfAborted();
  const source = open();
  const stop = new AbortController();
  const release = signal && onAbort(signal, () => stop.abort(signal.reason));
  const timer = options.follow === true && until !== undefined ? endAt(until, stop) : undefined;
  try {
    const wanted = () => select(source.read(), options);
    yield* options.tail === undefined ? wanted() : lastLines(wanted(), options.tail);
    while (options.follow === true && (await source.more(stop.signal).catch(unlessOver(stop)))) {
      yield* wanted();
      signal?.throwIfAborted();
    }
  } finally {
    clearTimeout(timer);
    release?.();
    source.close();
  }
}

/** The reason of a follower whose time has come. */
const OVER = Symbol('the time that logs were wanted until');

function endAt(until: Date, stop: AbortController): NodeJS.Timeout {
  return setTimeout(() => stop.abort(OVER), Math.max(0, until.getTime() - Date.now()));
}

function unlessOver({ signal }: AbortController): (error: unknown) => false {
  return (error) => {
    if (signal.aborted && signal.reason === OVER) return false;
    throw error;
  };
}

/**
 * Waits until somebody wakes us.
 * @param subscribe is given what wakes
 * @throws the reason of the signal
 */
export function wakened(signal: AbortSignal, subscribe: (wake: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    subscribe(() => {
      signal.removeEventListener('abort', abort);
      resolve();
    });
  });
}

/** The entries that are wanted. */
export function* select(
  entries: Iterable<LogEntry>,
  { since, until, stdout, stderr }: LogsOptions,
): Generator<LogEntry> {
  const isWanted = { stdout: stdout !== false, stderr: stderr !== false };
  for (const entry of entries) {
    if (!isWanted[entry.stream]) continue;
    if (since !== undefined && entry.time < since) continue;
    if (until !== undefined && entry.time > until) continue;
    yield entry;
  }
}

const NEWLINE = 0x0a;

/** The end of a log, from where its last lines begin. Keeps no more in memory than those. */
export function lastLines(entries: Iterable<LogEntry>, count: number): LogEntry[] {
  const kept: { readonly entry: LogEntry; readonly ends: number }[] = [];
  let first = 0;
  let ends = 0;
  for (const entry of entries) {
    const each = { entry, ends: countLines(entry.data) };
    kept.push(each);
    ends += each.ends;
    // What is in front of the last `count` ends of lines, and of one before, is not wanted whatever comes.
    for (let oldest = kept[first]; oldest !== undefined && ends - oldest.ends > count; oldest = kept[++first]) {
      ends -= oldest.ends;
    }
    if (first > 1024) kept.splice(0, first);
    if (first > 1024) first = 0;
  }
  return cut(
    kept.slice(first).map(({ entry }) => entry),
    count,
  );
}

/** Cuts the beginning off, up to the end of the line before the last ones. */
function cut(entries: readonly LogEntry[], count: number): LogEntry[] {
  const last = entries.at(-1)?.data.at(-1);
  // A line that has no end yet is one, too.
  let wanted = last === NEWLINE ? count + 1 : count;
  if (count === 0) return [];
  for (let index = entries.length - 1; index >= 0; index--) {
    const entry = entries[index] as LogEntry;
    for (
      let at = entry.data.lastIndexOf(NEWLINE);
      at !== -1;
      at = at === 0 ? -1 : entry.data.lastIndexOf(NEWLINE, at - 1)
    ) {
      if (--wanted > 0) continue;
      const rest = { ...entry, data: entry.data.subarray(at + 1) };
      return [...(rest.data.length === 0 ? [] : [rest]), ...entries.slice(index + 1)];
    }
  }
  return [...entries];
}

function countLines(data: Buffer): number {
  let count = 0;
  for (let at = data.indexOf(NEWLINE); at !== -1; at = data.indexOf(NEWLINE, at + 1)) count++;
  return count;
}

/** Entries as lines of text. */
async function* linesOf(entries: AsyncIterable<LogEntry>): AsyncIterableIterator<string> {
  const streams = { stdout: new LineReader(), stderr: new LineReader() };
  for await (const { stream, data } of entries) yield* streams[stream].add(data);
  for (const each of Object.values(streams)) yield* each.end();
}

async function collect(entries: AsyncIterable<LogEntry>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const { data } of entries) chunks.push(data);
  return Buffer.concat(chunks);
}
