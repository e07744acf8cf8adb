/**
 * What is on disk of a snapshot: an image whose top layer is a container's changes, and has no digest yet.
 *
 *     snapshots/<id>/record.json   written once
 *     snapshots/<id>/layer/        the layer: once an upper directory, or a copy of one
 *     snapshots/<id>/packed.json   which layer of an image it is, once that was needed (pack.ts)
 *     snapshots/<id>/synced        it outlives a power cut (sync.ts)
 *     snapshots/names.json         the names that are those of snapshots (names.ts)
 *
 * A snapshot appears and disappears by one rename. Its layer stays where it is for all its life: overlays may be about
 * to be mounted of it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { readBootId } from '../boot.ts';
import { asArray, asObject, asString, type JsonObject, parseDocument } from '../json.ts';
import { visibleLayers } from '../layer/opaque.ts';
import type { PackedLayer } from '../layer/pack.ts';
import { layerPath, type Store } from '../layout.ts';
import { type ImageConfig, type Platform, readConfig, readDescriptor, readPlatform } from '../manifest.ts';

/** What a snapshot's layers lie on. Only of the first kind an image can be made that others can read. */
export type SnapshotBase =
  | { readonly kind: 'image'; readonly layers: readonly PackedLayer[]; readonly history: readonly JsonObject[] }
  /** This machine, as it is whenever a container starts. */
  | { readonly kind: 'host' }
  /** A directory outside of the store, as it is whenever a container starts. */
  | { readonly kind: 'directory'; readonly path: string };

/** What is written down of a snapshot. */
export interface SnapshotRecord {
  readonly id: string;
  readonly base: SnapshotBase;
  /** The ids of the snapshots between the base and this one, lowest first. */
  readonly snapshots: readonly string[];
  readonly platform: Platform;
  readonly config: ImageConfig;
  /** RFC 3339. */
  readonly created: string;
  /** The command of the container. */
  readonly createdBy: string;
  readonly author?: string | undefined;
  readonly message?: string | undefined;
  /** The thread that took it: while it has no name, it is that thread's. */
  readonly owner: string;
  /** The start of the machine that it was taken in. */
  readonly bootId: string;
}

/** Whether text has the form of a snapshot's id. */
export function isSnapshotId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** The paths of one snapshot. */
export function snapshotPaths(store: Store, id: string) {
  if (!isSnapshotId(id)) throw new TypeError(`a snapshot's id has 64 hexadecimal digits, got ${JSON.stringify(id)}`);
  return snapshotPathsIn(`${store.snapshots}/${id}`);
}

/** The paths of a snapshot that lies at `path`, under its id or under none yet. */
export function snapshotPathsIn(path: string) {
  return {
    path,
    record: `${path}/record.json`,
    layer: `${path}/layer`,
    packed: `${path}/packed.json`,
    synced: `${path}/synced`,
  };
}

/** The ids of all snapshots, in no order. */
export function listSnapshotIds(store: Store): string[] {
  return readdirSync(store.snapshots).filter(isSnapshotId);
}

/**
 * Reads what is written down of a snapshot.
 * @throws CaissonError SNAPSHOT_NOT_FOUND when there is none, or it was lost with the power of the machine
 */
export function readSnapshot(store: Store, id: string): SnapshotRecord {
  const paths = snapshotPaths(store, id);
  let text: string;
  try {
    text = readFileSync(paths.record, 'utf8');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    throw notFound(store, id, 'it is not there', error);
  }
  const record = { id, ...parseDocument(text, `'${paths.record}'`, readRecord) };
  if (isWhole(store, record)) return record;
  throw notFound(store, id, 'the machine was restarted before it was on the disk');
}

/** What is written down of a snapshot, as a list; empty for one that was lost with the power, or damaged. */
export function readIfWhole(store: Store, id: string): SnapshotRecord[] {
  try {
    return [readSnapshot(store, id)];
  } catch (error) {
    if (hasCode(error, 'SNAPSHOT_NOT_FOUND', 'IMAGE_INVALID')) return [];
    throw error;
  }
}

/** Whether nothing of a snapshot can have been lost with the power: it is on the disk, or the machine runs still. */
export function isWhole(store: Store, { id, bootId }: SnapshotRecord): boolean {
  return bootId === readBootId() || isDurable(store, id);
}

/** Whether a snapshot is known to be on the disk. */
export function isDurable(store: Store, id: string): boolean {
  return existsSync(snapshotPaths(store, id).synced);
}

/** The layers of a snapshot that lie in the store, lowest first: overlay's lower directories, in reverse. */
export function snapshotLayers(store: Store, { id, base, snapshots }: SnapshotRecord): string[] {
  const below = base.kind === 'image' ? base.layers.map(({ diffId }) => layerPath(store, diffId)) : [];
  return [...visibleLayers(below), ...[...snapshots, id].map((each) => snapshotPaths(store, each).layer)];
}

function notFound(store: Store, id: string, reason: string, cause?: unknown): CaissonError {
  return new CaissonError('SNAPSHOT_NOT_FOUND', `no snapshot '${id}' in the store at '${store.root}': ${reason}`, {
    cause,
  });
}

function readRecord(document: JsonObject): Omit<SnapshotRecord, 'id'> {
  const text = (name: string) => asString(document[name], name);
  const optionalText = (name: string) => (document[name] === undefined ? {} : { [name]: text(name) });
  return {
    base: readBase(asObject(document.base, 'base')),
    snapshots: asArray(document.snapshots, 'snapshots', asString),
    platform: readPlatform(document.platform, 'platform'),
    config: readConfig(asObject(document.config, 'config')),
    created: text('created'),
    createdBy: text('createdBy'),
    owner: text('owner'),
    bootId: text('bootId'),
    ...optionalText('author'),
    ...optionalText('message'),
  };
}

function readBase(base: JsonObject): SnapshotBase {
  if (base.kind === 'host') return { kind: 'host' };
  if (base.kind === 'directory') return { kind: 'directory', path: asString(base.path, 'base.path') };
  return {
    kind: 'image',
    layers: asArray(base.layers, 'base.layers', readPackedLayer),
    history: asArray(base.history, 'base.history', asObject),
  };
}

/** Reads a layer as records have it. */
export function readPackedLayer(value: unknown, what: string): PackedLayer {
  const { diffId, descriptor } = asObject(value, what);
  return { diffId: asString(diffId, `${what}.diffId`), descriptor: readDescriptor(descriptor, `${what}.descriptor`) };
}
