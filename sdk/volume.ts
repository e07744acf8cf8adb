/** A volume: a directory of the store that outlives the containers it is mounted into. */
import { inspect } from 'node:util';
import type { PrunedVolumes, Store, VolumeRecord } from '../store/index.ts';
import { storeRoot } from '../store/root.ts';
import { LIFE_CHECKS } from './spec/check-life.ts';
import { isVolumeName } from './spec/check-mounts.ts';
import { type Check, type Checks, checkAll } from './spec/checks.ts';

export type { PrunedVolumes };

/** Options of {@link Volume.create}. */
export interface VolumeOptions {
  /** Names and values of your own, to find volumes by. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Which volumes are listed, or pruned. */
export interface VolumeFilter {
  /** Those that have all of these labels. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** What {@link Volume.inspect} tells. */
export interface VolumeInfo {
  readonly name: string;
  /** Where its files are on this machine. */
  readonly path: string;
  /** How much of the disk they take. */
  readonly sizeBytes: number;
  readonly createdAt: Date;
  readonly labels: Readonly<Record<string, string>>;
  /** The names of the containers that use it, running or not, of all processes. */
  readonly users: readonly string[];
}

const CHECKS: Checks = { labels: LIFE_CHECKS.labels as Check };

/**
 * A directory of the store that containers share, one after the other or at the same time. Named as the `source` of a
 * mount, it is made with the first container that has it, and filled with what the image has at that place.
 *
 * @example
 * const mounts = [{ type: 'volume', source: 'database', target: '/var/lib/db' } as const];
 * await Container.run(image, ['db', 'init'], { mounts });
 * const { sizeBytes, users } = await (await Volume.get('database')).inspect();
 */
export class Volume {
  readonly name: string;
  readonly createdAt: Date;
  readonly labels: Readonly<Record<string, string>>;
  readonly #store: Store;

  private constructor(store: Store, { name, createdAt, labels }: VolumeRecord) {
    this.#store = store;
    this.name = name;
    this.createdAt = new Date(createdAt);
    this.labels = labels;
  }

  /**
   * Makes an empty volume; it is filled like any when the first container has it. One that is there already is returned
   * as it is, with the labels it has.
   *
   * @throws TypeError for what cannot be a name
   * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
   * @example const volume = await Volume.create('cache', { labels: { team: 'web' } })
   */
  static async create(name: string, options: VolumeOptions = {}): Promise<Volume> {
    checkName(name);
    checkAll('option', options, CHECKS);
    const root = storeRoot();
    const { createVolume, openStore } = await import('./stored-runtime.ts');
    const store = openStore(root);
    return new Volume(store, createVolume(store, name, options));
  }

  /**
   * The volume of that name.
   * @throws CaissonError VOLUME_NOT_FOUND, with the names there are
   */
  static async get(name: string): Promise<Volume> {
    checkName(name);
    const root = storeRoot();
    const { openStore, readVolumeRecord, volumeNotFound } = await import('./stored-runtime.ts');
    const store = openStore(root);
    const record = readVolumeRecord(store, name);
    if (record === undefined) throw volumeNotFound(store, name);
    return new Volume(store, record);
  }

  /**
   * The volumes of the store, by name.
   * @example const ours = await Volume.list({ labels: { team: 'web' } })
   */
  static async list(filter: VolumeFilter = {}): Promise<readonly Volume[]> {
    checkAll('option', filter, CHECKS);
    const root = storeRoot();
    const { listVolumeNames, openStore, readVolumeRecord } = await import('./stored-runtime.ts');
    const store = openStore(root);
    return listVolumeNames(store)
      .map((name) => readVolumeRecord(store, name))
      .filter((record) => record !== undefined)
      .filter(hasLabels(filter))
      .map((record) => new Volume(store, record));
  }

  /** Removes all volumes that no container uses, be it running or not; with labels, only those that have them. */
  static async prune(filter: VolumeFilter = {}): Promise<PrunedVolumes> {
    checkAll('option', filter, CHECKS);
    const root = storeRoot();
    const { openStore, pruneVolumes, sweepContainers } = await import('./stored-runtime.ts');
    const store = openStore(root);
    // What dead owners left uses nothing.
    await sweepContainers(store);
    return pruneVolumes(store, hasLabels(filter));
  }

  /**
   * Removes it with all that is in it.
   * @throws CaissonError VOLUME_IN_USE with the containers that use it, running or not; VOLUME_NOT_FOUND
   */
  async remove(): Promise<void> {
    const { removeVolume, sweepContainers } = await import('./stored-runtime.ts');
    await sweepContainers(this.#store);
    await removeVolume(this.#store, this.name);
  }

  /**
   * What is known about it now.
   * @throws CaissonError VOLUME_NOT_FOUND
   */
  async inspect(): Promise<VolumeInfo> {
    const { diskUsage, readVolumeRecord, usersOfVolume, volumeNotFound, volumePaths } = await import(
      './stored-runtime.ts'
    );
    const store = this.#store;
    const record = readVolumeRecord(store, this.name);
    if (record === undefined) throw volumeNotFound(store, this.name);
    const { data } = volumePaths(store, this.name);
    const { name, labels } = record;
    const createdAt = new Date(record.createdAt);
    return { name, path: data, sizeBytes: await diskUsage(data), createdAt, labels, users: usersOfVolume(store, name) };
  }

  [inspect.custom](): string {
    return `Volume(${this.name})`;
  }
}

function checkName(name: unknown): void {
  const expected = isVolumeName(name);
  if (expected !== undefined) throw new TypeError(`a volume's name must be ${expected}, got ${inspect(name)}`);
}

function hasLabels({ labels = {} }: VolumeFilter): (volume: Pick<VolumeRecord, 'labels'>) => boolean {
  const wanted = Object.entries(labels);
  return (volume) => wanted.every(([label, value]) => volume.labels[label] === value);
}
