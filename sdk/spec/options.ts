/** What a user may ask of a container. One type per question; `normalize` turns it into a spec. */
import type { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';

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

/** A directory or file of the host, shown at another place in the container. */
export interface BindMount {
  readonly type: 'bind';
  /** An existing path of the host; relative ones are resolved against the working directory of this process. */
  readonly source: string;
  /** Where it appears: an absolute path in the container, made when it is not there. */
  readonly target: string;
  /** Also for everything mounted below the source. @default false */
  readonly readOnly?: boolean | undefined;
}

/** An empty file system in memory, private to the container. */
export interface TmpfsMount {
  readonly type: 'tmpfs';
  /** Where it appears: an absolute path in the container, made when it is not there. */
  readonly target: string;
  /** The most it may hold, in bytes. @default half of the machine's memory */
  readonly sizeBytes?: number | undefined;
  /** The permissions of its root. @default 0o1777 */
  readonly mode?: number | undefined;
  /** @default false */
  readonly readOnly?: boolean | undefined;
}

/** Something that is mounted into a container besides the standard set (proc, sys, dev, pts, shm, mqueue). */
export type Mount = BindMount | TmpfsMount;

/** What a process in a container gets, be it the container's first or one that is executed in it. */
export interface ProcessOptions {
  /** Variables added to the image's, or replacing them; `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * Name, uid, `uid:gid` or `name:group`; names are looked up in the container's own files.
   * @default the image's user; of an executed process: the container's
   */
  readonly user?: string | number | undefined;
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
  /** Ends the process with SIGKILL when it is aborted, and cleans up. */
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
  /**
   * Runs a tiny process of ours as PID 1 that forwards signals to the command and reaps orphans.
   * @default false
   */
  readonly init?: boolean | undefined;
  /**
   * `'none'`: a network of its own with nothing but loopback. `'host'`: this machine's.
   * @default 'none'
   */
  readonly network?: 'none' | 'host' | undefined;
  /** Makes the container's root file system read-only once it is set up. @default false */
  readonly readOnly?: boolean | undefined;
  /**
   * Where what the container writes is kept: on the store's disk, or in memory, which is gone when its last
   * process is.
   * @default 'disk'
   */
  readonly upper?: 'disk' | 'tmpfs' | undefined;
  /** The signal that `stop` sends first. @default the image's, else 'SIGTERM' */
  readonly stopSignal?: NodeJS.Signals | undefined;
}

/** What `run` and `exec` can be asked for besides: they collect output. */
export interface CollectOptions {
  /** `'buffer'` gives the output as a Buffer instead of a string. @default 'utf8' */
  readonly encoding?: 'utf8' | 'buffer' | undefined;
  /**
   * The most that is kept of each stream, in bytes; a process that writes more is ended with an error.
   * @default 100 MiB
   */
  readonly maxOutputBytes?: number | undefined;
  /** Ends the process with SIGKILL after so many milliseconds; the result has `timedOut`. @default never */
  readonly timeoutMs?: number | undefined;
}

/** Options of {@link Container.run}. */
export interface RunOptions extends Omit<ContainerOptions, 'command'>, CollectOptions {}

/** Options of `container.exec`. */
export interface ExecOptions extends Omit<ProcessOptions, 'tty'>, CollectOptions {}
