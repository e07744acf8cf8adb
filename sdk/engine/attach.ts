/** Being with a container that runs: what it writes from now on, and what it is sent. Of any number at once. */
import { Readable, type Writable } from 'node:stream';
import { checkTerminalSize } from '../spec/check.ts';
import type { TerminalSize } from '../spec/options.ts';
import type { LogEntry, LogSource } from './logs.ts';
import { asOutput, type Output } from './output.ts';

/** What is wanted of a container when one attaches to it. */
export interface AttachOptions {
  /** Also what was written before, as far as it is kept. @default false */
  readonly logs?: boolean | undefined;
}

/** A way to be with a container. Others may have their own at the same time. */
export interface Attachment {
  /**
   * What it reads. Its end is the end of what the container reads, unless it has a terminal.
   * @throws CaissonError NO_STREAM unless the container was made with `stdin: 'pipe'` or `tty`
   */
  readonly stdin: Writable;
  /** What it writes; with a terminal, all of it. It ends with the container, or with {@link Attachment.detach}. */
  readonly stdout: Output;
  readonly stderr: Output;
  /**
   * Tells its terminal the size.
   * @throws TypeError for what is no size
   */
  resize(size: TerminalSize): void;
  /** Leaves the container alone: it goes on, and goes on to wait for input. Idempotent. */
  detach(): void;
  [Symbol.dispose](): void;
}

/** What an attachment is made from. */
export interface AttachmentParts {
  /** Opens what the container writes; one for each stream. */
  readonly open: () => LogSource;
  /** @throws CaissonError NO_STREAM */
  readonly openInput: () => Writable;
  /** Whether what was opened as input is this attachment's own. */
  readonly ownsInput: boolean;
  resize(size: TerminalSize): void;
}

/** Attaches: what is written from here on is in its streams. */
export function attachTo(parts: AttachmentParts, { logs = false }: AttachOptions): Attachment {
  const stop = new AbortController();
  const follow = (stream: LogEntry['stream']) => {
    const source = parts.open();
    if (!logs) source.skip();
    return { stream: followStream(source, stream, stop.signal), source };
  };
  const outputs = [follow('stdout'), follow('stderr')] as const;
  let input: Writable | undefined;
  const detach = () => {
    stop.abort();
    for (const { source } of outputs) source.close();
    if (parts.ownsInput) input?.destroy();
  };
  return {
    get stdin() {
      input ??= parts.openInput();
      return input;
    },
    stdout: outputs[0].stream,
    stderr: outputs[1].stream,
    resize(size) {
      checkTerminalSize(size);
      parts.resize(size);
    },
    detach,
    [Symbol.dispose]: detach,
  };
}

/** One stream of a container, from a source on, until it ends or somebody stops it. */
export function followStream(source: LogSource, name: LogEntry['stream'], signal?: AbortSignal): Output {
  const wanted = signal ?? new AbortController().signal;
  async function* chunks() {
    try {
      do {
        if (wanted.aborted) return;
        for (const { stream, data } of source.read()) if (stream === name) yield data;
      } while (await source.more(wanted).catch(unlessStopped));
    } finally {
      source.close();
    }
  }
  const unlessStopped = (error: unknown) => {
    if (wanted.aborted) return false;
    throw error;
  };
  return asOutput(Readable.from(chunks(), { objectMode: false, highWaterMark: 0 }));
}
