/** A container: the thing with a life. */
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { inspect } from 'node:util';
import { EventEmitter } from 'eventemitter3';
import type { EventName } from '../store/index.ts';
import type { Change } from '../store/transfer.ts';
import { acrossCopies } from '../syscalls/common.ts';
import { attachedContainers } from './attached-containers.ts';
import type { EventOptions, StoreEvent } from './container-events.ts';
import type { ContainerEvents, ContainerInfo } from './container-info.ts';
import { describePlan } from './describe-plan.ts';
import type { Attachment, AttachOptions } from './engine/attach.ts';
import type { ConnectOptions } from './engine/connect.ts';
import type { ExitStatus } from './engine/exit-status.ts';
import type { ContainerState, Life } from './engine/life.ts';
import type { Logs, LogsOptions } from './engine/logs.ts';
import type { Output } from './engine/output.ts';
import type { Result } from './engine/result.ts';
import type { Running } from './engine/running.ts';
import type { StopOptions } from './engine/stop.ts';
import type { ProcessInfo } from './engine/top.ts';
import { followEvents, getContainer, listContainers } from './find-containers.ts';
import type { ArchiveContent, ContainerFiles, CopyInOptions, CopyOutOptions, CopyResult } from './fs/index.ts';
import type { ContainerHealth } from './health-status.ts';
import type { Image } from './image.ts';
import { onListeners } from './listeners.ts';
import { type ContainerParts, makeContainer, type Runtime } from './make-container.ts';
import type { Plan } from './plan/plan.ts';
import type { Process } from './process.ts';
import type { StartOptions } from './ready/start.ts';
import {
  checkCommand,
  checkProcessOptions,
  checkStopOptions,
  checkTerminalSize,
  checkWaitOptions,
  splitExecOptions,
  splitRunOptions,
} from './spec/check.ts';
import { checkName } from './spec/check-life.ts';
import { checkAttachOptions, checkLogsOptions } from './spec/check-logs.ts';
import { checkMount, checkUnmount } from './spec/check-mounts.ts';
import { isObject } from './spec/checks.ts';
import type { CommitOptions, SnapshotOptions } from './spec/commit.ts';
import { copyOptions } from './spec/copy.ts';
import type { ListOptions } from './spec/filter.ts';
import type { Mount } from './spec/mount-options.ts';
import type {
  Collected,
  ContainerOptions,
  Encoding,
  ExecOptions,
  ProcessOptions,
  RunOptions,
  TerminalSize,
  WaitOptions,
} from './spec/options.ts';
import { normalizeSignal, type Signal } from './spec/signals.ts';

/**
 * A Linux container. It is a child of this process: it dies with it (or with its worker thread), and its files are
 * then removed by the next process that uses the store.
 *
 * @example
 * await using container = await Container.start(Image.host(), { command: ['sleep', '60'] });
 * const { stdout } = await container.exec(['ps', 'aux']);
 */
export class Container extends EventEmitter<ContainerEvents> {
  static {
    acrossCopies(Container, 'Container');
  }

  readonly id: string;
  readonly image: Image;
  readonly #runtime: Runtime;
  readonly #life: Life;
  readonly #waits: StartOptions;
  #files: ContainerFiles | undefined;

  static readonly #build = (parts: ContainerParts) => new Container(parts);

  private constructor({ image, runtime, waits, live }: ContainerParts) {
    super();
    this.#runtime = runtime;
    this.#waits = waits;
    this.image = image;
    this.#life = live({
      started: () => tell(() => this.emit('started')),
      exit: (status) => tell(() => this.emit('exit', status)),
      removed: () => {
        attachedContainers.delete(this.id);
        tell(() => this.emit('removed'));
      },
      health: (health) => {
        tell(() => this.emit('health', health));
        if (attachedContainers.has(this.id)) this.#note('health', { status: health.status });
      },
      onListeners: (changed) => onListeners(this, changed),
    });
    this.id = this.#life.id;
  }

  /**
   * Runs a command in a new container to its end, and removes the container.
   *
   * @param command follows the image's entrypoint, if it has one. @default the image's command
   * @returns its output and how it ended; a failing command is a result, not an error
   * @throws CaissonError COMMAND_NOT_FOUND (`exitCode` 127), COMMAND_NOT_EXECUTABLE (126), NO_COMMAND when there is none,
   * and what `start` throws
   * @example const { exitCode, stdout } = await Container.run(Image.host(), ['echo', 'hello'])
   * @example await Container.run(await Image.pull('hello-world'))
   */
  static async run<E extends Encoding = 'utf8'>(
    image: Image,
    command?: readonly string[],
    options?: RunOptions & { encoding?: E | undefined },
  ): Promise<Result<Collected<E>>>;
  /** Runs the image's own command: as with `undefined` in its place. */
  static async run<E extends Encoding = 'utf8'>(
    image: Image,
    options: RunOptions & { encoding?: E | undefined },
  ): Promise<Result<Collected<E>>>;
  static async run(image: Image, ...given: readonly unknown[]): Promise<Result<string | Buffer>> {
    const calledAt = performance.now();
    const [command, options = {}] = isObject(given[0]) ? [undefined, ...given] : given;
    if (command !== undefined) checkCommand(command);
    const { collect, rest } = splitRunOptions(options as RunOptions);
    const container = await makeContainer(image, { ...rest, command }, 'run', Container.#build);
    try {
      return await container.#runtime.collectResult(container.#life.run(), collect, calledAt);
    } finally {
      await container.remove();
    }
  }

  /**
   * Makes a container, and starts nothing yet.
   *
   * @throws TypeError for an option that cannot be meant
   * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE; then nothing is left
   */
  static async create(image: Image, options: ContainerOptions = {}): Promise<Container> {
    return makeContainer(image, options, undefined, Container.#build);
  }

  /**
   * Makes a container and starts its command; resolves when that runs.
   *
   * @throws CaissonError NO_USER_NAMESPACES, COMMAND_NOT_FOUND, BIND_SOURCE_NOT_FOUND, USER_NOT_FOUND …
   * @throws SyscallError for a step of the plan that the kernel refused for another reason; then nothing is left
   */
  static async start(image: Image, options: ContainerOptions = {}): Promise<Container> {
    const askedAt = performance.now();
    const container = await makeContainer(image, options, 'start', Container.#build);
    try {
      await container.#start(askedAt);
      options.signal?.throwIfAborted();
      return container;
    } catch (error) {
      await container.remove();
      throw error;
    }
  }

  /**
   * The container of that name, id or beginning of an id, of whatever process: an attached one of this thread as the
   * object that it is, others as a new object.
   *
   * @throws CaissonError CONTAINER_NOT_FOUND, with the names there are; CONTAINER_AMBIGUOUS
   * @example const server = await Container.get('web')
   */
  static async get(reference: string): Promise<Container> {
    return getContainer(reference, Container.#build);
  }

  /**
   * The containers of the store, of all processes, oldest first: those that run, unless asked otherwise.
   * @example for (const { name, state } of await Container.list({ all: true, filter: { label: { tier: 'db' } } })) …
   */
  static async list(options: ListOptions = {}): Promise<readonly Container[]> {
    return listContainers(options, Container.#build);
  }

  /**
   * What happens to the containers of the store, of all processes, as it happens. It ends when its signal is aborted or
   * the loop is left.
   * @example for await (const { type, name } of Container.events({ signal })) console.log(name, type)
   */
  static events(options: EventOptions = {}): AsyncGenerator<StoreEvent, void> {
    return followEvents(options);
  }

  /**
   * Every system call that would make a container, in order, before anything happens.
   * @example console.log(Container.plan(Image.host(), { command: ['true'] }).toString())
   */
  static plan(image: Image, options: ContainerOptions = {}): Plan {
    return describePlan(image, options);
  }

  /**
   * Starts the container's command; resolves when it runs. A container that has exited can be started again, with
   * the files it has left.
   * @throws as {@link Container.start}
   */
  start(): Promise<void> {
    return this.#start(performance.now());
  }

  /**
   * Its files, in the shape of node:fs/promises, whether it runs or not.
   * @example await container.fs.writeFile('/etc/motd', 'hello')
   */
  get fs(): ContainerFiles {
    this.#files ??= this.#runtime.containerFiles(this.#life.files, () => this.name);
    return this.#files;
  }

  /**
   * Copies a file or a tree of this machine into the container, by docker cp's rules: into a directory that is there,
   * else to that name; `source` with `/.` at its end is what is in it. Links stay links. They belong to root there
   * unless options say otherwise.
   *
   * @throws CaissonError SOURCE_NOT_FOUND, TARGET_NOT_FOUND, NOT_A_DIRECTORY, TARGET_IS_DIRECTORY, USER_NOT_FOUND …
   * @example await container.copyIn('site/.', '/srv/www', { owner: 'www-data' })
   */
  copyIn(source: string, target: string, options?: CopyInOptions): Promise<CopyResult> {
    return this.#runtime.copyIn(this.#life.files, source, target, options);
  }

  /**
   * Copies a file or a tree of the container to this machine, by the same rules. Nothing in there can lead it outside of
   * the target. It belongs to this process's user, without set-user-ID, unless options say otherwise.
   *
   * @throws as {@link Container.copyIn}
   * @example const { files, bytes } = await container.copyOut('/var/log/.', 'logs')
   */
  copyOut(source: string, target: string, options?: CopyOutOptions): Promise<CopyResult> {
    return this.#runtime.copyOut(this.#life.files, source, target, options);
  }

  /**
   * Puts what a tar archive (plain, gzip or zstd; its bytes or a stream of them) holds into a directory of the container.
   * Owners are those that the archive says, unless options say otherwise.
   *
   * @throws CaissonError ARCHIVE_INVALID, and as {@link Container.copyIn}
   * @example await container.putArchive(createReadStream('site.tar.gz'), '/srv')
   */
  putArchive(archive: ArchiveContent, target: string, options?: CopyInOptions): Promise<CopyResult> {
    return this.#runtime.putArchive(this.#life.files, archive, target, options);
  }

  /**
   * What is at a path of the container, as a tar archive. It is read as the stream is; the container does not start
   * before the stream has ended.
   * @example await pipeline(container.getArchive('/etc'), createWriteStream('etc.tar'))
   */
  getArchive(path: string, options?: CopyOutOptions): Readable {
    return this.#runtime.getArchive(this.#life.files, path, options);
  }

  /** What it is called: what was asked for, or the first 12 digits of its id. */
  get name(): string {
    return this.#life.name;
  }

  /** Names and values that it was given when it was made. */
  get labels(): Readonly<Record<string, string>> {
    return this.#life.labels;
  }

  get state(): ContainerState {
    return this.#life.state;
  }

  /** The id of its first process on the host; null when it does not run. */
  get pid(): number | null {
    return this.#life.pid;
  }

  /** How it is, by its health check; null when it has none, or has not been started. */
  get health(): ContainerHealth | null {
    return this.#life.health;
  }

  /**
   * What its first process reads. A terminal has no end: `end()` closes the stream and tells the process nothing; write
   * `'\x04'` (Ctrl-D).
   * @throws CaissonError NOT_RUNNING before its first start, NO_STREAM unless `stdin` was `'pipe'`, as it is by default
   */
  get stdin(): Writable {
    return this.#life.stdin;
  }

  /**
   * What its first process writes; with a terminal, all of it.
   * @throws as `stdin`
   */
  get stdout(): Output {
    return this.#life.stdout;
  }

  /**
   * What its first process complains.
   * @throws as `stdin`
   */
  get stderr(): Output {
    return this.#life.stderr;
  }

  /** The exit code of its first process, once that has ended by itself. */
  get exitCode(): number | null {
    return this.#life.status?.exitCode ?? null;
  }

  /**
   * Runs a command in the running container to its end, and collects its output.
   * @throws CaissonError NOT_RUNNING, COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, WORKDIR_NOT_FOUND, USER_NOT_FOUND
   * @example const { stdout } = await container.exec(['ps', 'aux'])
   */
  async exec<E extends Encoding = 'utf8'>(
    command: readonly string[],
    options?: ExecOptions & { encoding?: E | undefined },
  ): Promise<Result<Collected<E>>>;
  async exec(command: readonly string[], options: ExecOptions = {}): Promise<Result<string | Buffer>> {
    const calledAt = performance.now();
    const { collect, rest } = splitExecOptions(options);
    return this.#runtime.collectResult(this.#join(command, rest, 'ignore'), collect, calledAt);
  }

  /**
   * Connects to a TCP port inside of the container, or to a unix socket by its path there: no port of this machine is
   * needed, and the container may have no network but its own. As root and as an ordinary user.
   *
   * @returns a connected socket: for HTTP, give it as `createConnection`
   * @throws CaissonError NOT_RUNNING
   * @throws SyscallError ECONNREFUSED, ENETUNREACH, ENOENT … as node:net's errors
   * @example const socket = await container.connect(6379)
   */
  async connect(target: number | string, options: ConnectOptions = {}): Promise<Socket> {
    this.#runtime.checkConnectOptions(target, options);
    if (this.pid === null) throw this.#life.notRunning('connected to');
    return this.#runtime.connectInto(this.#life.files, target, options);
  }

  /**
   * Starts a process in the running container; resolves when its command runs.
   * @throws as {@link Container.exec}
   * @example const shell = await container.spawn(['sh'], { tty: true })
   */
  async spawn(command: readonly string[], options: ProcessOptions = {}): Promise<Process> {
    const process = this.#life.adopt(await this.#join(command, options, 'pipe'));
    if (options.signal?.aborted === true) await process[Symbol.asyncDispose]();
    options.signal?.throwIfAborted();
    return process;
  }

  /**
   * Ends the container with grace: its stop signal, then SIGKILL. Does nothing when it does not run.
   * @returns how it ended
   */
  async stop(options: StopOptions = {}): Promise<ExitStatus | null> {
    return this.#life.stop(checkStopOptions(options));
  }

  /**
   * {@link Container.stop}, if it runs, and {@link Container.start}.
   * @example await container.restart({ timeoutMs: 2_000 })
   */
  async restart(options: StopOptions = {}): Promise<void> {
    await this.#life.stop(checkStopOptions(options));
    await this.start();
    this.#note('restart');
  }

  /**
   * Makes all its processes stand still until it is resumed: by whatever process. They do not notice where control groups
   * of version 2 may be made; elsewhere it is done by SIGSTOP, and undone by SIGCONT (`probe()` says which, as `freezer`).
   * @throws CaissonError NOT_RUNNING, PAUSED, NOT_FROZEN
   */
  async pause(): Promise<void> {
    await this.#life.pause();
    this.#note('pause');
  }

  /**
   * Lets its processes go on, but for those that stood still before it was paused.
   * @throws CaissonError NOT_RUNNING, NOT_PAUSED
   */
  async resume(): Promise<void> {
    await this.#life.resume();
    this.#note('resume');
  }

  /**
   * Gives it another name.
   * @throws CaissonError NAME_TAKEN, OWNED_ELSEWHERE; then it has the one it had
   */
  async rename(name: string): Promise<void> {
    checkName(name);
    const before = this.name;
    await this.#life.rename(name);
    this.#note('rename', { before });
  }

  /**
   * What runs in it, as this machine sees it: no program is needed in the container.
   * @throws CaissonError NOT_RUNNING
   */
  async top(): Promise<readonly ProcessInfo[]> {
    const { processesIn } = await import('./stored-runtime.ts');
    const { pid } = this;
    if (pid === null) throw this.#life.notRunning('looked into');
    return processesIn(pid);
  }

  /**
   * Sends a signal to its first process, and waits for the end when the signal is SIGKILL.
   * @param signal a name, or a number from 1 to 64. @default 'SIGKILL', as of docker; of a {@link Process} it is SIGTERM
   */
  async kill(signal: Signal = 'SIGKILL'): Promise<void> {
    await this.#life.kill(normalizeSignal(signal));
  }

  /**
   * Waits until its first process has ended, and with a restart policy for good: until it is not started again by itself.
   * Its output may still be in the streams.
   * @throws CaissonError NOT_RUNNING when it has never been started
   * @throws the reason of the signal that is aborted; the container then runs on
   * @example const { exitCode } = await container.wait({ signal: AbortSignal.timeout(60_000) })
   */
  async wait(options: WaitOptions = {}): Promise<ExitStatus> {
    checkWaitOptions(options);
    return this.#runtime.unlessAborted(this.#life.wait(), options.signal);
  }

  /**
   * What it has written: of a detached container from disk, by any process; of an attached one the newest part, from
   * this process's memory. From the first call on its output is read as it comes, until somebody asks for
   * {@link Container.stdout}, which begins with what was read before.
   *
   * @throws CaissonError LOGS_ELSEWHERE for an attached container of another process or thread
   * @example for await (const line of container.logs({ follow: true }).lines()) console.log(line)
   */
  logs(options: LogsOptions = {}): Logs {
    checkLogsOptions(options);
    return this.#life.logs(options);
  }

  /**
   * Attaches to the running container: to what it writes from now on, and to what it reads.
   *
   * @throws CaissonError NOT_RUNNING, LOGS_ELSEWHERE
   * @example using attachment = container.attach()
   */
  attach(options: AttachOptions = {}): Attachment {
    checkAttachOptions(options);
    return this.#life.attach(options);
  }

  /**
   * Tells its first process the size of its terminal.
   * @throws TypeError for what is no size
   */
  resize(size: TerminalSize): void {
    checkTerminalSize(size);
    this.#life.resize(size);
  }

  /**
   * Mounts something into the running container, for as long as it runs: when it is started again, it has what it was
   * made with. As root and as an ordinary user.
   *
   * @throws TypeError for what cannot be meant
   * @throws CaissonError NOT_RUNNING, MOUNT_TARGET_INVALID, BIND_SOURCE_NOT_FOUND …; then nothing is mounted
   * @example await container.mount({ type: 'bind', source: './data', target: '/data', readOnly: true })
   */
  async mount(mount: Mount): Promise<void> {
    checkMount(mount);
    const { mountInto } = await import('./engine/live-mounts.ts');
    await mountInto(this.#life, { ...mount });
    this.#note('mount', { target: mount.target });
  }

  /**
   * Takes away what was mounted at a path of the running container, by {@link Container.mount} or when it was made. It
   * goes out of sight at once; processes that use it keep what they have open.
   *
   * @throws TypeError for what cannot be meant
   * @throws CaissonError NOT_RUNNING, MOUNT_NOT_FOUND
   */
  async unmount(target: string): Promise<void> {
    checkUnmount(target);
    const { unmountFrom } = await import('./engine/live-mounts.ts');
    await unmountFrom(this.#life, target);
    this.#note('unmount', { target });
  }

  /**
   * Makes an image of the container as it is now, for use on this machine: in milliseconds, whatever it has written,
   * when it does not run. Of a running one, processes stand still while its changes are copied. Layers are packed and
   * digested only once the image is pushed or saved. What is mounted into the container is not part of it.
   *
   * @throws CaissonError CHANGES_IN_MEMORY, NOT_FROZEN, TOO_MANY_LAYERS, REFERENCE_INVALID, STORE_FULL …; then the
   * container is as it was
   * @example const installed = await container.snapshot()
   */
  async snapshot(options: SnapshotOptions = {}): Promise<Image> {
    this.#runtime.checkSnapshotOptions(options);
    return this.#life.withFiles('made an image of', (files) => this.#runtime.takeNamedSnapshot(files, options));
  }

  /**
   * Makes an image of the container, with a digest, for anybody: as `docker commit`.
   *
   * @throws CaissonError IMAGE_NOT_PORTABLE for a container of `Image.host()`, and what `snapshot` throws
   * @example await container.commit({ reference: 'app:1.0', config: { command: ['/app/run'] } })
   */
  async commit(options: CommitOptions = {}): Promise<Image> {
    this.#runtime.checkCommitOptions(options);
    return this.#life.withFiles('made an image of', (files) => this.#runtime.commitContainer(files, options));
  }

  /**
   * What the container has changed of its image (or, once an image was made of it while it did not run, since then).
   * @throws CaissonError CHANGES_IN_MEMORY
   */
  async changes(): Promise<readonly Change[]> {
    return this.#life.withFiles('compared with its image', this.#runtime.changesOf);
  }

  /**
   * All its files as a tar archive of one tree, as `docker export` writes it: without what is mounted into it. It is
   * read while it is written, and a running container may change it meanwhile.
   * @throws CaissonError CHANGES_IN_MEMORY, when it is read
   * @example await pipeline(container.export(), createWriteStream('rootfs.tar'))
   */
  export(): Readable {
    return this.#runtime.exportContainer(this.#life);
  }

  /** Ends the container with SIGKILL and removes all of it. Idempotent. */
  remove(): Promise<void> {
    return this.#life.remove();
  }

  /** What is known about it: JSON, once its dates are text. */
  inspect(): ContainerInfo {
    return this.#runtime.describeLife(this.#life, this.image);
  }

  [inspect.custom](): string {
    const state = this.state === 'exited' ? `exited ${this.exitCode ?? this.#life.status?.signal}` : this.state;
    return `Container(${this.name} ${this.image.name} ${state}${this.pid === null ? '' : ` pid ${this.pid}`})`;
  }

  /** Stops and removes it, as `await using` does at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (['running', 'paused', 'restarting'].includes(this.state))
      await this.#life.stop({ isLast: true }).catch(() => undefined);
    await this.remove();
  }

  /** @param at when it was asked for */
  #start(at: number): Promise<void> {
    const { ready, startTimeoutMs } = this.#waits;
    if (ready === undefined && startTimeoutMs === undefined) return this.#life.start();
    return this.#runtime.startUntilReady(this, this.#waits, { at, start: () => this.#life.start() });
  }

  async #join(command: readonly string[], options: ProcessOptions, stdin: 'pipe' | 'ignore'): Promise<Running> {
    checkCommand(command);
    checkProcessOptions(options);
    const running = await this.#life.join([...command], copyOptions(options), stdin);
    this.emit('exec', { pid: running.child.pid, args: running.args });
    this.#note('exec', { command: running.args }, running.child.pid);
    return running;
  }

  #note(event: EventName, more: Readonly<Record<string, unknown>> = {}, value = 0): void {
    const { id, name, labels, image } = this;
    this.#runtime.note(this.#life.store, event, { id, name, labels, image: image.name }, value, more);
  }
}

/** What a listener throws is an uncaught exception of its program's, and no reason for a life to stop half-way. */
function tell(emit: () => void): void {
  try {
    emit();
  } catch (error) {
    process.nextTick(() => {
      throw error;
    });
  }
}
