/** One process of a container, as its owner sees it. */
import type { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { endOnAbort } from './engine/abort.ts';
import type { Child, ExitStatus } from './engine/child.ts';
import { feed, isInputSource } from './engine/input.ts';
import type { Output } from './engine/output.ts';
import type { Running } from './engine/running.ts';
import { openStreams, type Streams } from './engine/stdio.ts';
import type { TerminalSize } from './spec/options.ts';

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
  constructor({ child, ends, args, stdin, signal }: Running) {
    this.#child = child;
    this.pid = child.pid;
    this.args = args;
    const fed = isInputSource(stdin) && ends.stdin !== undefined ? this.#feed(stdin, ends.stdin) : undefined;
    this.#streams = openStreams(fed === undefined ? ends : { ...ends, stdin: undefined });
    this.stdin = this.#streams.stdin;
    this.stdout = this.#streams.stdout;
    this.stderr = this.#streams.stderr;
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

  async #feed(...input: Parameters<typeof feed>): Promise<void> {
    try {
      await feed(...input);
    } catch (error) {
      this.kill('SIGKILL');
      throw error;
    }
  }

  async #end(fed: Promise<void> | undefined, signal: AbortSignal | undefined): Promise<ExitStatus> {
    const guard = endOnAbort(this.#child, signal);
    // A failing source of stdin ends the process, so its error is waited for after the end, and not instead of it.
    fed?.catch(() => undefined);
    this.#status = await this.#child.exited;
    guard.release();
    // A terminal is read to its end; a pipe that nobody reads any more is of no use.
    if (this.#streams.terminal === null) this.stdin?.destroy();
    if (guard.hasEnded) throw signal?.reason;
    await fed;
    return this.#status;
  }
}
