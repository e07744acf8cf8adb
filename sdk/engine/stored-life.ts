/**
 * The life of a container that is known by what is on disk: a detached one, or that of another process or thread. Its
 * first process is held by a descriptor whenever something is done to it (held.ts).
 */
import type { Writable } from 'node:stream';
import { discardContainerDirectory, type Store, whileRecordIsOurs } from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import { Access } from '../fs/index.ts';
import type { ContainerHealth } from '../health-status.ts';
import { Process } from '../process.ts';
import type { RestartPolicy } from '../spec/life-options.ts';
import type { ProcessOptions, TerminalSize } from '../spec/options.ts';
import type { Signal } from '../spec/signals.ts';
import type { Spec, SpecMount } from '../spec/spec.ts';
import type { Attachment, AttachOptions } from './attach.ts';
import { failedByEnd } from './ending.ts';
import type { ExitStatus } from './exit-status.ts';
import type { ContainerState, Life, LifeListener } from './life.ts';
import type { Logs, LogsOptions } from './logs.ts';
import { note } from './note.ts';
import type { Output } from './output.ts';
import { pauseContainer, resumeContainer } from './pause.ts';
import type { Running } from './running.ts';
import type { FilesOnDisk } from './snapshot.ts';
import { joinContainer } from './start.ts';
import type { StopRequest } from './stop.ts';
import { describeStored, enterStored } from './stored-files.ts';
import { StoredLock } from './stored-lock.ts';
import { StoredNews } from './stored-news.ts';
import { changeMounts, type StoredParts, specOf } from './stored-spec.ts';
import { startStored } from './stored-start.ts';
import { holdToEnd, killStored, stopStored, waitForStored } from './stored-stop.ts';
import { StoredStreams } from './stored-streams.ts';
import { StoredView } from './stored-view.ts';
import { Turns } from './turns.ts';
import { wrongState } from './wrong-state.ts';

/** The life of a container of the store. */
export class StoredLife implements Life {
  readonly id: string;
  readonly store: Store;
  readonly createdAt: Date;
  readonly labels: Readonly<Record<string, string>>;
  readonly files = new Access({
    enter: () => enterStored(this.#view, this.#lock),
    busy: () => (this.#turns.isOver ? undefined : this.#turns.over()),
    isAlone: () => this.#lock.isHeld,
    left: () => this.#lock.release(),
  });
  readonly #view: StoredView;
  readonly #streams: StoredStreams;
  /** Held while it is started, and while the files of a container that does not run are mounted for us. */
  readonly #lock: StoredLock;
  readonly #listener: LifeListener;
  readonly #news: StoredNews;
  readonly #turns = new Turns();
  readonly #ending = new AbortController();
  #removing: Promise<void> | undefined;

  constructor(parts: StoredParts, listener: LifeListener) {
    this.#view = new StoredView(parts);
    this.#streams = new StoredStreams(this.#view);
    this.#lock = new StoredLock(this.#view);
    this.#listener = listener;
    this.#news = new StoredNews(this.#view, listener);
    this.id = parts.record.id;
    this.store = parts.store;
    this.createdAt = new Date(parts.record.createdAt);
    this.labels = parts.record.labels;
  }

  get name(): string {
    return this.#view.name;
  }

  get state(): ContainerState {
    return this.#view.state;
  }

  get pid(): number | null {
    return this.#view.pid;
  }

  get startedAt(): Date | null {
    return this.#view.cell?.startedAt ?? null;
  }

  get exitedAt(): Date | null {
    return this.#view.cell?.finishedAt ?? null;
  }

  get status(): ExitStatus | null {
    return this.#view.status;
  }

  get isDetached(): boolean {
    return this.#view.parts.record.detached;
  }

  get restartPolicy(): RestartPolicy {
    return this.#view.parts.options.restart ?? 'no';
  }

  get restarts(): number {
    return this.#view.cell?.restarts ?? 0;
  }

  get isLost(): boolean {
    return this.#view.isLost;
  }

  get health(): ContainerHealth | null {
    return this.#view.health;
  }

  get spec(): Spec | null {
    return this.#view.spec;
  }

  get stdin(): Writable {
    return this.#streams.stdin;
  }

  get stdout(): Output {
    return this.#streams.stdout;
  }

  get stderr(): Output {
    return this.#streams.stderr;
  }

  run(): Promise<Running> {
    return Promise.reject(new Error('a detached container is started, and not run'));
  }

  start(): Promise<void> {
    return this.#turns.take(async () => {
      const { state } = this;
      if (state !== 'created' && state !== 'exited') throw wrongState(this.name, state, 'started');
      this.#view.assertDetached('started');
      await this.files.end();
      const lock = await this.#lock.take('started');
      try {
        await startStored(this.#view.parts, lock);
      } finally {
        // The supervisor has a descriptor of its own that holds it.
        this.#lock.release();
      }
      this.#listener.started();
    });
  }

  stop(request: StopRequest): Promise<ExitStatus | null> {
    return stopStored(this.#view, request).finally(() => this.#news.tell());
  }

  kill(signal: Signal): Promise<void> {
    return killStored(this.#view, signal).finally(() => this.#news.tell());
  }

  wait(): Promise<ExitStatus> {
    return waitForStored(this.#view).finally(() => this.#news.tell());
  }

  async pause(): Promise<void> {
    await this.#turns.take(async () => {
      const held = this.state === 'running' ? this.#view.hold() : undefined;
      if (held === undefined) throw this.notRunning('paused');
      try {
        await pauseContainer(this.#view.parts.store, this.id, held.pid);
      } finally {
        held.release();
      }
    });
  }

  async resume(): Promise<void> {
    const held = this.state === 'paused' ? this.#view.hold() : undefined;
    if (held === undefined) throw this.notRunning('resumed');
    try {
      await resumeContainer(this.#view.parts.store, this.id, held.pid);
    } finally {
      held.release();
    }
  }

  rename(name: string): Promise<void> {
    return this.#view.rename(name);
  }

  logs(options: LogsOptions): Logs {
    return this.#streams.logs(options);
  }

  attach(options: AttachOptions): Attachment {
    return this.#streams.attach(options);
  }

  resize(size: TerminalSize): void {
    this.#streams.resize(size);
  }

  async join(command: readonly string[], options: ProcessOptions, stdin: 'pipe' | 'ignore'): Promise<Running> {
    await this.#turns.over();
    const held = this.state === 'running' ? this.#view.hold() : undefined;
    if (held === undefined) throw this.notRunning('entered');
    try {
      return await joinContainer(specOf(this.#view.parts, held.pid), held.pid, command, options, stdin);
    } catch (error) {
      if (await failedByEnd(error, held.pid, held.ended())) throw this.#endedBefore('entered');
      throw error;
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
      const held = this.#view.hold();
      if (held === undefined) await this.#lock.take(done);
      try {
        return await action(describeStored(this.#view, held, this.#ending.signal));
      } catch (error) {
        if (held !== undefined && (await failedByEnd(error, held.pid, held.ended()))) throw this.#endedBefore(done);
        throw error;
      } finally {
        held?.release();
        this.#lock.release();
      }
    });
  }

  remove(): Promise<void> {
    this.#removing ??= this.#remove();
    return this.#removing;
  }

  /** Of an attached container of another process, that one is not told. */
  remount(change: (mounts: readonly SpecMount[]) => readonly SpecMount[]): Promise<void> {
    return changeMounts(this.#view.parts.store, this.id, change);
  }

  notRunning(done: string): CaissonError {
    return this.#view.notRunning(done);
  }

  /** Its end may not be noted yet. */
  #endedBefore(done: string): CaissonError {
    const { state } = this;
    return wrongState(this.name, state === 'running' ? 'exited' : state, done);
  }

  async #remove(): Promise<void> {
    const { store, record } = this.#view.parts;
    this.#ending.abort(new CaissonError('CONTAINER_REMOVED', `${this.#view.label} was removed`));
    if (this.files.isUsed) await this.files.abandon();
    await this.#turns.over();
    const end = async () => {
      const held = await holdToEnd(this.#view, 'remove');
      held?.kill('SIGKILL');
      await held?.ended();
      held?.release();
    };
    await end();
    const lock = record.detached ? await this.#lock.takeForRemoval(end) : undefined;
    this.#news.tell();
    this.#news.close();
    try {
      // Nobody changes its record meanwhile, and the lock for that goes with it.
      await whileRecordIsOurs(store, this.id, () => discardContainerDirectory(store, this.id, this.name));
    } finally {
      lock?.release({ remove: true });
    }
    note(store, 'remove', { ...record, name: record.name, image: record.image.name });
    this.#listener.removed();
  }
}
