/**
 * The runs of an attached container, one after the other: its first process is launched, its command runs, it ends, and
 * by its restart policy is started again.
 */
import { containerPaths } from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import type { Access } from '../fs/index.ts';
import type { Process } from '../process.ts';
import type { Signal } from '../spec/signals.ts';
import type { Spec, SpecMount } from '../spec/spec.ts';
import { AdoptedProcesses } from './adopted.ts';
import { type Begun, beginContainer } from './ahead.ts';
import type { AttachedRecord, LifeParts } from './attached-record.ts';
import type { AttachedRoot } from './attached-root.ts';
import type { Child } from './child.ts';
import { Deferred } from './deferred.ts';
import type { ExitStatus } from './exit-status.ts';
import { HealthChecks } from './health-checks.ts';
import type { ContainerState } from './life.ts';
import type { LogSource } from './logs.ts';
import { MemoryLog } from './memory-log.ts';
import { Restarts } from './restarts.ts';
import type { Running } from './running.ts';
import { type LaunchedContainer, launchContainer } from './start.ts';
import type { Turns } from './turns.ts';

/** What the runs have to do with, of the life that they are of. */
export interface RunsOwner {
  /** What errors call the container. */
  label(): string;
  readonly record: AttachedRecord;
  readonly root: AttachedRoot;
  /** Nobody is among them while it starts. */
  readonly files: Access;
  /** What is done with all of its files: no run begins meanwhile. */
  readonly turns: Turns;
  /** Whether nothing is to be started any more. */
  isRemoving(): boolean;
  remove(): Promise<void>;
  notRunning(done: string): CaissonError;
}

/** The runs of one container. */
export class AttachedRuns {
  startedAt: Date | null = null;
  exitedAt: Date | null = null;
  status: ExitStatus | null = null;
  spec: Spec | null = null;
  readonly health: HealthChecks;
  readonly #parts: LifeParts;
  readonly #owner: RunsOwner;
  readonly #restarts: Restarts;
  readonly #log: MemoryLog;
  readonly #adopted = new AdoptedProcesses();
  #state: Exclude<ContainerState, 'paused'> = 'created';
  /** The process of the run that is about to be decided. */
  #begun: Begun | undefined;
  #child: Child | undefined;
  /** The first process, from when its command runs. */
  #init: Process | undefined;
  #starting: Promise<void> | undefined;
  /** Its end for good, from its first start on. */
  #over: Deferred<ExitStatus> | undefined;

  constructor(parts: LifeParts, owner: RunsOwner) {
    const { id, options, store, listener } = parts;
    this.#parts = parts;
    this.#owner = owner;
    this.#begun = parts.begun;
    this.health = new HealthChecks(containerPaths(store, id), (health) => listener.health(health));
    this.#log = new MemoryLog(options.logs?.maxMemoryBytes);
    this.#restarts = new Restarts(options.restart ?? 'no');
  }

  get state(): Exclude<ContainerState, 'paused'> {
    return this.#state;
  }

  /** The first process of this run or the last, from when its command runs. */
  get init(): Process | undefined {
    return this.#init;
  }

  /** A start that goes on, or has led to the run that goes on. */
  get starting(): Promise<void> | undefined {
    return this.#starting;
  }

  /** The end for good, from the first start on. */
  get over(): Promise<ExitStatus> | undefined {
    return this.#over?.promise;
  }

  /** The end of the first process that was launched last. */
  get exited(): Promise<unknown> | undefined {
    return this.#child?.exited;
  }

  /** How often it was started again since somebody started it. */
  get restarts(): number {
    return this.#restarts.count;
  }

  /** Launches, and decides meanwhile. From here on there is a process to end. */
  async launch(stdin: 'pipe' | 'ignore'): Promise<LaunchedContainer> {
    try {
      const spec = this.#decide(stdin);
      if (this.#begun?.fits(spec) === false) await this.abandon();
      return this.#launchDecided(spec, stdin);
    } catch (error) {
      await this.abandon();
      throw error;
    }
  }

  /** Ends what was begun and is not to be started. */
  async abandon(): Promise<void> {
    const begun = this.#begun;
    this.#begun = undefined;
    await begun?.abandon();
  }

  #decide(stdin: 'pipe' | 'ignore'): Spec {
    const { record, root } = this.#owner;
    if (this.#owner.isRemoving()) throw this.#owner.notRunning('started');
    const { options } = this.#parts;
    options.signal?.throwIfAborted();
    this.#begun ??= beginContainer(options, stdin);
    record.open();
    return root.decide();
  }

  #launchDecided(spec: Spec, stdin: 'pipe' | 'ignore'): LaunchedContainer {
    const { record, root } = this.#owner;
    const { id, options, store } = this.#parts;
    this.spec = spec;
    const onEnd = (status: number) => this.#noteEnd(status);
    const launched = launchContainer(spec, { store, id, options, stdin, begun: this.#begun, onEnd });
    this.#begun = undefined;
    this.#child = launched.child;
    root.mounted();
    this.#restarts.launched();
    record.launched(launched.child.pid, this.#restarts.count);
    return launched;
  }

  /** Starts the command, because somebody wants it; resolves when it runs. */
  async start(): Promise<void> {
    if (this.#starting !== undefined || this.#state === 'restarting') {
      throw new CaissonError('ALREADY_RUNNING', `${this.#owner.label()} is started already`);
    }
    this.#restarts.begin();
    if (this.#owner.root.wasMounted) this.#owner.record.forgetRequests();
    await this.#startNow();
  }

  /** From now on it is not started again by itself. */
  endRestarts(): void {
    this.#restarts.end();
  }

  /** Sends a signal to the first process, be it just about to run its command. */
  kill(signal: Signal): void {
    this.#child?.kill(signal);
  }

  /** {@link AdoptedProcesses.adopt} */
  adopt(running: Running): Process {
    return this.#adopted.adopt(running);
  }

  /** Opens what all runs have written. */
  openLog(): LogSource {
    return this.#log.open(() => this.#init?.drain());
  }

  /** Notes what is mounted in it until it ends. */
  remount(change: (mounts: readonly SpecMount[]) => readonly SpecMount[]): void {
    if (this.spec !== null) this.spec = { ...this.spec, mounts: change(this.spec.mounts) };
  }

  /** Lets go of what the processes have written. */
  release(): void {
    this.#adopted.release();
    this.#log.end();
  }

  /** There will be no other. */
  removed(): void {
    this.#state = 'removed';
  }

  async #startNow(): Promise<void> {
    this.#starting = this.#start();
    try {
      await this.#starting;
    } catch (error) {
      this.#starting = undefined;
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { files, record, root, turns } = this.#owner;
    await turns.over();
    if (files.isUsed) await files.end();
    if (root.wasMounted) await record.forgetPause();
    if (!this.#owner.isRemoving()) await root.renew();
    const launched = await this.launch('pipe');
    const held = this.health.hold(this.spec as Spec, launched.child.pid);
    try {
      await launched.started();
    } catch (error) {
      held?.abandon();
      record.giveUp();
      throw error;
    }
    this.#log.begin();
    this.#init = this.#adopted.adopt(launched, this.#log);
    await held?.begin(launched.child);
    if (this.#over === undefined || this.#over.isSettled) this.#over = new Deferred();
    this.startedAt = new Date();
    this.#state = 'running';
    this.#parts.listener.started();
    void launched.child.exited.then((status) => this.#exit(status));
  }

  /** Whether it is started again is decided here, since it is noted with its end. */
  #noteEnd(waitStatus: number): void {
    const { record } = this.#owner;
    const isWanted = !this.#owner.isRemoving() && this.#parts.options.signal?.aborted !== true;
    const isRestarted = isWanted && this.#restarts.decide(waitStatus, () => !record.isAskedToEnd);
    record.ended(waitStatus, isRestarted);
  }

  async #exit(status: ExitStatus): Promise<void> {
    const { options, listener } = this.#parts;
    const { files, record } = this.#owner;
    this.status = status;
    this.exitedAt = new Date();
    this.#starting = undefined;
    if (files.isUsed) void files.end();
    // What cannot be removed now is met again by the next start, and by the removal.
    void record.forgetPause().catch(() => undefined);
    this.#state = this.#restarts.isDue ? 'restarting' : 'exited';
    listener.exit(status);
    if (this.#state === 'restarting' && (await this.#startAgain())) return;
    this.#over?.settle(this.#init?.wait());
    const endLog = () => this.#log.end();
    this.#init?.wait().then(endLog, endLog);
    // Who aborts is done with it; and so is who has removed it in another process.
    const isRemovedElsewhere = status.signal === 'SIGKILL' && record.isRemovedElsewhere;
    if (isRemovedElsewhere || options.signal?.aborted === true) await this.#owner.remove();
  }

  /** Until it is time, or somebody wants its end. @returns whether it is to be started */
  async #pause(): Promise<boolean> {
    const { record } = this.#owner;
    const look = () => {
      if (record.isAskedToEnd) this.#restarts.end();
    };
    const stopLooking = record.onRequest(look);
    look();
    try {
      return await this.#restarts.pause();
    } finally {
      stopLooking();
    }
  }

  /** @returns whether it runs again */
  async #startAgain(): Promise<boolean> {
    const { record } = this.#owner;
    const isWanted = await this.#pause();
    const isStarted =
      isWanted &&
      (await this.#startNow().then(
        () => true,
        () => false,
      ));
    if (isStarted) {
      record.restarted();
      return true;
    }
    record.giveUp();
    this.#state = 'exited';
    return false;
  }
}
