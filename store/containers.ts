/**
 * What is on disk of a container. A directory appears in `containers/` by one rename, complete and with a record
 * that names its owner; it disappears by one rename, into a name its remover owns. So at every moment each
 * directory says whose it is, and what a dead owner leaves can be swept (sweep.ts).
 *
 * This is on the way of every start, so it is synchronous and syncs nothing: after a power cut no container runs.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { type ContainerPaths, containerPaths, containerPathsIn, explainStoreError, type Store } from './layout.ts';
import { disown, own, ownerOf, temporaryPath } from './owner.ts';
import { removeTree } from './remove.ts';
import { keepSpare, RECORD_BYTES, ROOT_MODE, takeSpare } from './spares.ts';

/** What is written down of a container: an object of JSON. The store adds the owner. */
export type ContainerRecord = Readonly<Record<string, unknown>>;

/**
 * Makes the directories of a container, with its record. They are swept when this thread has died.
 *
 * @param id becomes part of a path; see {@link containerPaths}
 * @throws CaissonError CONTAINER_EXISTS when there is one of that id
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export function createContainerDirectory(store: Store, id: string, record: ContainerRecord): ContainerPaths {
  const paths = containerPaths(store, id);
  let made: string | undefined;
  try {
    const spare = takeSpare(store);
    made = spare ?? makeDirectories(temporaryPath(store));
    // Over an old record of the same size, since to cut a file to nothing first costs ext4 as much as all the rest.
    const content = JSON.stringify({ ...record, owner: ownerOf(store) }).padEnd(RECORD_BYTES);
    writeFileSync(containerPathsIn(made).record, content, { mode: 0o600, flag: spare === undefined ? 'wx' : 'r+' });
    renameSync(made, paths.path);
    own(paths.path);
    return paths;
  } catch (error) {
    if (made !== undefined) void removeTree(made).catch(() => undefined);
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) {
      throw new CaissonError('CONTAINER_EXISTS', `there is a container with the id '${id}'`, { cause: error });
    }
    throw explainStoreError(error, `making the directory of container '${id}'`, paths.path);
  }
}

function makeDirectories(path: string): string {
  const { upper, work } = containerPathsIn(path);
  try {
    mkdirSync(path, 0o700);
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

/**
 * Removes the directories of a container. Its id is free when this returns; what is small is then gone from the
 * disk too (or kept for the next container, when nothing was changed in it), what is big when the promise resolves.
 * That there is none is no error.
 */
export function removeContainerDirectory(store: Store, id: string): Promise<void> {
  const { path } = containerPaths(store, id);
  if (!keepSpare(store, path)) return discardContainerDirectory(store, id);
  disown(path);
  return Promise.resolve();
}

/** {@link removeContainerDirectory} for one that may not be kept: a process of it may be dying still. */
export function discardContainerDirectory(store: Store, id: string): Promise<void> {
  const { path } = containerPaths(store, id);
  const aside = temporaryPath(store);
  try {
    renameSync(path, aside);
    disown(path);
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
  mkdirSync(work, 0o700);
}

/**
 * Reads what is written down of a container; undefined where there is none of that id.
 * @throws CaissonError RECORD_INVALID when it is not an object of JSON
 */
export function readContainerRecord(store: Store, id: string): ContainerRecord | undefined {
  const path = containerPaths(store, id).record;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    const record: unknown = JSON.parse(text);
    if (typeof record === 'object' && record !== null) return record as ContainerRecord;
  } catch (cause) {
    throw new CaissonError('RECORD_INVALID', `'${path}' is not JSON`, { cause });
  }
  throw new CaissonError('RECORD_INVALID', `'${path}' is not an object of JSON`);
}
