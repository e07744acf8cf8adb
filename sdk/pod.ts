/** Several containers that share namespaces. */
import { inspect } from 'node:util';
import { CaissonError } from '../syscalls/common.ts';
import { Container } from './container.ts';
import type { StopOptions } from './engine/stop.ts';
import type { Image } from './image.ts';
import { checkStopOptions } from './spec/check.ts';
import { checkPodContainer, checkPodOptions } from './spec/check-pod.ts';
import type { ContainerOptions } from './spec/options.ts';
import { PAUSE } from './spec/pause.ts';
import type { PodContainer, PodOptions, SharedNamespace } from './spec/pod-options.ts';

/**
 * Containers that share a network, and what else is asked for. They reach each other at 127.0.0.1, and by their names in
 * the pod. The namespaces are held by a process of a few KiB: they are there whichever of the containers runs.
 *
 * @example
 * await using pod = await Pod.start({
 *   containers: { db: { image, command: ['redis-server'], ready: ready.port(6379) }, web: { image, command: ['serve'] } },
 * });
 * await pod.containers.web.exec(['curl', 'http://db:6379']);
 */
export class Pod<Name extends string = string> implements AsyncDisposable {
  readonly #infra: Container;
  readonly #options: PodOptions<Name>;
  readonly #image: Image;
  readonly #containers = new Map<string, Container>();
  /** Those that are being started. */
  readonly #starting = new Map<string, Promise<Container>>();
  #removing: Promise<void> | undefined;

  private constructor(infra: Container, options: PodOptions<Name>, image: Image) {
    this.#infra = infra;
    this.#options = options;
    this.#image = image;
  }

  /**
   * Starts containers one after the other, in the order of the object: each when the one before runs, and is ready if it
   * says what that means. When one fails, none is left.
   *
   * @throws TypeError for an option that cannot be meant
   * @throws what {@link Container.start} throws
   */
  static async start<Name extends string>(options: PodOptions<Name>): Promise<Pod<Name>> {
    checkPodOptions(options);
    const members = Object.entries(options.containers) as [Name, PodContainer][];
    const image = members[0]?.[1].image as Image;
    const pod = new Pod(await startInfra(image, options), options, image);
    try {
      for (const [name, { image: own = image, ...others }] of members) await pod.start(name, own, others);
      return pod;
    } catch (error) {
      await pod.remove();
      throw error;
    }
  }

  /** The containers by their names in the pod, those that were added too. */
  get containers(): Readonly<Record<Name, Container>> {
    return Object.fromEntries(this.#containers) as Record<Name, Container>;
  }

  /** The id on the host of the process that holds the namespaces; null when the pod has ended. */
  get pid(): number | null {
    return this.#infra.pid;
  }

  /**
   * Adds a container; resolves when it runs.
   * @throws TypeError when the pod has one of that name, or for an option that the pod decides
   * @throws CaissonError NOT_RUNNING when the pod is removed
   * @throws what {@link Container.start} throws; then the others are as they were
   */
  async start(name: string, image: Image = this.#image, options: Omit<PodContainer, 'image'> = {}): Promise<Container> {
    checkPodContainer(name, options, this.#shared, [...this.#containers.keys(), ...this.#starting.keys()]);
    this.#assertThere(name);
    const starting = Container.start(image, this.#memberOptions(name, options));
    this.#starting.set(name, starting);
    try {
      const container = await starting;
      this.#containers.set(name, container);
      this.#assertThere(name);
      return container;
    } finally {
      this.#starting.delete(name);
    }
  }

  /** Ends its containers with grace, the last one first, and then what holds the namespaces. */
  async stop(options: StopOptions = {}): Promise<void> {
    checkStopOptions(options);
    for (const container of this.#fromTheLast()) await container.stop(options);
    await this.#infra.kill();
  }

  /** Ends its containers with SIGKILL and removes all of them. Idempotent. */
  remove(): Promise<void> {
    this.#removing ??= this.#remove();
    return this.#removing;
  }

  /** Stops and removes it, as `await using` does at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#removing === undefined) {
      // What cannot be removed now is tried once more below, and said then.
      for (const container of this.#fromTheLast()) await container[Symbol.asyncDispose]().catch(() => undefined);
    }
    await this.remove();
  }

  #assertThere(name: string): void {
    if (this.#removing === undefined) return;
    throw new CaissonError('NOT_RUNNING', `container ${inspect(name)} cannot be started: its pod is removed`);
  }

  /** What is being started cannot be removed before there is somebody who has it. */
  async #remove(): Promise<void> {
    await Promise.allSettled(this.#starting.values());
    const results = await Promise.allSettled(
      [...this.#fromTheLast(), this.#infra].map((container) => container.remove()),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  #fromTheLast(): Container[] {
    return [...this.#containers.values()].reverse();
  }

  get #shared(): readonly SharedNamespace[] {
    return this.#options.share ?? DEFAULT_SHARE;
  }

  #memberOptions(name: string, { hosts, namespaces, ...options }: Omit<PodContainer, 'image'>): ContainerOptions {
    const shared = this.#shared;
    const infra = { container: this.#infra };
    const others = shared.filter((type) => type !== 'network');
    const isShared = shared.includes('network');
    const names = [...new Set([...Object.keys(this.#options.containers), ...this.#containers.keys(), name])];
    return {
      ...(shared.includes('uts') ? {} : { hostname: name }),
      ...(this.#options.name === undefined ? {} : { name: `${this.#options.name}-${name}` }),
      ...(this.#options.signal === undefined ? {} : { signal: this.#options.signal }),
      ...options,
      ...(isShared ? { network: infra } : {}),
      namespaces: { ...namespaces, ...Object.fromEntries(others.map((type) => [type, infra])) },
      hosts: {
        ...(isShared ? Object.fromEntries(names.map((each) => [each, '127.0.0.1'])) : {}),
        ...this.#options.hosts,
        ...hosts,
      },
    };
  }
}

const DEFAULT_SHARE: readonly SharedNamespace[] = ['network', 'ipc'];

function startInfra(image: Image, { name, hostname, labels, userns, signal }: PodOptions): Promise<Container> {
  const options = { hostname, labels, userns, signal, user: 0, healthCheck: false as const };
  return Container.start(image, {
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    ...(name === undefined ? {} : { name: `${name}-pod` }),
    command: ['caisson-pod'],
    entrypoint: [],
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    upper: 'tmpfs',
    [PAUSE]: true,
  } as ContainerOptions);
}
