/**
 * The life of a container, as the façade in container.ts tells of it. There are two kinds: of a container that is this
 * thread's own (attached-life.ts), and of one that is known by what is on disk (stored-life.ts): a detached one, or that
 * of another process.
 */
import type { Writable } from 'node:stream';
import type { Store } from '../../store/index.ts';
import type { Access } from '../fs/index.ts';
import type { ContainerHealth } from '../health-status.ts';
import type { Process } from '../process.ts';
import type { RestartPolicy } from '../spec/life-options.ts';
import type { ProcessOptions, TerminalSize } from '../spec/options.ts';
import type { Signal } from '../spec/signals.ts';
import type { Spec, SpecMount } from '../spec/spec.ts';
import type { Attachment, AttachOptions } from './attach.ts';
import type { ExitStatus } from './exit-status.ts';
import type { Logs, LogsOptions } from './logs.ts';
import type { Output } from './output.ts';
import type { Running } from './running.ts';
import type { FilesOnDisk } from './snapshot.ts';
import type { StopRequest } from './stop.ts';

/**
 * Where in its life a container is.
 *
 *     created ──start──▶ running ──its first process ends──▶ exited ──start──▶ running
 *        │                │  ▲ └─ pause ─▶ paused ─ resume ─▶ running
 *        │                ▼  └─ its restart policy ─ restarting ◀─ its first process ends
 *        └──────────────── remove ──▶ removed
 */
export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removed';

/** What the owner of a life is told. */
export interface LifeListener {
  started(): void;
  exit(status: ExitStatus): void;
  removed(): void;
  /** Its health has become another one. */
  health(health: ContainerHealth): void;
  /** Calls back whenever somebody has begun or ceased to listen. @returns tells whether an event has listeners */
  onListeners(changed: () => void): (event: 'exit' | 'health') => boolean;
}

/** A container's directories, its processes and their order. */
export interface Life {
  readonly id: string;
  /** Where it is, be CAISSON_ROOT another one by now. */
  readonly store: Store;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: ContainerState;
  /** The first process's id on the host; null when the container does not run. */
  readonly pid: number | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly exitedAt: Date | null;
  /** How its first process ended the last time; null as long as it has not. */
  readonly status: ExitStatus | null;
  /** How often its restart policy has started it again. */
  readonly restarts: number;
  /** Whether it ended without anybody being there to see how: its supervisor was killed, or the machine. */
  readonly isLost: boolean;
  readonly isDetached: boolean;
  readonly restartPolicy: RestartPolicy;
  /** Everything decided about the container; null where nobody has decided it yet. */
  readonly spec: Spec | null;
  /** How it is, by its health check; null when it has none, or has not been started. */
  readonly health: ContainerHealth | null;
  /** The way to its files, from outside. */
  readonly files: Access;
  /** @throws CaissonError NOT_RUNNING, NO_STREAM */
  readonly stdin: Writable;
  readonly stdout: Output;
  readonly stderr: Output;

  /** Launches the command for who wants only its result: whether it was started is seen when it has ended. */
  run(): Promise<Running>;
  /** Starts the command; resolves when it runs. */
  start(): Promise<void>;
  /** Ends the container with grace. @returns how it ended; null when it did not run */
  stop(request: StopRequest): Promise<ExitStatus | null>;
  /** Sends a signal to the first process; with SIGKILL, waits for its end. */
  kill(signal: Signal): Promise<void>;
  /** Waits until it has ended and is not started again by itself. */
  wait(): Promise<ExitStatus>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  rename(name: string): Promise<void>;
  /** Ends what runs and removes what is on disk. Idempotent. */
  remove(): Promise<void>;
  /**
   * What it has written.
   * @throws CaissonError LOGS_ELSEWHERE where only its owner has it
   */
  logs(options: LogsOptions): Logs;
  /** @throws CaissonError NOT_RUNNING, LOGS_ELSEWHERE */
  attach(options: AttachOptions): Attachment;
  /** Tells its first process the size of its terminal. */
  resize(size: TerminalSize): void;
  /** Starts another process in the running container. */
  join(command: readonly string[], options: ProcessOptions, stdin: 'pipe' | 'ignore'): Promise<Running>;
  /** Makes a process of what was started: its output can be read as long as the container is there. */
  adopt(running: Running): Process;
  /**
   * Does something with all of the container's files. Meanwhile it does not start, nothing enters it, and its removal
   * aborts it and waits.
   * @param done completes "the container cannot be …"
   */
  withFiles<T>(done: string, action: (files: FilesOnDisk) => Promise<T>): Promise<T>;
  /** Notes what is mounted in it from now on, until it ends. @param change is given what is noted, which others change, too */
  remount(change: (mounts: readonly SpecMount[]) => readonly SpecMount[]): Promise<void>;
  /** The error for what cannot be done in this state. */
  notRunning(done: string): Error;
}
