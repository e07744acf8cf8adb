/** One process of a container, as its owner sees it. */
import type { Writable } from 'node:stream';
import { inspect } from 'node:util';
import { endOnAbort, unlessAborted } from './engine/abort.ts';
import type { Child } from './engine/child.ts';
import type { ExitStatus } from './engine/exit-status.ts';
import { feed } from './engine/input.ts';
import type { MemoryLog } from './engine/memory-log.ts';
import type { Output } from './engine/output.ts';
import type { Running } from './engine/running.ts';
import { isInputSource } from './engine/stdio.ts';
import { Streams } from './engine/streams.ts';
import { checkTerminalSize, checkWaitOptions } from './spec/check.ts';
import type { TerminalSize, WaitOptions } from './spec/options.ts';
import { normalizeSignal, type Signal } from './spec/signals.ts';

/**
 * A process in a container: its streams, its signals, its end.
 *
 * @example
 * const shell = await container.spawn(['sh'], { tty: true });
 * shell.stdin.write('exit\n');
 * await shell.wait();
 */
export class Process {
  /** Its id on the host. */
  readonly pid: number;
  /** The command and its arguments. */
  readonly args: readonly string[];
  readonly #child: Child;
  readonly #streams: Streams;
  readonly #exited: Promise<ExitStatus>;
  #status: ExitStatus | undefined;
  #isSettled = false;

  /** @internal */
  constructor({ child, ends, args, stdin, signal }: Running, log?: MemoryLog) {
    this.#child = child;
    this.pid = child.pid;
    this.args = args;
    const fed = isInputSource(stdin) && ends.stdin !== undefined ? feed(stdin, ends.stdin, child) : undefined;
    this.#streams = new Streams(fed === undefined ? ends : { ...ends, stdin: undefined }, log);
    this.#exited = this.#end(fed, signal);
    // Who never waits must not be told of what only a waiter asked for.
    this.#exited.catch(() => undefined);
  }

  /**
   * What it reads. A terminal has no end: `end()` closes the stream and tells the process nothing; write `'\x04'` (Ctrl-D).
   * @throws CaissonError NO_STREAM unless `stdin` was `'pipe'`
   */
  get stdin(): Writable {
    return this.#streams.stdin;
  }

  /**
   * What it writes; with a terminal, all of it. Until it is read, the process can write some 64 KiB and then waits.
   * @throws CaissonError NO_STREAM unless `stdout` was `'pipe'`
   */
  get stdout(): Output {
    return this.#streams.stdout;
  }

  /**
   * As `stdout`.
   * @throws CaissonError NO_STREAM unless `stderr` was `'pipe'`, and with a terminal
   */
  get stderr(): Output {
    return this.#streams.stderr;
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
   * @throws the reason of the signal that is given here, when that is aborted; the process then runs on
   */
  async wait(options: WaitOptions = {}): Promise<ExitStatus> {
    checkWaitOptions(options);
    return unlessAborted(this.#exited, options.signal);
  }

  /**
   * Sends a signal.
   * @param signal a name, or a number from 1 to 64; 0 sends nothing. @default 'SIGTERM', as of child_process; of a
   * {@link Container} it is SIGKILL
   * @returns false when the process has ended
   */
  kill(signal: Signal = 'SIGTERM'): boolean {
    return this.#child.kill(signal === 0 ? 0 : normalizeSignal(signal));
  }

  /**
   * Tells the process the size of its terminal. Without one, nothing happens.
   * @throws TypeError for what is no size
   */
  resize(size: TerminalSize): void {
    checkTerminalSize(size);
    this.#streams.resize(size);
  }

  /** Ends the process, and what it has started in its session, with SIGKILL, waits for that and lets go of its output. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.end();
    await this.#child.exited;
    this.release();
  }

  /**
   * Has its output read for its log, as far as nobody has asked for it.
   * @internal
   */
  drain(): void {
    this.#streams.drain();
  }

  /**
   * Whether it has ended and nothing of it is open that somebody has not asked for.
   * @internal
   */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /**
   * Closes what nobody has asked for of its streams.
   * @internal
   */
  release(): void {
    this.#streams.release();
  }

  [inspect.custom](): string {
    const { exitCode, signal } = this.#status ?? {};
    const state = this.#status === undefined ? 'running' : (signal ?? `exited with ${exitCode}`);
    return `Process(${this.pid} ${JSON.stringify(this.args)} ${state})`;
  }

  async #end(fed: Promise<void> | undefined, signal: AbortSignal | undefined): Promise<ExitStatus> {
    const guard = endOnAbort(this.#child, signal);
    // A failing source of stdin ends the process, so its error is waited for after the end, and not instead of it.
    fed?.catch(() => undefined);
    this.#status = await this.#child.exited;
    guard.release();
    this.#isSettled = this.#streams.settle();
    if (guard.hasEnded) throw signal?.reason;
    await fed;
    return this.#status;
  }
}
