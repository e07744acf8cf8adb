/**
 * What is on disk of a container. A directory appears in `containers/` by one rename, complete and with a record
 * that names its owner; it disappears by one rename, into a name its remover owns. So at every moment each
 * directory says whose it is, and what a dead owner leaves can be swept (sweep.ts).
 *
 * This is on the way of every start, so it is synchronous and syncs nothing: after a power cut no container runs.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { type ContainerPaths, containerPaths, containerPathsIn, explainStoreError, type Store } from '../layout.ts';
import { disown, own, ownerOf, temporaryPath } from '../owner.ts';
import { removeTree } from '../remove.ts';
import { spreadDirectories } from '../spread.ts';
import { whileNothingIsRemoved } from '../use-lock.ts';
import { createVolume } from '../volumes/index.ts';
import { isAskedFor, releaseName, withName } from './names.ts';
import { forgetPause, readPauseNote } from './pause-note.ts';
import {
  type ContainerDescription,
  type ContainerRecord,
  type ContainerUses,
  describeContainer,
  formatRecord,
} from './record.ts';
import { keepSpare, ROOT_MODE, takeSpare } from './spares.ts';
import { CREATED, encodeCell } from './state-cell.ts';
import { assertLayer, namesOfUses } from './uses.ts';

/** What a container is made with. */
export interface NewContainer extends Partial<ContainerDescription> {
  /** From here on nobody prunes it. */
  readonly uses?: ContainerUses;
  /**
   * Whether it is swept when this thread has died: always, unless it is detached; and that one too, until it has been
   * started. @default true
   */
  readonly isOwned?: boolean;
}

/**
 * Makes the directories of a container, with its record.
 *
 * @param id becomes part of a path; see {@link containerPaths}
 * @throws CaissonError CONTAINER_EXISTS when there is one of that id, NAME_TAKEN when there is one of that name
 * @throws CaissonError LAYER_NOT_FOUND when a layer has been pruned
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export function createContainerDirectory(store: Store, id: string, given: NewContainer = {}): ContainerPaths {
  const { path } = containerPaths(store, id);
  const record = recordOf(store, id, given);
  let made: string | undefined;
  try {
    const spare = takeSpare(store);
    made = spare ?? makeDirectories(store);
    const paths = containerPathsIn(made);
    // Over an old record of the same size, since to cut a file to nothing first costs ext4 as much as all the rest.
    writeFileSync(paths.record, formatRecord(record), { mode: 0o600, flag: spare === undefined ? 'wx' : 'r+' });
    if (isAskedFor(record.name, id)) withName(store, record.name, id, () => publish(store, record, paths.path));
    else publish(store, record, paths.path);
    if (given.isOwned !== false) own(path);
    return containerPathsIn(path);
  } catch (error) {
    if (made !== undefined) void removeTree(made).catch(() => undefined);
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) {
      throw new CaissonError('CONTAINER_EXISTS', `there is a container with the id '${id}'`, { cause: error });
    }
    throw explainStoreError(error, `making the directory of container '${id}'`, path);
  }
}

function recordOf(store: Store, id: string, { uses = {}, isOwned = true, ...given }: NewContainer): ContainerRecord {
  return {
    id,
    ...describeContainer(id, given),
    ...(isOwned ? { owner: ownerOf(store) } : {}),
    uses: namesOfUses(store, uses),
  };
}

function publish(store: Store, { id, uses }: ContainerRecord, made: string): void {
  whileNothingIsRemoved(store, () => {
    for (const name of [...uses.layers, ...uses.mounted]) assertLayer(store, name);
    // Nor is a volume removed between this and the moment in which the container is seen to use it.
    for (const name of uses.volumes) createVolume(store, name);
    renameSync(made, containerPaths(store, id).path);
  });
}

function makeDirectories(store: Store): string {
  const path = temporaryPath(store);
  spreadDirectories(store);
  const { upper, work, state } = containerPathsIn(path);
  try {
    mkdirSync(path, 0o700);
    writeFileSync(state, encodeCell(CREATED), { mode: 0o600, flag: 'wx' });
    mkdirSync(upper, ROOT_MODE);
    // The umask takes bits of mkdir's mode away, and users of the container must be able to pass its '/'.
    chmodSync(upper, ROOT_MODE);
    mkdirSync(work, 0o700);
    return path;
  } catch (error) {
    void removeTree(path).catch(() => undefined);
    throw error;
  }
}

/** A detached container has been started: it is nobody's from now on. */
export function leaveContainer(store: Store, id: string): void {
  disown(containerPaths(store, id).path);
}

/**
 * Removes the directories of a container. Its id is free when this returns; what is small is then gone from the
 * disk too (or kept for the next container, when nothing was changed in it), what is big when the promise resolves.
 * That there is none is no error.
 *
 * @param name lets go of this one, too
 */
export function removeContainerDirectory(store: Store, id: string, name?: string): Promise<void> {
  const { path } = containerPaths(store, id);
  if (!keepSpare(store, path)) return discardContainerDirectory(store, id, name);
  disown(path);
  if (name !== undefined) releaseName(store, name, id);
  return Promise.resolve();
}

/** {@link removeContainerDirectory} for one that may not be kept: a process of it may be dying still. */
export function discardContainerDirectory(store: Store, id: string, name?: string): Promise<void> {
  // First, since nobody knows of the control groups without the note; and elsewhere, a file of that name may be anything.
  if (readPauseNote(store, id) === undefined) return moveAside(store, id, name);
  return forgetPause(store, id).then(() => moveAside(store, id, name));
}

function moveAside(store: Store, id: string, name?: string): Promise<void> {
  const { path } = containerPaths(store, id);
  const aside = temporaryPath(store);
  try {
    renameSync(path, aside);
    disown(path);
    if (name !== undefined) releaseName(store, name, id);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return Promise.resolve();
    return Promise.reject(explainStoreError(error, `removing the directory of container '${id}'`, path));
  }
  return removeTree(aside);
}

/**
 * Makes the directories of a container that has run fit for another run. What was mounted `volatile` overlayfs refuses
 * to mount again, as the machine may have crashed in between (kernel, Documentation/filesystems/overlayfs.rst): ours
 * would not have survived that.
 */
export async function renewContainerDirectory(store: Store, id: string): Promise<void> {
  const { path, work } = containerPaths(store, id);
  await removeTree(work);
  await removeTree(`${path}/views`);
  for (const mount of namesIn(`${path}/mounts`)) await removeTree(`${path}/mounts/${mount}/work`);
  mkdirSync(work, 0o700);
}

/** Overlays that were mounted into it, besides its root. */
function namesIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
