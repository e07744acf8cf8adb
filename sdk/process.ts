/** One process of a container, as its owner sees it. */
import type { Writable } from 'node:stream';
import { inspect } from 'node:util';
import type { Child, ExitStatus } from './engine/child.ts';
import { feed, isInputSource } from './engine/input.ts';
import type { Output } from './engine/output.ts';
import type { Streams } from './engine/stdio.ts';
import type { StdinOption, TerminalSize } from './spec/options.ts';

/** What a process is made with: internal. */
export interface ProcessParts {
  readonly child: Child;
  readonly streams: Streams;
  readonly args: readonly string[];
  readonly stdin: StdinOption;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A process in a container: its streams, its signals, its end.
 *
 * @example
 * const shell = await container.spawn(['sh'], { tty: true });
 * shell.stdin?.write('exit\n');
 * await shell.wait();
 */
export class Process {
  /** Its id on the host. */
  readonly pid: number;
  /** The command and its arguments. */
  readonly args: readonly string[];
  /** What it reads; null unless `stdin` was `'pipe'` or it has a terminal. */
  readonly stdin: Writable | null;
  /** What it writes; with a terminal, all of it. Null unless `stdout` was `'pipe'`. */
  readonly stdout: Output | null;
  /** Null unless `stderr` was `'pipe'`, and with a terminal. */
  readonly stderr: Output | null;
  readonly #child: Child;
  readonly #streams: Streams;
  readonly #exited: Promise<ExitStatus>;
  #status: ExitStatus | undefined;

  /** @internal */
  constructor({ child, streams, args, stdin, signal }: ProcessParts) {
    this.#child = child;
    this.#streams = streams;
    this.pid = child.pid;
    this.args = args;
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    this.stdin = isInputSource(stdin) ? null : streams.stdin;
    const fed = isInputSource(stdin) && streams.stdin !== null ? this.#feed(stdin, streams.stdin) : undefined;
    this.#exited = this.#end(fed, signal);
    // Who never waits must not be told of what only a waiter asked for.
    this.#exited.catch(() => undefined);
  }

  /** The exit code, once it has ended by itself. */
  get exitCode(): number | null {
    return this.#status?.exitCode ?? null;
  }

  /** The signal that ended it. */
  get signalCode(): NodeJS.Signals | null {
    return this.#status?.signal ?? null;
  }

  /**
   * Waits for its end. Its output may still be in the streams.
   * @throws the reason of its abort signal, when that ended it; and what its `stdin` source threw
   */
  wait(): Promise<ExitStatus> {
    return this.#exited;
  }

  /**
   * Sends a signal.
   * @param signal @default 'SIGTERM'
   * @returns false when the process has ended
   */
  kill(signal: NodeJS.Signals = 'SIGTERM'): boolean {
    return this.#child.kill(signal);
  }

  /** Tells the process the size of its terminal. Without one, nothing happens. */
  resize(size: TerminalSize): void {
    this.#streams.terminal?.resize(size);
  }

  /** Ends the process with SIGKILL, and waits for that. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.#child.exited;
  }

  [inspect.custom](): string {
    const { exitCode, signal } = this.#status ?? {};
    const state = this.#status === undefined ? 'running' : (signal ?? `exited with ${exitCode}`);
    return `Process(${this.pid} ${JSON.stringify(this.args)} ${state})`;
  }

  async #feed(source: Parameters<typeof feed>[0], into: Writable): Promise<void> {
    try {
      await feed(source, into);
    } catch (error) {
      this.kill('SIGKILL');
      throw error;
    }
  }

  async #end(fed: Promise<void> | undefined, signal: AbortSignal | undefined): Promise<ExitStatus> {
    // What happens after the end is not ours: an abort then must not look like the reason.
    let aborted = false;
    const abort = () => {
      aborted = this.kill('SIGKILL') || aborted;
    };
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    // A failing source of stdin kills, so its error is waited for after the end, and not instead of it.
    fed?.catch(() => undefined);
    this.#status = await this.#child.exited;
    signal?.removeEventListener('abort', abort);
    // A terminal is read to its end; a pipe that nobody reads any more is of no use.
    if (this.#streams.terminal === null) this.#streams.stdin?.destroy();
    if (aborted) throw signal?.reason;
    await fed;
    return this.#status;
  }
}
