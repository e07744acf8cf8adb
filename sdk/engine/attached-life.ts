/**
 * The life of a container that is this thread's own: its first process is a child of ours, and dies with us. What may
 * follow what, and what is undone.
 */
import type { Writable } from 'node:stream';
import { inspect } from 'node:util';
import {
  containerPaths,
  createContainerDirectory,
  type EventName,
  forgetStop,
  inheritRoot,
  readContainerState,
  removeContainerDirectory,
  renameContainer,
  renewContainerDirectory,
  type Store,
  stopRequestOf,
} from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import { Access, enterRunning, enterStopped, type Session } from '../fs/index.ts';
import type { ContainerHealth } from '../health-status.ts';
import type { Image } from '../image.ts';
import { Process } from '../process.ts';
import type { RestartPolicy } from '../spec/life-options.ts';
import type { ContainerOptions, ProcessOptions, TerminalSize } from '../spec/options.ts';
import { hasReaper, type Spec, type SpecMount } from '../spec/spec.ts';
import { endOnAbort } from './abort.ts';
import { type Attachment, type AttachOptions, attachTo } from './attach.ts';
import type { Child } from './child.ts';
import { decideContainer, decideFiles } from './decide.ts';
import { Deferred } from './deferred.ts';
import type { ExitStatus } from './exit-status.ts';
import { HealthChecks } from './health-checks.ts';
import type { ContainerState, Life, LifeListener } from './life.ts';
import { type LogSource, type Logs, type LogsOptions, logsFrom } from './logs.ts';
import { MemoryLog } from './memory-log.ts';
import { findJoined } from './namespaces.ts';
import { noteSoon } from './note.ts';
import type { Output } from './output.ts';
import { forgetPause, isPaused, pauseContainer, resumeContainer } from './pause.ts';
import { describeContainer } from './recorded.ts';
import { Restarts } from './restarts.ts';
import type { Running } from './running.ts';
import { type FilesOnDisk, noFiles, upperOf } from './snapshot.ts';
import { joinContainer, type LaunchedContainer, launchContainer } from './start.ts';
import { StateNote } from './state-note.ts';
import { type StopOptions, stopProcess } from './stop.ts';
import { Turns } from './turns.ts';
import { usesOfContainer } from './volumes.ts';
import { wrongState } from './wrong-state.ts';

/** What a life is of. */
export interface LifeParts {
  readonly id: string;
  readonly name: string;
  readonly image: Image;
  readonly options: ContainerOptions;
  readonly store: Store;
  readonly listener: LifeListener;
}

/** The life of an attached container. */
export class AttachedLife implements Life {
  readonly id: string;
  readonly createdAt = new Date();
  startedAt: Date | null = null;
  exitedAt: Date | null = null;
  status: ExitStatus | null = null;
  readonly isLost = false;
  readonly isDetached = false;
  spec: Spec | null = null;
  readonly files = new Access({ enter: () => this.#enterFiles(), busy: () => this.#busy() });
  readonly #parts: LifeParts;
  readonly #note: StateNote;
  readonly #restarts: Restarts;
  readonly #log: MemoryLog;
  readonly #health: HealthChecks;
  #name: string;
  #state: Exclude<ContainerState, 'paused'> = 'created';
  /** The first process, from when its command runs. */
  #init: Process | undefined;
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
  /** Its end for good, from its first start on. */
  #over: Deferred<ExitStatus> | undefined;
  #removing: Promise<void> | undefined;

  /** @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE, NAME_TAKEN; then nothing is left */
  constructor(parts: LifeParts) {
    const { id, name, image, options, store } = parts;
    this.#parts = parts;
    this.id = id;
    this.#name = name;
    this.#base = image;
    this.#note = new StateNote(store, id);
    this.#health = new HealthChecks(containerPaths(store, id), (health) => parts.listener.health(health));
    this.#log = new MemoryLog(options.logs?.maxMemoryBytes);
    this.#restarts = new Restarts(options.restart ?? 'no');
    const { origin } = image;
    const description = describeContainer(parts, this.createdAt);
    const { upper } = createContainerDirectory(store, id, {
      ...description,
      uses: usesOfContainer(image, options, store),
    });
    if (origin.kind === 'snapshot') inheritRoot(origin.layers.at(-1) as string, upper);
    this.#tell('create');
  }

  get name(): string {
    return this.#name;
  }

  get health(): ContainerHealth | null {
    return this.#health.read(this.spec, this.startedAt);
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#parts.options.labels ?? {};
  }

  get restartPolicy(): RestartPolicy {
    return this.#parts.options.restart ?? 'no';
  }

  get restarts(): number {
    return this.#restarts.count;
  }

  get state(): ContainerState {
    return this.#state === 'running' && isPaused(this.#parts.store, this.id) ? 'paused' : this.#state;
  }

  get pid(): number | null {
    return this.#state === 'running' ? (this.#init?.pid ?? null) : null;
  }

  get stdin(): Writable {
    return this.#first.stdin;
  }

  get stdout(): Output {
    return this.#first.stdout;
  }

  get stderr(): Output {
    return this.#first.stderr;
  }

  async run(): Promise<Running> {
    return this.#launch('ignore');
  }

  async start(): Promise<void> {
    if (this.#starting !== undefined || this.#state === 'restarting') {
      throw new CaissonError('ALREADY_RUNNING', `${this.#label} is started already`);
    }
    this.#restarts.begin();
    await this.#startNow();
  }

  async stop({ timeoutMs, signal }: StopOptions): Promise<ExitStatus | null> {
    await this.#starting?.catch(() => undefined);
    this.#restarts.end();
    const init = this.#init;
    if (init === undefined) return null;
    const { id, store } = this.#parts;
    const stoppable = {
      pid: init.pid,
      isReaper: this.spec !== null && hasReaper(this.spec),
      kill: (name: NodeJS.Signals) => init.kill(name),
      wait: () => this.wait(),
    };
    const ended = stopProcess(stoppable, signal ?? this.#stopSignal, timeoutMs);
    // It has its signal, and is now to act upon it.
    if (this.state === 'paused') resumeContainer(store, id, init.pid);
    return ended;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (signal === 'SIGKILL' || signal === this.#stopSignal) this.#restarts.end();
    this.#child?.kill(signal);
    if (signal === 'SIGKILL') await this.#child?.exited;
  }

  async wait(): Promise<ExitStatus> {
    await this.#starting;
    if (this.#over === undefined) throw this.notRunning('waited for');
    return this.#over.promise;
  }

  async pause(): Promise<void> {
    const { id, store } = this.#parts;
    await this.#turns.take(async () => {
      if (this.state !== 'running' || this.pid === null) throw this.notRunning('paused');
      await pauseContainer(store, id, this.pid);
    });
  }

  async resume(): Promise<void> {
    if (this.state !== 'paused' || this.pid === null) throw this.notRunning('resumed');
    resumeContainer(this.#parts.store, this.id, this.pid);
  }

  rename(name: string): void {
    if (this.#removing !== undefined) throw this.notRunning('renamed');
    this.#name = renameContainer(this.#parts.store, this.id, name).name;
  }

  logs(options: LogsOptions): Logs {
    return logsFrom(() => this.#openLog(), options);
  }

  attach(options: AttachOptions): Attachment {
    if (this.pid === null && this.#state !== 'restarting') throw this.notRunning('attached to');
    const parts = { open: () => this.#openLog(), openInput: () => this.stdin, ownsInput: false };
    return attachTo({ ...parts, resize: (size) => this.resize(size) }, options);
  }

  #openLog(): LogSource {
    return this.#log.open(() => this.#init?.drain());
  }

  resize(size: TerminalSize): void {
    this.#init?.resize(size);
  }

  async join(command: readonly string[], options: ProcessOptions, stdin: 'pipe' | 'ignore'): Promise<Running> {
    await this.#starting;
    await this.#turns.over();
    if (this.pid === null || this.spec === null || this.state === 'paused') throw this.notRunning('entered');
    return joinContainer(this.spec, this.pid, command, options, stdin);
  }

  withFiles<T>(done: string, action: (files: FilesOnDisk) => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      await this.#starting?.catch(() => undefined);
      if (this.#removing !== undefined) throw this.notRunning(done);
      // Whoever is among the files of a container that does not run has them mounted.
      if (this.pid === null && this.files.isUsed) await this.files.end();
      return action(this.#describeFiles());
    });
  }

  adopt(running: Running): Process {
    return this.#adopt(running);
  }

  #adopt(running: Running, log?: MemoryLog): Process {
    const process = new Process(running, log);
    this.#processes.add(process);
    const forget = () => {
      if (process.isSettled) this.#processes.delete(process);
    };
    process.wait().then(forget, forget);
    return process;
  }

  remove(): Promise<void> {
    this.#removing ??= this.#remove();
    return this.#removing;
  }

  remount(mounts: readonly SpecMount[]): void {
    if (this.spec !== null) this.spec = { ...this.spec, mounts };
  }

  notRunning(done: string): CaissonError {
    return wrongState(
      this.#name,
      this.#removing === undefined || this.state === 'removed' ? this.state : 'being removed',
      done,
    );
  }

  get #first(): Process {
    if (this.#init === undefined) throw this.notRunning('read or written');
    return this.#init;
  }

  get #label(): string {
    return `container ${inspect(this.#name)}`;
  }

  get #stopSignal(): NodeJS.Signals {
    const { options, image } = this.#parts;
    return options.stopSignal ?? ((image.config.StopSignal ?? 'SIGTERM') as NodeJS.Signals);
  }

  #tell(event: EventName, value?: number): void {
    const { store, image } = this.#parts;
    noteSoon(store, event, { id: this.id, name: this.#name, image: image.name, labels: this.labels }, value);
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
      upper: upperOf(options),
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
    this.#note.open();
    this.spec = decideContainer(this.#base, options, id, store, 'prepare', findJoined);
    const launched = launchContainer(store, this.spec, id, options, stdin, (status) => this.#noteEnd(status));
    this.#child = launched.child;
    this.#wasMounted = true;
    this.#restarts.launched();
    this.#note.begin(launched.child.pid, this.#restarts.count);
    this.#tell('start', launched.child.pid);
    return launched;
  }

  /** Makes its directory fit to be mounted once more. */
  async #renew(): Promise<void> {
    if (!this.#wasMounted || this.#removing !== undefined) return;
    await renewContainerDirectory(this.#parts.store, this.id);
  }

  /** What must be over before somebody may go among its files; undefined when nothing must. */
  #busy(): Promise<unknown> | undefined {
    if (this.#state !== 'running' && this.#starting !== undefined) return this.#starting.catch(() => undefined);
    return this.#turns.isOver ? undefined : this.#turns.over();
  }

  async #enterFiles(): Promise<Session> {
    if (this.#removing !== undefined) throw this.notRunning('read or written');
    if (this.pid !== null && this.spec !== null) return enterRunning(this.spec, this.pid);
    const { id, options, store } = this.#parts;
    if (upperOf(options) === 'none') throw noFiles(this.#label, 'read or written while it does not run');
    if (options.upper === 'tmpfs') {
      throw new CaissonError('CHANGES_IN_MEMORY', `${this.#label} has its files in memory, and only while it runs`, {
        hint: "make it with { upper: 'disk' }, the default",
      });
    }
    await this.#renew();
    this.#wasMounted = true;
    // Whoever its command is, and whether it has one, is of no concern yet.
    return enterStopped(decideFiles(this.#base, options, id, store));
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
    await this.#turns.over();
    if (this.files.isUsed) await this.files.end();
    if (this.#wasMounted) this.#forgetRequests();
    await this.#renew();
    const launched = this.#launch('pipe');
    const held = this.#health.hold(this.spec as Spec, launched.child.pid);
    const guard = endOnAbort(launched.child, launched.signal);
    try {
      await launched.started();
    } catch (error) {
      held?.abandon();
      this.#note.giveUp();
      if (guard.hasEnded) throw launched.signal?.reason;
      throw error;
    } finally {
      guard.release();
    }
    this.#log.begin();
    this.#init = this.#adopt(launched, this.#log);
    await held?.begin(launched.child);
    if (this.#over === undefined || this.#over.isSettled) this.#over = new Deferred();
    this.startedAt = new Date();
    this.#state = 'running';
    this.#parts.listener.started();
    void launched.child.exited.then((status) => this.#exit(status));
  }

  #forgetRequests(): void {
    forgetStop(this.#parts.store, this.id);
    forgetPause(this.#parts.store, this.id);
  }

  /** Whether it is started again is decided here, since it is noted with its end. */
  #noteEnd(waitStatus: number): void {
    const { store, options } = this.#parts;
    const isWanted = this.#removing === undefined && options.signal?.aborted !== true;
    const isRestarted =
      isWanted && this.#restarts.decide(waitStatus, () => stopRequestOf(store, this.id) === undefined);
    this.#note.end(waitStatus, isRestarted);
    this.#tell('exit', waitStatus);
  }

  async #exit(status: ExitStatus): Promise<void> {
    const { options, listener, store } = this.#parts;
    this.status = status;
    this.exitedAt = new Date();
    this.#starting = undefined;
    if (this.files.isUsed) void this.files.end();
    this.#state = this.#restarts.isDue ? 'restarting' : 'exited';
    listener.exit(status);
    if (this.#state === 'restarting' && (await this.#startAgain())) return;
    this.#over?.settle(this.#init?.wait());
    const endLog = () => this.#log.end();
    this.#init?.wait().then(endLog, endLog);
    // Who aborts is done with it; and so is who has removed it in another process.
    const isRemovedElsewhere = status.signal === 'SIGKILL' && wasRemoved(store, this.id);
    if (isRemovedElsewhere || options.signal?.aborted === true) await this.remove();
  }

  /** @returns whether it runs again */
  async #startAgain(): Promise<boolean> {
    const isWanted = await this.#restarts.pause();
    const isStarted =
      isWanted &&
      (await this.#startNow().then(
        () => true,
        () => false,
      ));
    if (isStarted) {
      this.#tell('restart');
      return true;
    }
    this.#note.giveUp();
    this.#state = 'exited';
    return false;
  }

  async #remove(): Promise<void> {
    this.#restarts.end();
    this.#child?.kill('SIGKILL');
    this.#ending.abort(new CaissonError('CONTAINER_REMOVED', `${this.#label} was removed`));
    // What waits for it to be over, a start or a snapshot, ends then.
    if (this.files.isUsed) await this.files.abandon();
    await this.#starting?.catch(() => undefined);
    await this.#turns.over();
    await this.#child?.exited;
    await this.#health.ended();
    if (this.files.isUsed) await this.files.abandon();
    for (const process of this.#processes) process.release();
    this.#log.end();
    this.#note.close();
    await removeContainerDirectory(this.#parts.store, this.id, this.#name);
    this.#state = 'removed';
    this.#tell('remove');
    this.#parts.listener.removed();
  }
}

/** Whether another process has removed a container, or is just about to. */
function wasRemoved(store: Store, id: string): boolean {
  return stopRequestOf(store, id) === 'remove' || readContainerState(store, id) === undefined;
}
