/** The life of a container: what may follow what, and what is undone. The façade in container.ts tells of it. */
import { inspect } from 'node:util';
import {
  createContainerDirectory,
  inheritRoot,
  removeContainerDirectory,
  renewContainerDirectory,
  type Store,
} from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import { Access, enterRunning, enterStopped, type Session } from '../fs/index.ts';
import type { Image } from '../image.ts';
import { usesOf } from '../image-root.ts';
import { Process } from '../process.ts';
import type { ContainerOptions, ProcessOptions } from '../spec/options.ts';
import type { Spec } from '../spec/spec.ts';
import { endOnAbort } from './abort.ts';
import type { Child, ExitStatus } from './child.ts';
import { decideContainer } from './decide.ts';
import type { Running } from './running.ts';
import type { FilesOnDisk } from './snapshot.ts';
import { joinContainer, type LaunchedContainer, launchContainer } from './start.ts';
import { Turns } from './turns.ts';

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
  /** The way to its files, from outside. */
  readonly files = new Access({ enter: () => this.#enterFiles(), busy: () => this.#busy() });
  readonly #parts: LifeParts;
  /** What the container's changes lie on. */
  #base: Image;
  /** What is done with all of its files, and has them to itself. */
  readonly #turns = new Turns();
  readonly #ending = new AbortController();
  readonly #processes = new Set<Process>();
  #child: Child | undefined;
  /** Whether its root has been mounted, by a start or for its files. */
  #wasMounted = false;
  #starting: Promise<void> | undefined;
  #removing: Promise<void> | undefined;

  /** @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE; then nothing is left */
  constructor(parts: LifeParts) {
    this.#parts = parts;
    this.#base = parts.image;
    const record = { name: parts.name, image: parts.image.name };
    const { origin } = parts.image;
    const { upper } = createContainerDirectory(parts.store, parts.id, record, usesOf(origin));
    if (origin.kind === 'snapshot') inheritRoot(origin.layers.at(-1) as string, upper);
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
    await this.#turns.over();
    if (this.pid === null || this.spec === null) throw this.notRunning('entered');
    return joinContainer(this.spec, this.pid, command, options, stdin);
  }

  /**
   * Does something with all of the container's files. Meanwhile it does not start, nothing enters it, and its removal
   * aborts it and waits.
   * @param done completes "the container cannot be …"
   */
  withFiles<T>(done: string, action: (files: FilesOnDisk) => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      await this.#starting?.catch(() => undefined);
      if (this.#removing !== undefined) throw this.notRunning(done);
      // Whoever is among the files of a container that does not run has them mounted.
      if (this.pid === null && this.files.isUsed) await this.files.end();
      return action(this.#describeFiles());
    });
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

  #describeFiles(): FilesOnDisk {
    const { id, store, image, options } = this.#parts;
    return {
      id,
      store,
      label: this.#label,
      base: this.#base,
      config: image.config,
      args: this.spec?.process.args ?? [],
      upper: options.upper ?? 'disk',
      pid: this.pid,
      signal: this.#ending.signal,
      rebase: (base) => {
        this.#base = base;
      },
    };
  }

  /** Decides and launches. From here on there is a process to end. */
  #launch(stdin: 'pipe' | 'ignore'): LaunchedContainer {
    if (this.#removing !== undefined) throw this.notRunning('started');
    const { id, options, store } = this.#parts;
    options.signal?.throwIfAborted();
    this.spec = decideContainer(this.#base, options, id, store, 'prepare');
    const launched = launchContainer(this.spec, id, options, stdin);
    this.#child = launched.child;
    this.#wasMounted = true;
    return launched;
  }

  /** Makes its directory fit to be mounted once more. */
  async #renew(): Promise<void> {
    if (!this.#wasMounted || this.#removing !== undefined) return;
    await renewContainerDirectory(this.#parts.store, this.#parts.id);
  }

  /** What must be over before somebody may go among its files; undefined when nothing must. */
  #busy(): Promise<unknown> | undefined {
    if (this.state !== 'running' && this.#starting !== undefined) return this.#starting.catch(() => undefined);
    return this.#turns.isOver ? undefined : this.#turns.over();
  }

  async #enterFiles(): Promise<Session> {
    if (this.#removing !== undefined) throw this.notRunning('read or written');
    if (this.pid !== null && this.spec !== null) return enterRunning(this.spec, this.pid);
    const { id, options, store } = this.#parts;
    if (options.upper === 'tmpfs') {
      throw new CaissonError('CHANGES_IN_MEMORY', `${this.#label} has its files in memory, and only while it runs`, {
        hint: "make it with { upper: 'disk' }, the default",
      });
    }
    await this.#renew();
    this.#wasMounted = true;
    // Whoever its command is, and whether it has one, is of no concern yet.
    return enterStopped(decideContainer(this.#base, { ...options, user: 0, command: ['true'] }, id, store, 'prepare'));
  }

  async #start(): Promise<void> {
    await this.#turns.over();
    if (this.files.isUsed) await this.files.end();
    await this.#renew();
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
    if (this.files.isUsed) void this.files.end();
    this.#parts.listener.exit(status);
    // Who aborts is done with it.
    if (this.#parts.options.signal?.aborted === true) await this.remove();
  }

  async #remove(): Promise<void> {
    this.#child?.kill('SIGKILL');
    this.#ending.abort(new CaissonError('CONTAINER_REMOVED', `${this.#label} was removed`));
    // What waits for it to be over, a start or a snapshot, ends then.
    if (this.files.isUsed) await this.files.abandon();
    await this.#starting?.catch(() => undefined);
    await this.#turns.over();
    await this.#child?.exited;
    if (this.files.isUsed) await this.files.abandon();
    for (const process of this.#processes) process.release();
    await removeContainerDirectory(this.#parts.store, this.#parts.id);
    this.state = 'removed';
    this.#parts.listener.removed();
  }
}
