/**
 * The life of a container that is this thread's own: its first process is a child of ours, and dies with us. What may
 * follow what, and what is undone.
 */
import type { Writable } from 'node:stream';
import { inspect } from 'node:util';
import type { Store } from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import { Access, enterRunning, type Session } from '../fs/index.ts';
import type { ContainerHealth } from '../health-status.ts';
import type { Process } from '../process.ts';
import type { RestartPolicy } from '../spec/life-options.ts';
import type { ProcessOptions, TerminalSize } from '../spec/options.ts';
import type { Signal } from '../spec/signals.ts';
import { hasReaper, type Spec, type SpecMount } from '../spec/spec.ts';
import { type Attachment, type AttachOptions, attachTo } from './attach.ts';
import { AttachedRecord, type LifeParts } from './attached-record.ts';
import { AttachedRoot } from './attached-root.ts';
import { AttachedRuns } from './attached-runs.ts';
import { failedByEnd } from './ending.ts';
import type { ExitStatus } from './exit-status.ts';
import type { ContainerState, Life } from './life.ts';
import { type Logs, type LogsOptions, logsFrom } from './logs.ts';
import type { Output } from './output.ts';
import { isPaused, pauseContainer, resumeContainer } from './pause.ts';
import type { Running } from './running.ts';
import type { FilesOnDisk } from './snapshot.ts';
import { joinContainer } from './start.ts';
import { type StopRequest, stopProcess, stopSignalOf } from './stop.ts';
import { Turns } from './turns.ts';
import { wrongState } from './wrong-state.ts';

/** The life of an attached container. */
export class AttachedLife implements Life {
  readonly id: string;
  readonly store: Store;
  readonly isLost = false;
  readonly isDetached = false;
  readonly files = new Access({ enter: () => this.#enterFiles(), busy: () => this.#busy() });
  readonly #parts: LifeParts;
  readonly #record: AttachedRecord;
  readonly #root: AttachedRoot;
  readonly #runs: AttachedRuns;
  /** What is done with all of its files, and has them to itself. */
  readonly #turns = new Turns();
  /** Ends what is done with all files; made with the first of it, as most containers never have any. */
  #ending: AbortController | undefined;
  #removing: Promise<void> | undefined;

  /** @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE, NAME_TAKEN; then nothing is left */
  constructor(parts: LifeParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.store = parts.store;
    this.#record = new AttachedRecord(parts);
    this.#root = new AttachedRoot(parts);
    this.#runs = new AttachedRuns(parts, {
      label: () => this.#label,
      record: this.#record,
      root: this.#root,
      files: this.files,
      turns: this.#turns,
      isRemoving: () => this.#removing !== undefined,
      remove: () => this.remove(),
      notRunning: (done) => this.notRunning(done),
    });
  }

  get name(): string {
    return this.#record.name;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#record.labels;
  }

  get createdAt(): Date {
    return this.#record.createdAt;
  }

  get startedAt(): Date | null {
    return this.#runs.startedAt;
  }

  get exitedAt(): Date | null {
    return this.#runs.exitedAt;
  }

  get status(): ExitStatus | null {
    return this.#runs.status;
  }

  get spec(): Spec | null {
    return this.#runs.spec;
  }

  get health(): ContainerHealth | null {
    return this.#runs.health.read(this.spec, this.startedAt);
  }

  get restartPolicy(): RestartPolicy {
    return this.#parts.options.restart ?? 'no';
  }

  get restarts(): number {
    return this.#runs.restarts;
  }

  get state(): ContainerState {
    const { state } = this.#runs;
    return state === 'running' && isPaused(this.#parts.store, this.id) ? 'paused' : state;
  }

  get pid(): number | null {
    const { state, init } = this.#runs;
    return state === 'running' ? (init?.pid ?? null) : null;
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
    return this.#runs.launch('ignore');
  }

  start(): Promise<void> {
    return this.#runs.start();
  }

  async stop(request: StopRequest): Promise<ExitStatus | null> {
    await this.#runs.starting?.catch(() => undefined);
    this.#runs.endRestarts();
    const { init } = this.#runs;
    if (init === undefined) return null;
    const { id, store } = this.#parts;
    const stoppable = {
      pid: init.pid,
      isReaper: this.spec !== null && hasReaper(this.spec),
      kill: (name: Signal) => init.kill(name),
      wait: () => this.wait(),
    };
    const ended = stopProcess(stoppable, { ...request, signal: request.signal ?? stopSignalOf(this.#parts) });
    // It has its signal, and is now to act upon it.
    if (this.state === 'paused') await resumeContainer(store, id, init.pid);
    return ended;
  }

  async kill(signal: Signal): Promise<void> {
    if (signal === 'SIGKILL' || signal === stopSignalOf(this.#parts)) this.#runs.endRestarts();
    this.#runs.kill(signal);
    if (signal === 'SIGKILL') await this.#runs.exited;
  }

  async wait(): Promise<ExitStatus> {
    await this.#runs.starting;
    const { over } = this.#runs;
    if (over === undefined) throw this.notRunning('waited for');
    return over;
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
    await resumeContainer(this.#parts.store, this.id, this.pid);
  }

  async rename(name: string): Promise<void> {
    if (this.#removing !== undefined) throw this.notRunning('renamed');
    await this.#record.rename(name);
  }

  logs(options: LogsOptions): Logs {
    return logsFrom(() => this.#runs.openLog(), options);
  }

  attach(options: AttachOptions): Attachment {
    if (this.pid === null && this.#runs.state !== 'restarting') throw this.notRunning('attached to');
    const parts = { open: () => this.#runs.openLog(), openInput: () => this.stdin, ownsInput: false };
    return attachTo({ ...parts, resize: (size) => this.resize(size) }, options);
  }

  resize(size: TerminalSize): void {
    this.#runs.init?.resize(size);
  }

  async join(command: readonly string[], options: ProcessOptions, stdin: 'pipe' | 'ignore'): Promise<Running> {
    await this.#runs.starting;
    await this.#turns.over();
    const { pid, spec } = this;
    if (pid === null || spec === null || this.state === 'paused') throw this.notRunning('entered');
    return this.#whileRunning(pid, 'entered', () => joinContainer(spec, pid, command, options, stdin));
  }

  adopt(running: Running): Process {
    return this.#runs.adopt(running);
  }

  withFiles<T>(done: string, action: (files: FilesOnDisk) => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      await this.#runs.starting?.catch(() => undefined);
      if (this.#removing !== undefined) throw this.notRunning(done);
      // Whoever is among the files of a container that does not run has them mounted.
      if (this.pid === null && this.files.isUsed) await this.files.end();
      const { pid } = this;
      const args = this.spec?.process.args ?? [];
      this.#ending ??= new AbortController();
      const files = this.#root.describe({ label: this.#label, args, pid, signal: this.#ending.signal });
      return pid === null ? action(files) : this.#whileRunning(pid, done, () => action(files));
    });
  }

  async remount(change: (mounts: readonly SpecMount[]) => readonly SpecMount[]): Promise<void> {
    this.#runs.remount(change);
  }

  remove(): Promise<void> {
    this.#removing ??= this.#remove();
    return this.#removing;
  }

  notRunning(done: string): CaissonError {
    return wrongState(
      this.name,
      this.#removing === undefined || this.state === 'removed' ? this.state : 'being removed',
      done,
    );
  }

  get #first(): Process {
    const { init } = this.#runs;
    if (init === undefined) throw this.notRunning('read or written');
    return init;
  }

  get #label(): string {
    return `container ${inspect(this.name)}`;
  }

  /** What must be over before somebody may go among its files; undefined when nothing must. */
  #busy(): Promise<unknown> | undefined {
    const { state, starting } = this.#runs;
    if (state !== 'running' && starting !== undefined) return starting.catch(() => undefined);
    return this.#turns.isOver ? undefined : this.#turns.over();
  }

  async #enterFiles(): Promise<Session> {
    if (this.#removing !== undefined) throw this.notRunning('read or written');
    const { pid, spec } = this;
    if (pid === null || spec === null) return this.#root.enter(this.#label);
    try {
      return await enterRunning(spec, pid);
    } catch (error) {
      if (!(await this.#failedByEnd(error, pid))) throw error;
      return this.#root.enter(this.#label);
    }
  }

  /** Does something in the container, which may end meanwhile. @throws CaissonError NOT_RUNNING when that is why it failed */
  async #whileRunning<T>(pid: number, done: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      if (await this.#failedByEnd(error, pid)) throw this.notRunning(done);
      throw error;
    }
  }

  /** Once it is true, the state says so, too. */
  async #failedByEnd(error: unknown, pid: number): Promise<boolean> {
    return failedByEnd(error, pid, this.#runs.exited ?? Promise.resolve());
  }

  async #remove(): Promise<void> {
    this.#runs.endRestarts();
    this.#runs.kill('SIGKILL');
    this.#ending?.abort(new CaissonError('CONTAINER_REMOVED', `${this.#label} was removed`));
    const abandoned = this.#runs.abandon();
    // What waits for it to be over, a start or a snapshot, ends then.
    if (this.files.isUsed) await this.files.abandon();
    await this.#runs.starting?.catch(() => undefined);
    await this.#turns.over();
    await abandoned;
    await this.#runs.exited;
    await this.#runs.health.ended();
    if (this.files.isUsed) await this.files.abandon();
    this.#runs.release();
    await this.#record.remove();
    this.#runs.removed();
    this.#record.removed();
    this.#parts.listener.removed();
  }
}
