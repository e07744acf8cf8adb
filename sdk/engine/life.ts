/** The life of a container: what may follow what, and what is undone. The façade in container.ts tells of it. */
import { inspect } from 'node:util';
import {
  createContainerDirectory,
  removeContainerDirectory,
  renewContainerDirectory,
  type Store,
} from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import type { Image } from '../image.ts';
import { Process } from '../process.ts';
import type { ContainerOptions, ProcessOptions } from '../spec/options.ts';
import type { Spec } from '../spec/spec.ts';
import { endOnAbort } from './abort.ts';
import type { Child, ExitStatus } from './child.ts';
import type { Running } from './running.ts';
import { decideContainer, joinContainer, type LaunchedContainer, launchContainer } from './start.ts';

/**
 * Where in its life a container is.
 *
 *     created ──start──▶ running ──its first process ends──▶ exited ──start──▶ running
 *        └───────────────────┴──────────── remove ──────────────┴──▶ removed
 */
export type ContainerState = 'created' | 'running' | 'exited' | 'removed';

/** What the owner of a life is told. */
export interface LifeListener {
  started(): void;
  exit(status: ExitStatus): void;
  removed(): void;
}

/** What a life is of. */
export interface LifeParts {
  readonly id: string;
  readonly name: string;
  readonly image: Image;
  readonly options: ContainerOptions;
  readonly store: Store;
  readonly listener: LifeListener;
}

/** A container's directories, its processes and their order. */
export class Life {
  readonly createdAt = new Date();
  startedAt: Date | null = null;
  exitedAt: Date | null = null;
  /** Everything decided about the container; null before its first start. */
  spec: Spec | null = null;
  state: ContainerState = 'created';
  /** Its first process, from when its command runs. */
  init: Process | undefined;
  readonly #parts: LifeParts;
  readonly #processes = new Set<Process>();
  #child: Child | undefined;
  #starting: Promise<void> | undefined;
  #removing: Promise<void> | undefined;

  /** @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE; then nothing is left */
  constructor(parts: LifeParts) {
    this.#parts = parts;
    createContainerDirectory(parts.store, parts.id, { name: parts.name, image: parts.image.name });
  }

  /** The first process's id on the host; null when the container does not run. */
  get pid(): number | null {
    return this.state === 'running' ? (this.init?.pid ?? null) : null;
  }

  /** Launches the command for who wants only its result: whether it was started is seen when it has ended. */
  async run(): Promise<Running> {
    return this.#launch('ignore');
  }

  /** Starts the command; resolves when it runs. */
  async start(): Promise<void> {
    if (this.#starting !== undefined) throw new CaissonError('ALREADY_RUNNING', `${this.#label} is started already`);
    this.#starting = this.#start();
    try {
      await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
  }

  /** Waits for a start that is under way. @returns the first process, if there is or was one */
  async started(): Promise<Process | undefined> {
    await this.#starting;
    return this.init;
  }

  /** Starts another process in the running container. */
  async join(command: readonly string[], options: ProcessOptions, stdin: 'pipe' | 'ignore'): Promise<Running> {
    await this.#starting;
    if (this.pid === null || this.spec === null) throw this.notRunning('entered');
    return joinContainer(this.spec, this.pid, command, options, stdin);
  }

  /** Makes a process of what was started: its output can be read as long as the container is there. */
  adopt(running: Running): Process {
    const process = new Process(running);
    this.#processes.add(process);
    const forget = () => {
      if (process.isSettled) this.#processes.delete(process);
    };
    process.wait().then(forget, forget);
    return process;
  }

  /** Sends a signal to the first process; with SIGKILL, waits for its end. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal);
    if (signal === 'SIGKILL') await this.#child?.exited;
  }

  /** Ends what runs and removes what is on disk. Idempotent. */
  remove(): Promise<void> {
    this.#removing ??= this.#remove();
    return this.#removing;
  }

  /** The error for what cannot be done in this state. */
  notRunning(done: string): CaissonError {
    return new CaissonError('NOT_RUNNING', `${this.#label} cannot be ${done}: it is ${this.state}`);
  }

  get #label(): string {
    return `container ${inspect(this.#parts.name)}`;
  }

  /** Decides and launches. From here on there is a process to end. */
  #launch(stdin: 'pipe' | 'ignore'): LaunchedContainer {
    if (this.#removing !== undefined) throw this.notRunning('started');
    const { id, image, options, store } = this.#parts;
    options.signal?.throwIfAborted();
    this.spec = decideContainer(image, options, id, store, 'prepare');
    const launched = launchContainer(this.spec, id, options, stdin);
    this.#child = launched.child;
    return launched;
  }

  async #start(): Promise<void> {
    if (this.#child !== undefined && this.#removing === undefined)
      await renewContainerDirectory(this.#parts.store, this.#parts.id);
    const launched = this.#launch('pipe');
    const guard = endOnAbort(launched.child, launched.signal);
    try {
      await launched.started();
    } catch (error) {
      if (guard.hasEnded) throw launched.signal?.reason;
      throw error;
    } finally {
      guard.release();
    }
    this.init = this.adopt(launched);
    this.startedAt = new Date();
    this.state = 'running';
    this.#parts.listener.started();
    void launched.child.exited.then((status) => this.#exit(status));
  }

  async #exit(status: ExitStatus): Promise<void> {
    this.state = 'exited';
    this.exitedAt = new Date();
    this.#starting = undefined;
    this.#parts.listener.exit(status);
    // Who aborts is done with it.
    if (this.#parts.options.signal?.aborted === true) await this.remove();
  }

  async #remove(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#starting?.catch(() => undefined);
    await this.#child?.exited;
    for (const process of this.#processes) process.release();
    await removeContainerDirectory(this.#parts.store, this.#parts.id);
    this.state = 'removed';
    this.#parts.listener.removed();
  }
}
