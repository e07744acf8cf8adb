/**
 * What is on disk of a container. A directory appears in `containers/` by one rename, complete and with a record
 * that names its owner; it disappears by one rename, into a name its remover owns. So at every moment each
 * directory says whose it is, and what a dead owner leaves can be swept (sweep.ts).
 *
 * This is on the way of every start, so it is synchronous and syncs nothing: after a power cut no container runs.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { type ContainerPaths, containerPaths, containerPathsIn, explainStoreError, type Store } from './layout.ts';
import { disown, own, ownerOf, temporaryPath } from './owner.ts';
import { removeTree } from './remove.ts';
import { keepSpare, RECORD_BYTES, ROOT_MODE, takeSpare } from './spares.ts';
import { whileNothingIsRemoved } from './use-lock.ts';

/** What is written down of a container: an object of JSON. The store adds the owner, and what the container uses. */
export type ContainerRecord = Readonly<Record<string, unknown>>;

/** What a container needs of the store for as long as it is there. Directories elsewhere are nobody's business here. */
export interface ContainerUses {
  /** The digest of its image, whose content stays with it: the container may become an image itself. */
  readonly image?: string | undefined;
  /** Paths of the directories its root is put together from. */
  readonly layers?: readonly string[] | undefined;
}

/**
 * Makes the directories of a container, with its record. They are swept when this thread has died.
 *
 * @param id becomes part of a path; see {@link containerPaths}
 * @param uses from here on nobody prunes it
 * @throws CaissonError CONTAINER_EXISTS when there is one of that id
 * @throws CaissonError LAYER_NOT_FOUND when a layer has been pruned
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export function createContainerDirectory(
  store: Store,
  id: string,
  record: ContainerRecord,
  uses: ContainerUses = {},
): ContainerPaths {
  const paths = containerPaths(store, id);
  let made: string | undefined;
  try {
    const spare = takeSpare(store);
    const directory = spare ?? makeDirectories(temporaryPath(store));
    made = directory;
    // Over an old record of the same size, since to cut a file to nothing first costs ext4 as much as all the rest.
    const layers = namesOf(store, uses.layers ?? []);
    const written = { ...record, owner: ownerOf(store), uses: { image: uses.image, layers } };
    const content = JSON.stringify(written).padEnd(RECORD_BYTES);
    writeFileSync(containerPathsIn(directory).record, content, {
      mode: 0o600,
      flag: spare === undefined ? 'wx' : 'r+',
    });
    whileNothingIsRemoved(store, () => {
      for (const name of layers) assertLayer(store, name);
      renameSync(directory, paths.path);
    });
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

/** Layers by their names in the store: `layers/…`, `snapshots/…/layer`. */
function namesOf({ root, layers, snapshots }: Store, paths: readonly string[]): string[] {
  const isOurs = (path: string) => path.startsWith(`${layers}/`) || path.startsWith(`${snapshots}/`);
  return paths.filter(isOurs).map((path) => path.slice(root.length + 1));
}

function assertLayer({ root }: Store, name: string): void {
  if (existsSync(`${root}/${name}`)) return;
  throw new CaissonError(
    'LAYER_NOT_FOUND',
    `'${name}' of the store at '${root}' was removed since the image was found`,
    {
      hint: 'load or pull the image again',
    },
  );
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

/** Writes down what a container uses from now on. */
export function changeContainerUses(store: Store, id: string, uses: ContainerUses): void {
  const { record: path } = containerPaths(store, id);
  const temporary = temporaryPath(store);
  const layers = namesOf(store, uses.layers ?? []);
  const record = { ...readContainerRecord(store, id), uses: { image: uses.image, layers } };
  writeFileSync(temporary, JSON.stringify(record).padEnd(RECORD_BYTES), { mode: 0o600, flag: 'wx' });
  renameSync(temporary, path);
}

/** What a container uses, by its record: a digest, and names in the store. */
export function usesOf({ uses }: ContainerRecord): { readonly image?: string; readonly layers: readonly string[] } {
  const { image, layers = [] } = (uses ?? {}) as { readonly image?: string; readonly layers?: readonly string[] };
  return { ...(image === undefined ? {} : { image }), layers };
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
