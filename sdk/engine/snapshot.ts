/** Makes images of what a container has changed. */
import {
  baseOfImage,
  changeContainerUses,
  containerPaths,
  creationTime,
  machinePlatform,
  moveChanges,
  nameSnapshot,
  type SnapshotDescription,
  type SnapshotRecord,
  type Store,
  snapshotLayers,
  stageSnapshot,
} from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import { Image } from '../image.ts';
import { usesOf } from '../image-origin.ts';
import type { SnapshotOptions } from '../spec/commit.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { whileStill } from './pause.ts';

/** The files of a container, as what is done with all of them needs to know them. */
export interface FilesOnDisk {
  readonly id: string;
  /** What errors call it: `container 'name'`. */
  readonly label: string;
  readonly store: Store;
  /** What its changes lie on: its image, or a snapshot that was taken of it. */
  readonly base: Image;
  /** Of its image; what a container runs does not change with the snapshots of it. */
  readonly config: Image['config'];
  /** The command it runs, or last ran. */
  readonly args: readonly string[];
  /** Where its changes are. */
  readonly upper: 'disk' | 'tmpfs' | 'none';
  /** Its first process, while it runs. */
  readonly pid: number | null;
  /** Whether its changes are copied and not moved, also when it does not run. @default false */
  readonly isCopied?: boolean;
  /** Has the container go on upon a snapshot that its changes have become. */
  rebase(base: Image): void;
  /** Aborted when the container is removed. */
  readonly signal: AbortSignal;
}

/** What a snapshot says of itself besides what its container does. */
export type SnapshotChanges = Partial<Pick<SnapshotDescription, 'config' | 'author' | 'message'>>;

/**
 * Makes a snapshot of a container's changes: by a rename when it does not run, else by copying them while its processes
 * stand still.
 *
 * @throws CaissonError CHANGES_IN_MEMORY, NOT_FROZEN, TOO_MANY_LAYERS, STORE_FULL …; then the container is as it was
 */
export async function takeSnapshot(
  files: FilesOnDisk,
  { pause = true, signal }: Omit<SnapshotOptions, 'reference'> = {},
  changes: SnapshotChanges = {},
): Promise<SnapshotRecord> {
  assertOnDisk(files, 'made an image of');
  const description = { ...describeSnapshot(files), ...changes };
  const stop = signal === undefined ? files.signal : AbortSignal.any([signal, files.signal]);
  stop.throwIfAborted();
  if (files.pid !== null || files.isCopied === true) return copyWhileStill(files, description, pause, stop);
  const record = moveChanges(files.store, files.id, description);
  // An image may be to run otherwise; the container does not.
  const base = Image.ofSnapshot({ ...record, config: files.config }, snapshotLayers(files.store, record));
  await changeContainerUses(files.store, files.id, usesOf(base.origin));
  files.rebase(base);
  return record;
}

/** {@link takeSnapshot}, with a name. */
export async function takeNamedSnapshot(files: FilesOnDisk, options: SnapshotOptions): Promise<Image> {
  const { reference } = options;
  const record = await takeSnapshot(files, options);
  const layers = snapshotLayers(files.store, record);
  if (reference === undefined) return Image.ofSnapshot(record, layers);
  const name = await nameSnapshot(files.store, record, reference);
  return Image.ofSnapshot(record, layers, name);
}

/** Where a container with these options keeps its changes; nowhere, when it sees the files of others. */
export function upperOf({ upper = 'disk', namespaces }: ContainerOptions): FilesOnDisk['upper'] {
  return (namespaces?.mount ?? 'private') === 'private' ? upper : 'none';
}

/** The error for what cannot be done with files that are not the container's. */
function noFiles(label: string, done: string): CaissonError {
  const message = `${label} cannot be ${done}: it has no files of its own, but those of another mount namespace`;
  return new CaissonError('NO_FILES_OF_ITS_OWN', message, { hint: "leave option 'namespaces.mount' out" });
}

/**
 * Refuses to go among files that are nowhere while their container does not run.
 * @throws CaissonError NO_FILES_OF_ITS_OWN, CHANGES_IN_MEMORY
 */
export function assertReachable(label: string, options: ContainerOptions): void {
  const upper = upperOf(options);
  if (upper === 'none') throw noFiles(label, 'read or written while it does not run');
  if (upper !== 'tmpfs') return;
  throw new CaissonError('CHANGES_IN_MEMORY', `${label} has its files in memory, and only while it runs`, {
    hint: "make it with { upper: 'disk' }, the default",
  });
}

/**
 * Refuses what needs the directory of a container's changes.
 * @throws CaissonError CHANGES_IN_MEMORY, NO_FILES_OF_ITS_OWN
 */
export function assertOnDisk({ upper, label }: Pick<FilesOnDisk, 'upper' | 'label'>, done: string): void {
  if (upper === 'disk') return;
  if (upper === 'none') throw noFiles(label, done);
  const message = `${label} cannot be ${done}: its changes are in memory, where only its own processes see them`;
  throw new CaissonError('CHANGES_IN_MEMORY', message, { hint: "make it with { upper: 'disk' }, the default" });
}

async function copyWhileStill(
  { store, id, pid }: FilesOnDisk,
  description: SnapshotDescription,
  pause: boolean,
  signal: AbortSignal,
): Promise<SnapshotRecord> {
  const { copyTree } = await import('../../store/transfer.ts');
  const staged = stageSnapshot(store, description);
  try {
    const copy = () => copyTree(containerPaths(store, id).upper, staged.layer, signal);
    await (pause && pid !== null ? whileStill(store, id, { initPid: pid, signal }, copy) : copy());
    return staged.publish();
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

function describeSnapshot({ base, config, store, args }: FilesOnDisk): SnapshotDescription {
  const created = creationTime().toISOString();
  return { ...baseOf(store, base), config, created, createdBy: args.join(' ') };
}

/** What the layers of a container are, but for its changes. */
export function baseOf(store: Store, { origin }: Image): Pick<SnapshotDescription, 'base' | 'snapshots' | 'platform'> {
  if (origin.kind === 'stored') return { ...baseOfImage(store, origin.digest), snapshots: [] };
  if (origin.kind !== 'snapshot') return { base: origin, snapshots: [], platform: machinePlatform() };
  const { id, base, snapshots, platform } = origin.record;
  return { base, snapshots: [...snapshots, id], platform };
}
