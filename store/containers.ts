/**
 * What is on disk of a container. A directory appears in `containers/` by one rename, complete and with a record
 * that names its owner; it disappears by one rename, into a name its remover owns. So at every moment each
 * directory says whose it is, and what a dead owner leaves can be swept (sweep.ts).
 *
 * This is on the way of every start, so it is synchronous and syncs nothing: after a power cut no container runs.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { type ContainerPaths, containerPaths, containerPathsIn, explainStoreError, type Store } from './layout.ts';
import { disown, own, ownerOf, temporaryPath } from './owner.ts';
import { removeTree } from './remove.ts';

/** What is written down of a container: an object of JSON. The store adds the owner. */
export type ContainerRecord = Readonly<Record<string, unknown>>;

/**
 * Makes the directories of a container, with its record. They are swept when this thread has died.
 *
 * @param id becomes part of a path; see {@link containerPaths}
 * @param rootMode the mode of `upper`, which overlay shows as that of `/` @default 0o755
 * @throws CaissonError CONTAINER_EXISTS when there is one of that id
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export function createContainerDirectory(
  store: Store,
  id: string,
  record: ContainerRecord,
  rootMode = 0o755,
): ContainerPaths {
  const paths = containerPaths(store, id);
  const made = containerPathsIn(temporaryPath(store));
  try {
    mkdirSync(made.path, 0o700);
    mkdirSync(made.upper, rootMode);
    // The umask takes bits of mkdir's mode away, and users of the container must be able to pass its '/'.
    if ((rootMode & ~0o700) !== 0) chmodSync(made.upper, rootMode);
    mkdirSync(made.work, 0o700);
    writeFileSync(made.record, JSON.stringify({ ...record, owner: ownerOf(store) }), { mode: 0o600 });
    renameSync(made.path, paths.path);
    own(paths.path);
    return paths;
  } catch (error) {
    void removeTree(made.path).catch(() => undefined);
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST')) {
      throw new CaissonError('CONTAINER_EXISTS', `there is a container with the id '${id}'`, { cause: error });
    }
    throw explainStoreError(error, `making the directory of container '${id}'`, paths.path);
  }
}

/**
 * Removes the directories of a container. Its id is free when this returns; what is small is then gone from the
 * disk too, what is big when the promise resolves. That there is none is no error.
 */
export function removeContainerDirectory(store: Store, id: string): Promise<void> {
  const { path } = containerPaths(store, id);
  const aside = temporaryPath(store);
  try {
    renameSync(path, aside);
    disown(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return Promise.resolve();
    return Promise.reject(explainStoreError(error, `removing the directory of container '${id}'`, path));
  }
  return removeUntouched(aside) ? Promise.resolve() : removeTree(aside);
}

/**
 * What there is of a container that changed nothing, and in which order it goes: overlayfs leaves its own mark of a
 * volatile mount in `work`. Looking at nothing and removing what is known takes a tenth of the time.
 */
const UNTOUCHED: readonly (readonly [remove: (path: string) => void, path: string])[] = [
  [rmdirSync, 'upper'],
  [unlinkSync, 'work/work/incompat/volatile/dirty'],
  [rmdirSync, 'work/work/incompat/volatile'],
  [rmdirSync, 'work/work/incompat'],
  [rmdirSync, 'work/work'],
  [rmdirSync, 'work'],
  [unlinkSync, 'record.json'],
];

const CLOSED: readonly string[] = ['work/work', 'work/work/incompat', 'work/work/incompat/volatile'];

/** Removes a container that changed nothing; false, perhaps with a part of it gone, when it is not one. */
function removeUntouched(path: string): boolean {
  try {
    // Overlayfs gives these no permissions, and only root needs none.
    if (!isRoot()) for (const name of CLOSED) chmodSync(`${path}/${name}`, 0o700);
    for (const [remove, name] of UNTOUCHED) remove(`${path}/${name}`);
    rmdirSync(path);
    return true;
  } catch {
    // Whatever it is, removing the tree meets it again.
    return false;
  }
}

let root: boolean | undefined;

function isRoot(): boolean {
  root ??= process.geteuid?.() === 0;
  return root;
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
