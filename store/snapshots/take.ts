/**
 * Makes a snapshot of a container's changes. The changes of a container that does not run become one by a rename:
 * nothing is read or written of them, so it takes as long for a terabyte as for nothing. Those of a running one are
 * copied by the caller before.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { AT_FDCWD, CaissonError, renameat2 } from '../../syscalls/index.ts';
import { readBootId } from '../boot.ts';
import { storedNameOf, withCatalog, withoutNames } from '../catalog.ts';
import { ROOT_MODE } from '../containers/index.ts';
import { attemptAsOwner } from '../ids/index.ts';
import { containerPaths, explainStoreError, type Store } from '../layout.ts';
import { disown, own, ownerOf, temporaryPath } from '../owner.ts';
import { removeTree } from '../remove.ts';
import { newName } from '../tag.ts';
import { inheritRoot } from './attributes.ts';
import { addSnapshotNames } from './names.ts';
import { type SnapshotRecord, snapshotPaths, snapshotPathsIn } from './record.ts';
import { beginSnapshotSync } from './sync.ts';

/** What is said of a snapshot by who takes it. */
export type SnapshotDescription = Omit<SnapshotRecord, 'id' | 'owner' | 'bootId'>;

/**
 * How many layers an image may come to have. The names of 200 as descriptors fit the page that mount(2) takes.
 */
export const MAX_LAYERS = 200;

/** A snapshot that is not in its place yet. Whoever made it calls one of the two, once. */
export interface StagedSnapshot {
  /** Where its layer goes: nothing is there yet. */
  readonly layer: string;
  /** Puts it into its place. */
  publish(): SnapshotRecord;
  /** Removes what is there of it. */
  discard(): Promise<void>;
}

/**
 * Begins a snapshot, aside.
 * @throws CaissonError TOO_MANY_LAYERS, STORE_FULL, STORE_NOT_WRITABLE
 */
export function stageSnapshot(store: Store, description: SnapshotDescription): StagedSnapshot {
  assertLayers(description);
  const id = randomBytes(32).toString('hex');
  const staging = temporaryPath(store);
  const record: SnapshotRecord = { id, ...description, owner: ownerOf(store), bootId: readBootId() };
  try {
    mkdirSync(staging, 0o700);
    const { id: _, ...written } = record;
    writeFileSync(snapshotPathsIn(staging).record, JSON.stringify(written), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    void removeTree(staging).catch(() => undefined);
    throw explainStoreError(error, 'taking a snapshot', staging);
  }
  return {
    layer: snapshotPathsIn(staging).layer,
    publish() {
      const { path } = snapshotPaths(store, id);
      renameSync(staging, path);
      own(path);
      return record;
    },
    discard: () => removeTree(staging),
  };
}

/**
 * Makes a snapshot of what a container that does not run has changed. The container is left with no changes: it goes
 * on upon the snapshot.
 *
 * @throws CaissonError TOO_MANY_LAYERS, STORE_FULL, STORE_NOT_WRITABLE; then the container is as it was
 */
export function moveChanges(store: Store, containerId: string, description: SnapshotDescription): SnapshotRecord {
  const staged = stageSnapshot(store, description);
  const { upper } = containerPaths(store, containerId);
  const fresh = temporaryPath(store);
  let isMoved = false;
  try {
    mkdirSync(fresh, ROOT_MODE);
    inheritRoot(upper, fresh);
    moveDirectory(upper, staged.layer);
    isMoved = true;
    renameSync(fresh, upper);
    return staged.publish();
  } catch (error) {
    if (isMoved) {
      void removeTree(upper).catch(() => undefined);
      moveDirectory(staged.layer, upper);
    }
    void staged.discard().catch(() => undefined);
    void removeTree(fresh).catch(() => undefined);
    throw explainStoreError(error, `taking a snapshot of container '${containerId}'`, upper);
  }
}

/** Gives a container that has not run since its changes back, and removes the snapshot that was made of them. */
export async function moveChangesBack(store: Store, containerId: string, id: string): Promise<void> {
  const { path } = snapshotPaths(store, id);
  const { upper } = containerPaths(store, containerId);
  const aside = temporaryPath(store);
  renameSync(path, aside);
  disown(path);
  await removeTree(upper);
  moveDirectory(snapshotPathsIn(aside).layer, upper);
  await removeTree(aside);
}

/**
 * Gives a snapshot a name; the image that had it loses it. It then belongs to nobody, stays until it is removed, and
 * outlives a power cut as soon as it is on the disk.
 * @returns its complete name
 * @throws CaissonError REFERENCE_INVALID
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export async function nameSnapshot(store: Store, record: SnapshotRecord, reference: string): Promise<string> {
  const name = newName(reference);
  await withCatalog(store, ({ entries, write }) => {
    addSnapshotNames(store, record.id, [name]);
    write(withoutNames(entries, (each) => storedNameOf(each) === name));
  });
  disown(snapshotPaths(store, record.id).path);
  beginSnapshotSync(store, record);
  return name;
}

/** Renames a directory to another parent: Linux wants it to be writable, since its `..` changes. */
function moveDirectory(from: string, to: string): void {
  if (attemptAsOwner(renameat2, AT_FDCWD, from, AT_FDCWD, to, 0) === 0) return;
  const { mode, uid } = lstatSync(from);
  const isClosed = (mode & 0o300) !== 0o300 && uid === process.geteuid?.() && uid !== 0;
  if (isClosed) chmodSync(from, (mode & 0o7777) | 0o300);
  renameSync(from, to);
  if (isClosed) chmodSync(to, mode & 0o7777);
}

function assertLayers({ base, snapshots }: SnapshotDescription): void {
  const count = snapshots.length + (base.kind === 'image' ? base.layers.length : 1);
  if (count < MAX_LAYERS) return;
  throw new CaissonError('TOO_MANY_LAYERS', `a snapshot can lie on ${MAX_LAYERS - 1} layers, not on ${count}`, {
    hint: 'make one layer of them all: import what container.export() gives',
  });
}
