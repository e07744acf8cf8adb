/** A start that ends when the container is ready, or when it is certain that it will not be. */
import { CaissonError } from '../../syscalls/index.ts';
import type { Container } from '../container.ts';
import type { ExitStatus } from '../engine/exit-status.ts';
import { countOomKills, startFailure } from '../engine/start-failure.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { OutputLines } from './lines.ts';
import type { Readiness } from './readiness.ts';
import { describeMissing, type Watched, waitFor, watched } from './wait.ts';

const DEFAULT_TIMEOUT_MS = 60_000;

/** How long the rest is waited for when it is over: others may hold its output open. */
const LAST_OUTPUT_MS = 1_000;

/** What a start is asked to wait for. */
export type StartOptions = Pick<ContainerOptions, 'ready' | 'startTimeoutMs' | 'signal'>;

/** A start that somebody has asked for. */
export interface Asked {
  /** When he did, by `performance.now()`: his deadline counts from there. */
  readonly at: number;
  /** Starts the command. */
  start(): Promise<void>;
}

/**
 * Starts a container and waits until it is ready.
 *
 * @throws CaissonError START_FAILED when the command has ended before, NOT_READY when time was up: then it has been ended.
 * Both carry what it wrote last
 * @throws what `start` throws; the reason of the signal
 */
export async function startUntilReady(
  container: Container,
  { ready, startTimeoutMs = DEFAULT_TIMEOUT_MS, signal }: StartOptions,
  { at, start }: Asked,
): Promise<void> {
  const deadline = new AbortController();
  const leftMs = () => at + startTimeoutMs - performance.now();
  const watchedStart = new WatchedStart(container, ready, startTimeoutMs);
  if (leftMs() <= 0) throw watchedStart.timeIsUp();
  const timer = setTimeout(() => deadline.abort(), leftMs());
  try {
    await startOrKill(container, start, deadline.signal).catch((error: unknown) => {
      throw deadline.signal.aborted ? watchedStart.timeIsUp() : error;
    });
    // What is done in one go lets no timer fire.
    if (deadline.signal.aborted || leftMs() <= 0) await watchedStart.fail(watchedStart.timeIsUp());
    if (ready !== undefined) await watchedStart.untilReady(deadline.signal, signal);
  } finally {
    clearTimeout(timer);
    watchedStart.release();
  }
}

/** A command that is never entered, on a disk that does not answer, is ended. */
async function startOrKill(container: Container, start: () => Promise<void>, deadline: AbortSignal): Promise<void> {
  const kill = () => void container.kill().catch(() => undefined);
  deadline.addEventListener('abort', kill, { once: true });
  try {
    await start();
  } finally {
    deadline.removeEventListener('abort', kill);
  }
}

class WatchedStart {
  readonly #container: Container;
  readonly #condition: Watched;
  readonly #timeoutMs: number;
  readonly #output = new OutputLines();
  readonly #over = new AbortController();
  readonly #oomKills = countOomKills();
  #status: ExitStatus | undefined;

  constructor(container: Container, ready: StartOptions['ready'], timeoutMs: number) {
    this.#container = container;
    this.#timeoutMs = timeoutMs;
    this.#condition = watched({ kind: 'all', of: listOf(ready) });
  }

  async untilReady(deadline: AbortSignal, aborted: AbortSignal | undefined): Promise<void> {
    const signal = AbortSignal.any([this.#over.signal, deadline, ...(aborted === undefined ? [] : [aborted])]);
    const container = this.#container;
    const ended = container.wait().then((status) => {
      this.#status = status;
      return status;
    });
    ended.catch(() => undefined);
    const reading = this.#read();
    reading.catch(() => undefined);
    try {
      await waitFor(this.#condition, { container, ended, output: this.#output, signal });
    } catch (error) {
      aborted?.throwIfAborted();
      if (deadline.aborted) await this.fail(this.timeIsUp());
      if (error instanceof CaissonError) await this.fail(this.#describe({ cause: error }));
      // Its output may end a moment before it does, and its end may be known before its output.
      await atMost(LAST_OUTPUT_MS, Promise.all([ended, reading]));
      if (this.#status === undefined) await this.fail(this.#describe({ cause: error }));
      throw this.#describe({ status: this.#status });
    }
  }

  /** Ends what runs, and throws. */
  async fail(failure: Error): Promise<never> {
    await this.#container.kill().catch(() => undefined);
    throw failure;
  }

  timeIsUp(): Error {
    return this.#describe({ timeoutMs: this.#timeoutMs });
  }

  release(): void {
    this.#over.abort();
  }

  async #read(): Promise<void> {
    try {
      for await (const entry of this.#container.logs({ follow: true, signal: this.#over.signal }))
        this.#output.add(entry);
    } catch (error) {
      if (!this.#over.signal.aborted) throw error;
    } finally {
      this.#output.end();
    }
  }

  #describe(known: { status?: ExitStatus | undefined; timeoutMs?: number; cause?: unknown }): Error {
    return startFailure({
      name: this.#container.name,
      status: undefined,
      wasShortOfMemory: countOomKills() > this.#oomKills,
      output: this.#output.last(),
      missing: describeMissing(this.#condition),
      ...known,
    });
  }
}

/** Waits, but not longer than this. What is waited for may fail. */
async function atMost(ms: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise.catch(() => undefined), over]);
  clearTimeout(timer);
}

function listOf(ready: StartOptions['ready']): readonly Readiness[] {
  if (ready === undefined) return [];
  return Array.isArray(ready) ? ready : [ready as Readiness];
}
