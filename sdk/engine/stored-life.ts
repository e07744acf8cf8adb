/**
 * The life of a container that is known by what is on disk: a detached one, or that of another process or thread. Its
 * first process is held by a descriptor whenever something is done to it (held.ts).
 */
import type { Writable } from 'node:stream';
import { inspect } from 'node:util';
import {
  askToStop,
  type CellState,
  containerLockPath,
  containerPaths,
  discardContainerDirectory,
  EVENT_NUMBERS,
  forgetStop,
  hasWriter,
  type Lock,
  leaveContainer,
  readContainerState,
  readRecordIfWhole,
  renameContainer,
  renewContainerDirectory,
  tryLock,
} from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import { Access, enterRunning, enterStopped, type Session } from '../fs/index.ts';
import type { ContainerHealth } from '../health-status.ts';
import { Process } from '../process.ts';
import type { RestartPolicy } from '../spec/life-options.ts';
import type { ProcessOptions, TerminalSize } from '../spec/options.ts';
import type { Spec, SpecMount } from '../spec/spec.ts';
import { type Attachment, type AttachOptions, attachTo, followStream } from './attach.ts';
import { decideContainer, decideFiles } from './decide.ts';
import { takeClaim } from './decide-ids.ts';
import { type ExitStatus, exitStatusOf } from './exit-status.ts';
import { healthOf } from './health.ts';
import { type Held, holdFirst } from './held.ts';
import type { ContainerState, Life, LifeListener } from './life.ts';
import { type Logs, type LogsOptions, logsFrom } from './logs.ts';
import { findJoined } from './namespaces.ts';
import { eventPayload, note } from './note.ts';
import { openNamespaces } from './open-namespaces.ts';
import type { Output } from './output.ts';
import { forgetPause, isPaused, pauseContainer, resumeContainer } from './pause.ts';
import type { Running } from './running.ts';
import { type FilesOnDisk, noFiles, upperOf } from './snapshot.ts';
import { joinContainer } from './start.ts';
import { type StopOptions, stopProcess } from './stop.ts';
import { endOf } from './stored-end.ts';
import { openStoredInput } from './stored-input.ts';
import { openStoredLog } from './stored-logs.ts';
import { readSpec, type StoredParts, specOf, writeSpec } from './stored-spec.ts';
import { startSupervised } from './supervisor.ts';
import { supervisorEnd, tellSupervisor } from './supervisor-request.ts';
import { Turns } from './turns.ts';
import { userNamespaceOf } from './user-namespace.ts';
import { wrongState } from './wrong-state.ts';

/** The life of a container of the store. */
export class StoredLife implements Life {
  readonly id: string;
  readonly createdAt: Date;
  readonly labels: Readonly<Record<string, string>>;
  readonly files = new Access({
    enter: () => this.#enterFiles(),
    busy: () => (this.#turns.isOver ? undefined : this.#turns.over()),
    left: () => this.#unlock(),
  });
  #parts: StoredParts;
  readonly #listener: LifeListener;
  readonly #turns = new Turns();
  readonly #ending = new AbortController();
  /** Held while the files of a container that does not run are mounted for us. */
  #lock: Lock | undefined;
  #removing: Promise<void> | undefined;
  #stdin: Writable | undefined;
  #stdout: Output | undefined;
  #stderr: Output | undefined;

  constructor(parts: StoredParts, listener: LifeListener) {
    this.#parts = parts;
    this.#listener = listener;
    this.id = parts.record.id;
    this.createdAt = new Date(parts.record.createdAt);
    this.labels = parts.record.labels;
  }

  get name(): string {
    const record = readRecordIfWhole(this.#parts.store, this.id);
    if (record !== undefined) this.#parts = { ...this.#parts, record };
    return this.#parts.record.name;
  }

  get state(): ContainerState {
    const { store, record } = this.#parts;
    const cell = this.#cell;
    if (cell === undefined) return 'removed';
    if (cell.phase === 'created' || cell.phase === 'exited') return cell.phase;
    if (!hasWriter(store, record)) return this.#cell?.phase === cell.phase && !record.detached ? 'removed' : 'exited';
    if (cell.phase === 'waiting') return 'restarting';
    return isPaused(store, this.id) ? 'paused' : 'running';
  }

  get pid(): number | null {
    return ['running', 'paused'].includes(this.state) ? (this.#cell?.pid ?? null) : null;
  }

  get startedAt(): Date | null {
    return this.#cell?.startedAt ?? null;
  }

  get exitedAt(): Date | null {
    return this.#cell?.finishedAt ?? null;
  }

  get status(): ExitStatus | null {
    const cell = this.#cell;
    return cell?.phase === 'exited' || cell?.phase === 'waiting' ? exitStatusOf(cell.status) : null;
  }

  get isDetached(): boolean {
    return this.#parts.record.detached;
  }

  get restartPolicy(): RestartPolicy {
    return this.#parts.options.restart ?? 'no';
  }

  get restarts(): number {
    return this.#cell?.restarts ?? 0;
  }

  get isLost(): boolean {
    return this.state === 'exited' && this.#cell?.phase !== 'exited';
  }

  get health(): ContainerHealth | null {
    return healthOf(this.spec, containerPaths(this.#parts.store, this.id).health, this.startedAt);
  }

  get spec(): Spec | null {
    const { pid } = this;
    return pid === null ? (readSpec(this.#parts.store, this.id) ?? null) : specOf(this.#parts, pid);
  }

  get stdin(): Writable {
    this.#assertLogged();
    this.#stdin ??= openStoredInput(this.#parts.store, this.id, this.#label);
    return this.#stdin;
  }

  get stdout(): Output {
    this.#stdout ??= this.#follow('stdout');
    return this.#stdout;
  }

  get stderr(): Output {
    this.#stderr ??= this.#follow('stderr');
    return this.#stderr;
  }

  run(): Promise<Running> {
    return Promise.reject(new Error('a detached container is started, and not run'));
  }

  start(): Promise<void> {
    return this.#turns.take(async () => {
      const { state } = this;
      if (state !== 'created' && state !== 'exited') throw wrongState(this.name, state, 'started');
      this.#assertDetached('started');
      await this.files.end();
      this.#takeLock('started');
      try {
        await this.#start(state === 'exited');
      } finally {
        // The supervisor has a descriptor of its own that holds it.
        this.#unlock();
      }
      this.#listener.started();
    });
  }

  async stop({ timeoutMs, signal }: StopOptions): Promise<ExitStatus | null> {
    const { store, record, options } = this.#parts;
    if (this.state === 'created' || this.state === 'removed') return null;
    const held = this.#askToEnd('stop');
    if (held === undefined) return (await this.#end()) ?? null;
    try {
      const stoppable = {
        pid: held.pid,
        isReaper: options.init === true || (options.namespaces?.pid ?? 'private') !== 'private',
        kill: (name: NodeJS.Signals) => held.kill(name),
        wait: () => this.wait(),
      };
      const ended = stopProcess(stoppable, signal ?? this.#stopSignal, timeoutMs);
      if (isPaused(store, record.id)) resumeContainer(store, record.id, held.pid);
      return await ended;
    } finally {
      held.release();
    }
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const isEnd = signal === 'SIGKILL' || signal === this.#stopSignal;
    const held = isEnd ? this.#askToEnd('stop') : this.#hold();
    held?.kill(signal);
    held?.release();
    if (signal === 'SIGKILL') await this.#end();
  }

  async wait(): Promise<ExitStatus> {
    if (this.state === 'created') throw this.notRunning('waited for');
    const status = await this.#end();
    if (status !== undefined) return status;
    throw new CaissonError(
      'STATUS_UNKNOWN',
      `nobody saw how ${this.#label} ended: its supervisor was killed, or it was removed`,
    );
  }

  async pause(): Promise<void> {
    await this.#turns.take(async () => {
      const held = this.state === 'running' ? this.#hold() : undefined;
      if (held === undefined) throw this.notRunning('paused');
      try {
        await pauseContainer(this.#parts.store, this.id, held.pid);
      } finally {
        held.release();
      }
    });
  }

  async resume(): Promise<void> {
    const held = this.state === 'paused' ? this.#hold() : undefined;
    if (held === undefined) throw this.notRunning('resumed');
    resumeContainer(this.#parts.store, this.id, held.pid);
    held.release();
  }

  rename(name: string): void {
    this.#assertDetached('renamed');
    renameContainer(this.#parts.store, this.id, name);
  }

  logs(options: LogsOptions): Logs {
    this.#assertLogged();
    return logsFrom(() => openStoredLog(this.#parts.store, this.id), options);
  }

  attach(options: AttachOptions): Attachment {
    this.#assertLogged();
    const { store } = this.#parts;
    if (!['running', 'paused', 'restarting'].includes(this.state)) throw this.notRunning('attached to');
    const parts = {
      open: () => openStoredLog(store, this.id),
      openInput: () => openStoredInput(store, this.id, this.#label),
      ownsInput: true,
      resize: (size: TerminalSize) => this.resize(size),
    };
    return attachTo(parts, options);
  }

  resize(size: TerminalSize): void {
    if (this.#parts.record.detached) tellSupervisor(this.#parts.store, this.id, { resize: size });
  }

  async join(command: readonly string[], options: ProcessOptions, stdin: 'pipe' | 'ignore'): Promise<Running> {
    await this.#turns.over();
    const held = this.state === 'running' ? this.#hold() : undefined;
    if (held === undefined) throw this.notRunning('entered');
    try {
      return await joinContainer(specOf(this.#parts, held.pid), held.pid, command, options, stdin);
    } finally {
      held.release();
    }
  }

  adopt(running: Running): Process {
    return new Process(running);
  }

  withFiles<T>(done: string, action: (files: FilesOnDisk) => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      if (this.state === 'removed') throw this.notRunning(done);
      await this.files.end();
      const held = this.#hold();
      if (held === undefined) this.#takeLock(done);
      try {
        return await action(this.#describeFiles(held));
      } finally {
        held?.release();
        this.#unlock();
      }
    });
  }

  remove(): Promise<void> {
    this.#removing ??= this.#remove();
    return this.#removing;
  }

  /** Of an attached container of another process, that one is not told. */
  remount(mounts: readonly SpecMount[]): void {
    const spec = readSpec(this.#parts.store, this.id);
    if (spec !== undefined) writeSpec(this.#parts.store, this.id, { ...spec, mounts });
  }

  notRunning(done: string): CaissonError {
    return wrongState(this.name, this.state, done);
  }

  get #cell(): CellState | undefined {
    return readContainerState(this.#parts.store, this.id);
  }

  get #label(): string {
    return `container ${inspect(this.#parts.record.name)}`;
  }

  get #stopSignal(): NodeJS.Signals {
    const { options, image } = this.#parts;
    return options.stopSignal ?? ((image.config.StopSignal ?? 'SIGTERM') as NodeJS.Signals);
  }

  /** What it wrote since its log begins, and what it writes. */
  #follow(stream: 'stdout' | 'stderr'): Output {
    this.#assertLogged();
    return followStream(openStoredLog(this.#parts.store, this.id), stream);
  }

  /** Of an attached container, its owner has what it writes. */
  #assertLogged(): void {
    if (this.#parts.record.detached) return;
    throw new CaissonError(
      'LOGS_ELSEWHERE',
      `what ${this.#label} writes and reads is with the process that started it`,
      {
        hint: 'containers that are made with { detach: true } keep it on disk',
      },
    );
  }

  #hold(): Held | undefined {
    return holdFirst(this.#parts.store, this.#parts.record);
  }

  /** From now on nobody starts it again by himself. @returns its first process, if it has one */
  #askToEnd(request: 'stop' | 'remove'): Held | undefined {
    const { store, record } = this.#parts;
    askToStop(store, this.id, request);
    if (record.detached) tellSupervisor(store, this.id, 'look');
    return this.#hold();
  }

  /** Waits until it has ended for good. @returns how, if somebody saw it */
  async #end(): Promise<ExitStatus | undefined> {
    const { store, record } = this.#parts;
    const cell = await endOf(store, record);
    return cell?.phase === 'exited' ? exitStatusOf(cell.status) : undefined;
  }

  #assertDetached(done: string): void {
    const { record } = this.#parts;
    if (record.detached) return;
    throw new CaissonError(
      'OWNED_ELSEWHERE',
      `${this.#label} cannot be ${done} here: it is another process's or thread's`,
      {
        hint: 'containers that are made with { detach: true } are nobody’s',
      },
    );
  }

  /** Nobody starts it, or is among its files, meanwhile. */
  #takeLock(done: string): void {
    this.#assertDetached(done);
    this.#lock = tryLock(containerLockPath(this.#parts.store, this.id));
    if (this.#lock !== undefined) return;
    throw new CaissonError('CONTAINER_BUSY', `${this.#label} cannot be ${done}: another process has it`, {
      hint: 'try again in a second',
    });
  }

  #unlock(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  async #enterFiles(): Promise<Session> {
    const { store, image, options } = this.#parts;
    const held = this.#hold();
    try {
      if (held !== undefined) return await enterRunning(specOf(this.#parts, held.pid), held.pid);
    } finally {
      held?.release();
    }
    if (this.state === 'removed') throw this.notRunning('read or written');
    if (upperOf(options) === 'none') throw noFiles(this.#label, 'read or written while it does not run');
    if (options.upper === 'tmpfs') throw inMemory(this.#label);
    this.#takeLock('read or written');
    try {
      await renewContainerDirectory(store, this.id);
      const spec = decideFiles(image, options, this.id, store);
      return await enterStopped(spec);
    } catch (error) {
      this.#unlock();
      throw error;
    }
  }

  #describeFiles(held: Held | undefined): FilesOnDisk {
    const { store, image, options } = this.#parts;
    return {
      id: this.id,
      store,
      label: this.#label,
      base: image,
      config: image.config,
      args: this.spec?.process.args ?? options.command ?? [],
      upper: upperOf(options),
      pid: held?.pid ?? null,
      // A kill between the two steps of moving them would lose what outlives us.
      isCopied: true,
      signal: this.#ending.signal,
      rebase: () => undefined,
    };
  }

  async #start(isAgain: boolean): Promise<void> {
    const { store, image, options, record } = this.#parts;
    if (isAgain) await renewContainerDirectory(store, this.id);
    forgetStop(store, this.id);
    forgetPause(store, this.id);
    const spec = decideContainer(image, options, this.id, store, 'prepare', findJoined);
    const range = takeClaim(spec);
    const namespaces = openNamespaces(spec, store);
    try {
      writeSpec(store, this.id, spec);
      await startSupervised({
        store,
        id: this.id,
        spec,
        options,
        lock: (this.#lock as Lock).descriptor,
        holds: range?.lock === undefined ? [] : [range.lock],
        values: { ...userNamespaceOf(spec), ...namespaces.values },
        journal: { kinds: { start: EVENT_NUMBERS.start, die: EVENT_NUMBERS.exit }, payload: eventPayload(record) },
      });
      range?.handOver();
      leaveContainer(store, this.id);
    } catch (error) {
      range?.release();
      throw error;
    } finally {
      namespaces.close();
    }
  }

  async #remove(): Promise<void> {
    const { store, record } = this.#parts;
    this.#ending.abort(new CaissonError('CONTAINER_REMOVED', `${this.#label} was removed`));
    if (this.files.isUsed) await this.files.abandon();
    await this.#turns.over();
    const held = this.#askToEnd('remove');
    held?.kill('SIGKILL');
    await held?.ended();
    held?.release();
    const lock = record.detached ? await this.#lockForRemoval() : undefined;
    try {
      await discardContainerDirectory(store, this.id, this.name);
    } finally {
      lock?.release({ remove: true });
    }
    note(store, 'remove', { ...record, name: record.name, image: record.image.name });
    this.#listener.removed();
  }

  async #lockForRemoval(): Promise<Lock> {
    for (;;) {
      await supervisorEnd(this.#parts.store, this.id);
      const lock = tryLock(containerLockPath(this.#parts.store, this.id));
      if (lock !== undefined) return lock;
      // It is just about to end, or somebody is among the files: nothing tells when that is over.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

function inMemory(label: string): CaissonError {
  return new CaissonError('CHANGES_IN_MEMORY', `${label} has its files in memory, and only while it runs`, {
    hint: "make it with { upper: 'disk' }, the default",
  });
}
