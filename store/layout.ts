/**
 * Where everything of the store lies. The root is a valid OCI image layout (oci-layout, index.json, blobs/), with
 * our own folders beside it. Every path is named here and nowhere else.
 */
import {
  accessSync,
  chmodSync,
  constants,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CaissonError, hasCode, shared } from '../syscalls/index.ts';
import { parseDigest } from './digest.ts';
import { type FoundIds, findIds, isLayerRoom, type OwnIds, ownIds, roomOf } from './ids/index.ts';
import { resign, temporaryPath } from './owner.ts';
import { storeRoot } from './root.ts';

/** The store's paths, all absolute. A plain value: two of the same root are interchangeable. */
export interface Store {
  readonly root: string;
  /** `index.json` of the OCI image layout: which images there are, and their names. */
  readonly index: string;
  /** Content by its sha256, compressed as it came. */
  readonly blobs: string;
  /**
   * Unpacked layers by diffID: overlay's lower directories. Their owners are this process's ids ({@link roomOf}), so
   * what was unpacked with others lies in another directory.
   */
  readonly layers: string;
  /** One directory per snapshot: record, layer. */
  readonly snapshots: string;
  /** One directory per container: record, upper, work. */
  readonly containers: string;
  /** Views of this machine, by fingerprint. */
  readonly host: string;
  /** One directory per volume: record, data. */
  readonly volumes: string;
  /** The lowest layer of containers' roots: empty files and directories, for what is mounted at them. */
  readonly places: string;
  /** Links to containers by the names that were asked for; made with the first. */
  readonly names: string;
  /** The journal of what happened to containers; the older part of it has `.1` at its end. */
  readonly events: string;
  readonly locks: string;
  /** Directories for the next containers of their owner, whose name theirs start with. */
  readonly spares: string;
  /** What is being made or removed; every name starts with that of the owner it dies with. */
  readonly tmp: string;
  /** Which layers may not be on the disk yet; made with the first (unsynced.ts). */
  readonly unsynced: string;
  /** What could not be kept of layers; made with the first (layer-notes.ts). */
  readonly notes: string;
}

/** The content of `oci-layout`. */
export const LAYOUT = '{"imageLayoutVersion":"1.0.0"}';
const EMPTY_INDEX = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}';
const NAMES = new Set([
  'oci-layout',
  'index.json',
  'blobs',
  'snapshots',
  'containers',
  'host',
  'volumes',
  'places',
  'names',
  'events',
  'events.1',
  'locks',
  'spares',
  'tmp',
  'unsynced',
  'notes',
]);

/** Stores are told apart by identity, so all copies of caisson in this thread have the same. */
const opened = shared('stores', () => new Map<string, Store>());

/**
 * Opens the store, making it where it is not there yet. Idempotent, cheap once opened, and safe with many
 * processes at once.
 *
 * @param root @default `CAISSON_ROOT`, else `/var/lib/caisson` for root, else `$XDG_DATA_HOME/caisson`
 * @throws CaissonError STORE_NOT_WRITABLE when the disk is read-only or permission is missing
 * @throws CaissonError STORE_FULL when no space is left for it
 * @throws CaissonError STORE_INVALID when something else lies there
 */
export function openStore(root?: string): Store {
  const path = rootPath(root);
  let store: Store | undefined;
  try {
    const known = opened.get(path);
    if (known !== undefined && isThere(known)) return known;
    store = storeAt(path, ownIds());
    makeStore(store);
    accessSync(path, constants.W_OK | constants.X_OK);
    opened.set(path, store);
    return store;
  } catch (error) {
    if (store !== undefined) resign(store);
    throw explainStoreError(error, `opening the store at '${path}'`, path);
  }
}

/** The paths of a store that may not be there: nothing is made. */
export function describeStore(root?: string): Store {
  return storeAt(rootPath(root), findIds());
}

function rootPath(root: string | undefined): string {
  return root === undefined ? storeRoot() : resolve(root);
}

/** Where a blob lies. The digest is validated before it becomes part of a path. */
export function blobPath(store: Store, digest: string): string {
  return join(store.blobs, parseDigest(digest));
}

/** Where a layer lies unpacked: the lower directory itself. */
export function layerPath(store: Store, diffId: string): string {
  return join(store.layers, parseDigest(diffId));
}

/** The directories of all layers, with this process's ids as owners and with others. */
export function layerRooms({ root }: Store): string[] {
  return readdirSync(root)
    .filter(isLayerRoom)
    .map((name) => join(root, name));
}

/** The directories of one container. */
export interface ContainerPaths {
  readonly path: string;
  /** Overlay's upper directory: what the container changed. */
  readonly upper: string;
  /** Overlay's own scratch directory, on the same disk as `upper`. */
  readonly work: string;
  readonly record: string;
  /** What was decided about a detached one when it was started. */
  readonly spec: string;
  /** How far it is: store/containers/state-cell.ts. */
  readonly state: string;
  /** There from when somebody asks for its end until its next start: nobody starts it again by himself. */
  readonly stopped: string;
  /** There while it stands still: store/containers/pause-note.ts. */
  readonly paused: string;
  /** What a detached container wrote; the older parts have `.1`, `.2` … at their ends. */
  readonly log: string;
  /** A fifo: what a detached container reads. */
  readonly stdin: string;
  /** A detached one's, which requests to its supervisor go through: only that one reads it. */
  readonly control: string;
  /** What checks of its health said. */
  readonly health: string;
}

/**
 * Where a container lies.
 * @throws TypeError when the id is not one: it would be a way out of the store
 */
export function containerPaths(store: Store, id: string): ContainerPaths {
  if (!isContainerId(id)) {
    throw new TypeError(
      `a container's id must be 1 to 128 letters, digits, '_', '.' or '-', got ${JSON.stringify(id)}`,
    );
  }
  return containerPathsIn(`${store.containers}/${id}`);
}

/** Whether a container may have this id. */
export function isContainerId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(id);
}

/** The directories of a container that lies at `path`, under its name or under none yet. */
export function containerPathsIn(path: string): ContainerPaths {
  return {
    path,
    upper: `${path}/upper`,
    work: `${path}/work`,
    record: `${path}/record.json`,
    spec: `${path}/spec.json`,
    state: `${path}/state`,
    stopped: `${path}/stopped`,
    paused: `${path}/paused`,
    log: `${path}/log`,
    stdin: `${path}/stdin`,
    control: `${path}/control`,
    health: `${path}/health`,
  };
}

/**
 * Turns what a failed write says of the disk into an error that says it of the store; any other error stays as it is.
 *
 * @param doing completes "it failed while …"
 */
export function explainStoreError(error: unknown, doing: string, path: string): unknown {
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) {
    return new CaissonError('STORE_FULL', `${doing}: no space left for '${path}'`, { cause: error, hint });
  }
  if (hasCode(error, 'EROFS', 'EACCES', 'EPERM')) {
    return new CaissonError('STORE_NOT_WRITABLE', `${doing}: '${path}' cannot be written`, { cause: error, hint });
  }
  if (hasCode(error, 'ENOTDIR', 'EEXIST', 'ELOOP')) {
    return new CaissonError('STORE_INVALID', `${doing}: '${path}' is not a directory`, { cause: error, hint });
  }
  return error;
}

const hint = 'set CAISSON_ROOT to a directory on a disk with room, that you may write';

function storeAt(root: string, ids: OwnIds | FoundIds): Store {
  return Object.freeze({
    root,
    index: join(root, 'index.json'),
    blobs: join(root, 'blobs', 'sha256'),
    layers: join(root, roomOf(ids)),
    snapshots: join(root, 'snapshots'),
    containers: join(root, 'containers'),
    host: join(root, 'host'),
    volumes: join(root, 'volumes'),
    places: join(root, 'places'),
    names: join(root, 'names'),
    events: join(root, 'events'),
    locks: join(root, 'locks'),
    spares: join(root, 'spares'),
    tmp: join(root, 'tmp'),
    unsynced: join(root, 'unsynced'),
    notes: join(root, 'notes'),
  });
}

/** Somebody may have deleted the store that this process has used: then it is made anew, as a new value. */
function isThere({ root }: Store): boolean {
  return statSync(join(root, 'oci-layout'), { throwIfNoEntry: false }) !== undefined;
}

function makeStore(store: Store): void {
  const { root, blobs, layers, snapshots, containers, host, volumes, locks, spares, tmp } = store;
  makeDirectory(root);
  const names = readdirSync(root);
  const foreign = names.find((name) => !NAMES.has(name) && !isLayerRoom(name));
  if (foreign !== undefined && !names.includes('oci-layout')) {
    throw new CaissonError('STORE_INVALID', `'${root}' is not a store: it has '${foreign}' in it`, {
      hint: 'name an empty or a new directory in CAISSON_ROOT',
    });
  }
  // Others must not reach the setuid programs of images (CVE-2021-41103).
  const { mode, uid } = statSync(root);
  if ((mode & 0o077) !== 0 && uid === process.geteuid?.()) chmodSync(root, 0o700);
  for (const path of [blobs, layers, snapshots, containers, host, volumes, locks, spares, tmp]) {
    makeDirectory(path);
  }
  writeOnce(store, store.index, EMPTY_INDEX);
  writeOnce(store, join(root, 'oci-layout'), LAYOUT);
  checkLayoutVersion(join(root, 'oci-layout'));
}

/** Node's own recursive mkdir says ENOENT on a read-only disk, which is no reason anybody can act upon. */
function makeDirectory(path: string, withParents = true): void {
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    if (!withParents || !hasCode(error, 'ENOENT')) throw error;
    makeDirectory(dirname(path));
    makeDirectory(path, false);
  }
}

/** Writes a file unless it is there. link(2) neither replaces what another process wrote nor shows half a file. */
function writeOnce(store: Store, path: string, content: string): void {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
  const temporary = temporaryPath(store);
  try {
    writeFileSync(temporary, content, { flag: 'wx', flush: true, mode: 0o600 });
    linkSync(temporary, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function checkLayoutVersion(path: string): void {
  const text = readFileSync(path, 'utf8');
  if (!/"imageLayoutVersion"\s*:\s*"1\./.test(text)) {
    throw new CaissonError(
      'STORE_INVALID',
      `'${path}' is not of an OCI image layout of version 1: ${text.slice(0, 100)}`,
    );
  }
}
