/** A container: the thing with a life. */
import type { Readable, Writable } from 'node:stream';
import { inspect } from 'node:util';
import { EventEmitter } from 'eventemitter3';
import { crypto, describeStore, openStore, type Store } from '../store/places.ts';
import type { Change } from '../store/transfer.ts';
import type { ContainerEvents, ContainerInfo } from './container-info.ts';
import type { ExitStatus } from './engine/child.ts';
import { decideContainer } from './engine/decide.ts';
import type { ContainerState, Life } from './engine/life.ts';
import type { Output } from './engine/output.ts';
import type { Result } from './engine/result.ts';
import type { Running } from './engine/running.ts';
import { stdioOptions, wiringOf } from './engine/stdio.ts';
import type { StopOptions } from './engine/stop.ts';
import type { ContainerFiles, CopyInOptions, CopyOutOptions, CopyResult } from './fs/index.ts';
import type { Image } from './image.ts';
import { planContainer } from './plan/container.ts';
import type { Plan } from './plan/plan.ts';
import type { Process } from './process.ts';
import {
  checkCollectOptions,
  checkCommand,
  checkCommitOptions,
  checkContainerOptions,
  checkImage,
  checkProcessOptions,
  checkSnapshotOptions,
  splitCollectOptions,
} from './spec/check.ts';
import type { CommitOptions, SnapshotOptions } from './spec/commit.ts';
import { copyOptions } from './spec/copy.ts';
import { SHORT_ID_LENGTH } from './spec/normalize.ts';
import type { ContainerOptions, ExecOptions, ProcessOptions, RunOptions, TerminalSize } from './spec/options.ts';

/**
 * A Linux container. It is a child of this process: it dies with it (or with its worker thread), and its files are
 * then removed by the next process that uses the store.
 *
 * @example
 * await using container = await Container.start(Image.host(), { command: ['sleep', '60'] });
 * const { stdout } = await container.exec(['ps', 'aux']);
 */
export class Container extends EventEmitter<ContainerEvents> {
  readonly id: string;
  readonly name: string;
  readonly image: Image;
  readonly #options: ContainerOptions;
  readonly #runtime: Runtime;
  readonly #life: Life;
  #files: ContainerFiles | undefined;

  private constructor(image: Image, options: ContainerOptions, store: Store, runtime: Runtime) {
    super();
    this.#runtime = runtime;
    this.id = newId();
    this.name = options.name ?? this.id.slice(0, SHORT_ID_LENGTH);
    this.image = image;
    this.#options = copyOptions(options);
    this.#life = new runtime.Life({
      id: this.id,
      name: this.name,
      image,
      options: this.#options,
      store,
      listener: {
        started: () => this.emit('started'),
        exit: (status) => this.emit('exit', status),
        removed: () => this.emit('removed'),
      },
    });
  }

  /**
   * Runs a command in a new container to its end, and removes the container.
   *
   * @param command follows the image's entrypoint, if it has one
   * @returns its output and how it ended; a failing command is a result, not an error
   * @throws CaissonError COMMAND_NOT_FOUND (`exitCode` 127), COMMAND_NOT_EXECUTABLE (126) and what `start` throws
   * @example const { exitCode, stdout } = await Container.run(Image.host(), ['echo', 'hello'])
   */
  static async run(
    image: Image,
    command: readonly string[],
    options?: RunOptions & { encoding?: 'utf8' },
  ): Promise<Result>;
  static async run(
    image: Image,
    command: readonly string[],
    options: RunOptions & { encoding: 'buffer' },
  ): Promise<Result<Buffer>>;
  static async run(image: Image, command: readonly string[], options?: RunOptions): Promise<Result<string | Buffer>>;
  static async run(
    image: Image,
    command: readonly string[],
    options: RunOptions = {},
  ): Promise<Result<string | Buffer>> {
    checkCommand(command);
    const { collect, rest } = splitCollectOptions(options);
    checkCollectOptions(collect);
    const container = await Container.create(image, { ...rest, command });
    try {
      return await container.#runtime.collectResult(container.#life.run(), collect);
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
    checkImage(image);
    checkContainerOptions(options);
    options.signal?.throwIfAborted();
    const store = openStore();
    const runtime = await loadRuntime();
    await runtime.sweepOnce(store);
    const container = new Container(image, options, store, runtime);
    // After all microtasks, and so when the caller has the container and may have listened.
    process.nextTick(() => container.emit('created'));
    return container;
  }

  /**
   * Makes a container and starts its command; resolves when that runs.
   *
   * @throws CaissonError NO_USER_NAMESPACES, COMMAND_NOT_FOUND, BIND_SOURCE_NOT_FOUND, USER_NOT_FOUND …
   * @throws SyscallError for a step of the plan that the kernel refused for another reason; then nothing is left
   */
  static async start(image: Image, options: ContainerOptions = {}): Promise<Container> {
    const container = await Container.create(image, options);
    try {
      await container.start();
      return container;
    } catch (error) {
      await container.remove();
      throw error;
    }
  }

  /**
   * Every system call that would make a container, in order, before anything happens.
   * @example console.log(Container.plan(Image.host(), { command: ['true'] }).toString())
   */
  static plan(image: Image, options: ContainerOptions = {}): Plan {
    checkImage(image);
    checkContainerOptions(options);
    const id = '0'.repeat(64);
    const spec = decideContainer(image, options, id, describeStore(), 'describe');
    return planContainer(spec, wiringOf(stdioOptions(options, 'pipe')));
  }

  /**
   * Starts the container's command; resolves when it runs. A container that has exited can be started again, with
   * the files it has left.
   * @throws as {@link Container.start}
   */
  start(): Promise<void> {
    return this.#life.start();
  }

  /**
   * Its files, in the shape of node:fs/promises, whether it runs or not.
   * @example await container.fs.writeFile('/etc/motd', 'hello')
   */
  get fs(): ContainerFiles {
    this.#files ??= this.#runtime.containerFiles(this.#life.files);
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
   * Puts what a tar archive holds (plain, gzip or zstd) into a directory of the container. Owners are those that the
   * archive says, unless options say otherwise.
   *
   * @throws CaissonError ARCHIVE_INVALID, and as {@link Container.copyIn}
   * @example await container.putArchive(createReadStream('site.tar.gz'), '/srv')
   */
  putArchive(archive: AsyncIterable<Uint8Array>, target: string, options?: CopyInOptions): Promise<CopyResult> {
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

  get state(): ContainerState {
    return this.#life.state;
  }

  /** The id of its first process on the host; null when it does not run. */
  get pid(): number | null {
    return this.#life.pid;
  }

  /**
   * What its first process reads.
   * @throws CaissonError NOT_RUNNING before its first start, NO_STREAM unless `stdin` was `'pipe'`, as it is by default
   */
  get stdin(): Writable {
    return this.#init.stdin;
  }

  /**
   * What its first process writes; with a terminal, all of it.
   * @throws as `stdin`
   */
  get stdout(): Output {
    return this.#init.stdout;
  }

  /**
   * What its first process complains.
   * @throws as `stdin`
   */
  get stderr(): Output {
    return this.#init.stderr;
  }

  /** The exit code of its first process, once that has ended by itself. */
  get exitCode(): number | null {
    return this.#life.init?.exitCode ?? null;
  }

  /**
   * Runs a command in the running container to its end, and collects its output.
   * @throws CaissonError NOT_RUNNING, COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, WORKDIR_NOT_FOUND, USER_NOT_FOUND
   * @example const { stdout } = await container.exec(['ps', 'aux'])
   */
  async exec(command: readonly string[], options?: ExecOptions & { encoding?: 'utf8' }): Promise<Result>;
  async exec(command: readonly string[], options: ExecOptions & { encoding: 'buffer' }): Promise<Result<Buffer>>;
  async exec(command: readonly string[], options?: ExecOptions): Promise<Result<string | Buffer>>;
  async exec(command: readonly string[], options: ExecOptions = {}): Promise<Result<string | Buffer>> {
    const { collect, rest } = splitCollectOptions(options);
    checkCollectOptions(collect);
    return this.#runtime.collectResult(this.#join(command, rest, 'ignore'), collect);
  }

  /**
   * Starts a process in the running container; resolves when its command runs.
   * @throws as {@link Container.exec}
   * @example const shell = await container.spawn(['sh'], { tty: true })
   */
  async spawn(command: readonly string[], options: ProcessOptions = {}): Promise<Process> {
    return this.#life.adopt(await this.#join(command, options, 'pipe'));
  }

  /**
   * Ends the container with grace: its stop signal, then SIGKILL. Does nothing when it does not run.
   * @returns how it ended
   */
  async stop({ timeoutMs, signal }: StopOptions = {}): Promise<ExitStatus | null> {
    const init = await this.#life.started().catch(() => undefined);
    if (init === undefined) return null;
    return this.#runtime.stopProcess(init, signal ?? this.#stopSignal(), {
      timeoutMs,
      isReaper: this.#options.init === true,
    });
  }

  /**
   * Sends a signal to its first process, and waits for the end when the signal is SIGKILL.
   * @param signal @default 'SIGKILL'
   */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    return this.#life.kill(signal);
  }

  /**
   * Waits until its first process has ended. Its output may still be in the streams.
   * @throws CaissonError NOT_RUNNING when it has never been started
   */
  async wait(): Promise<ExitStatus> {
    const init = await this.#life.started();
    if (init === undefined) throw this.#life.notRunning('waited for');
    return init.wait();
  }

  /** Tells its first process the size of its terminal. */
  resize(size: TerminalSize): void {
    this.#life.init?.resize(size);
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
    checkSnapshotOptions(options);
    return this.#life.withFiles('made an image of', (files) => this.#runtime.takeNamedSnapshot(files, options));
  }

  /**
   * Makes an image of the container, with a digest, for anybody: as `docker commit`.
   *
   * @throws CaissonError IMAGE_NOT_PORTABLE for a container of `Image.host()`, and what `snapshot` throws
   * @example await container.commit({ reference: 'app:1.0', config: { command: ['/app/run'] } })
   */
  async commit(options: CommitOptions = {}): Promise<Image> {
    checkCommitOptions(options);
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
    const [life, { exportFiles }] = [this.#life, this.#runtime];
    async function* read() {
      yield* await life.withFiles('exported', exportFiles);
    }
    return process.getBuiltinModule('node:stream').Readable.from(read(), { objectMode: false });
  }

  /** Ends the container with SIGKILL and removes all of it. Idempotent. */
  remove(): Promise<void> {
    return this.#life.remove();
  }

  /** What is known about it. */
  inspect(): ContainerInfo {
    const { state, createdAt, startedAt, exitedAt, spec } = this.#life;
    return {
      id: this.id,
      name: this.name,
      image: this.image.name,
      state,
      pid: this.pid,
      exitCode: this.exitCode,
      signal: this.#life.init?.signalCode ?? null,
      createdAt,
      startedAt,
      exitedAt,
      spec,
    };
  }

  [inspect.custom](): string {
    const state = this.state === 'exited' ? `exited ${this.exitCode ?? this.#life.init?.signalCode}` : this.state;
    return `Container(${this.name} ${this.image.name} ${state}${this.pid === null ? '' : ` pid ${this.pid}`})`;
  }

  /** Stops and removes it, as `await using` does at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state === 'running') await this.stop().catch(() => undefined);
    await this.remove();
  }

  async #join(command: readonly string[], options: ProcessOptions, stdin: 'pipe' | 'ignore'): Promise<Running> {
    checkCommand(command);
    checkProcessOptions(options);
    const running = await this.#life.join(command, options, stdin);
    this.emit('exec', { pid: running.child.pid, args: running.args });
    return running;
  }

  get #init(): Process {
    if (this.#life.init === undefined) throw this.#life.notRunning('read or written');
    return this.#life.init;
  }

  #stopSignal(): NodeJS.Signals {
    return this.#options.stopSignal ?? ((this.image.config.StopSignal ?? 'SIGTERM') as NodeJS.Signals);
  }
}

type Runtime = typeof import('./runtime.ts');

let runtime: Runtime | undefined;

async function loadRuntime(): Promise<Runtime> {
  runtime ??= await import('./runtime.ts');
  return runtime;
}

/** 64 hexadecimal digits, as Docker's. Node draws the randomness of UUIDs ahead, so this costs a hundredth of randomBytes. */
function newId(): string {
  const { randomUUID } = crypto();
  return `${randomUUID()}${randomUUID()}`.replaceAll('-', '');
}
