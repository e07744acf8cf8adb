/** What a user may ask of a container. One type per question; `normalize` turns it into a spec. */
import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { Readiness } from '../ready/index.ts';
import type { HealthCheck, LogOptions, RestartPolicy } from './life-options.ts';
import type { DeviceOption, Mount, Propagation } from './mount-options.ts';
import type { NamespaceOptions, NetworkOption, TimeOffsets, UserNamespaceOption } from './namespace-options.ts';
import type { Signal } from './signals.ts';

/** What a process reads from its standard input. Text and bytes are written and the input is ended. */
export type StdinOption =
  | 'pipe'
  | 'ignore'
  | 'inherit'
  | string
  | Uint8Array
  | Readable
  | ReadableStream
  | AsyncIterable<string | Uint8Array>;

/** Where a process's output goes: a stream of ours, nowhere, or this process's own descriptor. */
export type OutputOption = 'pipe' | 'ignore' | 'inherit';

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** What a process in a container gets, be it the container's first or one that is executed in it. */
export interface ProcessOptions {
  /** Variables added to the image's, or replacing them; `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * Name, uid, `uid:gid` or `name:group`; names are looked up in the container's own files.
   * @default the image's user; of an executed process: the container's
   */
  readonly user?: string | number | undefined;
  /**
   * Names or ids of groups that the user is in besides those of the container's /etc/group, where their names are looked
   * up, too. @default none; of an executed process: the container's
   */
  readonly groups?: readonly (string | number)[] | undefined;
  /** Made when it is not there. @default the image's working directory, else `/` */
  readonly workdir?: string | undefined;
  /**
   * Gives the process a terminal: its three descriptors are one, and its output arrives on `stdout`.
   * @default false
   */
  readonly tty?: boolean | TerminalSize | undefined;
  /** @default 'ignore' for `run` and `exec`, 'pipe' for `start` and `spawn` */
  readonly stdin?: StdinOption | undefined;
  /** @default 'pipe' */
  readonly stdout?: OutputOption | undefined;
  /** @default 'pipe' */
  readonly stderr?: OutputOption | undefined;
  /**
   * Ends the process with SIGKILL when it is aborted, and cleans up. Of a detached container it is only the start that is
   * aborted: what runs outlives this process, and its signal.
   */
  readonly signal?: AbortSignal | undefined;
}

/** What a container can be asked for when it is made. */
export interface ContainerOptions extends ProcessOptions {
  /** Replaces the image's command; follows the entrypoint. */
  readonly command?: readonly string[] | undefined;
  /** Replaces the image's entrypoint, and its command too. */
  readonly entrypoint?: readonly string[] | undefined;
  /** @default the first 12 digits of the id */
  readonly name?: string | undefined;
  /** @default the first 12 digits of the id */
  readonly hostname?: string | undefined;
  readonly mounts?: readonly Mount[] | undefined;
  /** Devices of this machine besides null, zero, full, random, urandom and tty. */
  readonly devices?: readonly DeviceOption[] | undefined;
  /** Lines added to its /etc/hosts: addresses by name. */
  readonly hosts?: Readonly<Record<string, string>> | undefined;
  /** Nameservers of its /etc/resolv.conf. @default those of this machine */
  readonly dns?: readonly string[] | undefined;
  /**
   * Runs a tiny process of ours as PID 1 that forwards signals to the command and reaps orphans. Where the container has
   * no PID namespace of its own, there is one in any case, which ends all of its processes with it. It ends as the command
   * does, but of one that is ended by signal n it makes the exit code 128 + n, as Docker's: process 1 cannot be ended so.
   * @default false
   */
  readonly init?: boolean | undefined;
  /**
   * `'none'`: a network of its own with nothing but loopback. `'host'`: this machine's. Or another's.
   * @default 'none'
   */
  readonly network?: NetworkOption | undefined;
  /** Namespaces besides network and users. */
  readonly namespaces?: NamespaceOptions | undefined;
  /** Moves the clocks of the container; it gets a time namespace of its own. */
  readonly timeOffsets?: TimeOffsets | undefined;
  /**
   * Which ids of this machine the container's are. As root, `'auto'` gives it a range of its own, with layers and
   * volumes shown through idmapped mounts (Linux ≥ 5.19), and where the kernel cannot do that it is `'host'`: root there
   * is root here, as with Docker. Of an ordinary user, it is his subordinate ids, or his one.
   * @default 'auto'
   */
  readonly userns?: UserNamespaceOption | undefined;
  /**
   * How mounts travel (man 7 mount_namespaces): with `'shared'`, between the container's root and mount namespaces that
   * are made in it; with `'unchanged'`, between binds that do not say how and the host, as they do on the host.
   * `'private'` and `'slave'` leave it to each bind. @default 'slave'
   */
  readonly propagation?: Propagation | 'unchanged' | undefined;
  /** Makes the container's root file system read-only once it is set up. @default false */
  readonly readOnly?: boolean | undefined;
  /**
   * Where what the container writes is kept: on the store's disk, or in memory, which is gone when its last
   * process is.
   * @default 'disk'
   */
  readonly upper?: 'disk' | 'tmpfs' | undefined;
  /** Names and values of your own, to find containers by. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /**
   * The container outlives this process: a supervisor of a few KiB keeps its log and its exit status, and any later
   * process of this user finds it with `Container.get` and `Container.list`.
   * @default false
   */
  readonly detach?: boolean | undefined;
  /** @default 'no' */
  readonly restart?: RestartPolicy | undefined;
  /** `false`: not even the image's. @default the image's */
  readonly healthCheck?: HealthCheck | false | undefined;
  /** What `start` waits for besides the command's start: all of them. */
  readonly ready?: Readiness | readonly Readiness[] | undefined;
  /**
   * The deadline for the whole start, from the call until its command runs and `ready` holds, in milliseconds. Then what
   * runs is ended; only what is being copied into a new volume is finished first. @default 60 000 with `ready`, else none
   */
  readonly startTimeoutMs?: number | undefined;
  readonly logs?: LogOptions | undefined;
  /** The signal that `stop` sends first: a name, or a number from 1 to 64. @default the image's, else 'SIGTERM' */
  readonly stopSignal?: Signal | undefined;
}

/** How output is collected: as text or as bytes. */
export type Encoding = 'utf8' | 'buffer';

/** Output that was collected so. */
export type Collected<E extends Encoding> = E extends 'buffer' ? Buffer : string;

/** What `run` and `exec` can be asked for besides: they collect output. */
export interface CollectOptions {
  /** `'buffer'` gives the output as a Buffer instead of a string. @default 'utf8' */
  readonly encoding?: Encoding | undefined;
  /**
   * The most that is kept of each stream, in bytes; a process that writes more is ended with an error.
   * @default 100 MiB
   */
  readonly maxOutputBytes?: number | undefined;
  /** Ends the process with SIGKILL after so many milliseconds; the result has `timedOut`. @default never */
  readonly timeoutMs?: number | undefined;
}

/** Options of {@link Container.run}. */
export interface RunOptions
  extends Omit<ContainerOptions, 'command' | 'detach' | 'restart' | 'ready' | 'startTimeoutMs'>,
    CollectOptions {}

/** Options of `container.exec`. */
export interface ExecOptions extends ProcessOptions, CollectOptions {}

/** How `wait` waits. */
export interface WaitOptions {
  /** Ends the waiting when it is aborted, and nothing else. */
  readonly signal?: AbortSignal | undefined;
}
