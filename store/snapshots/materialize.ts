/**
 * Makes an image of a snapshot that others can read: its layers are packed, digested, and described. That is put off
 * until somebody asks for it, since it takes as long as reading and compressing all that was changed.
 */
import { CaissonError } from '../../syscalls/index.ts';
import { formatManifest, stageDocument } from '../documents.ts';
import type { JsonObject } from '../json.ts';
import type { PackedLayer, PackOptions } from '../layer/pack.ts';
import type { Store } from '../layout.ts';
import { type Descriptor, MEDIA_TYPES } from '../manifest.ts';
import { publishImage } from '../publish.ts';
import { removeTree } from '../remove.ts';
import { namesOfSnapshot } from './names.ts';
import { type Parts, packBase, packSnapshot } from './pack.ts';
import { readSnapshot, type SnapshotRecord } from './record.ts';
import { syncSnapshotNow } from './sync.ts';

/** How to make an image of a snapshot. */
export interface MaterializeOptions extends Pick<PackOptions, 'compression' | 'signal'> {
  /** Complete names the image gets besides those of the snapshot, which become its own. */
  readonly references?: readonly string[];
}

/**
 * Makes an image of a snapshot, and puts it among the store's images. The same snapshot gives the same image.
 *
 * @throws CaissonError IMAGE_NOT_PORTABLE for a snapshot of a container of `Image.host()`
 * @throws CaissonError SNAPSHOT_NOT_FOUND, LAYER_NOT_PACKED, STORE_FULL, STORE_NOT_WRITABLE; then the snapshot is as it was
 */
export async function materializeSnapshot(
  store: Store,
  id: string,
  { references = [], ...options }: MaterializeOptions = {},
): Promise<Descriptor> {
  const record = readSnapshot(store, id);
  const parts: Parts = { blobs: new Map(), layers: new Map() };
  try {
    const descriptor = await stageImage(store, record, parts, options);
    // Before the image: its layers lie in these snapshots, which after a power cut are only there with this note.
    syncSnapshotNow(store, record);
    const names = [...new Set([...namesOfSnapshot(store, id), ...references])];
    await publishImage(store, { ...parts, descriptor, references: names }, async () => {
      await stageImage(store, record, parts, options);
    });
    return descriptor;
  } finally {
    // What was put into its place is here no more.
    for (const path of [...parts.blobs.values(), ...parts.layers.values()]) await removeTree(path);
  }
}

/**
 * Refuses what no image can be made of.
 * @throws CaissonError IMAGE_NOT_PORTABLE
 */
export function assertPortable({ base }: Pick<SnapshotRecord, 'base'>): void {
  if (base.kind !== 'host') return;
  const message = "containers of Image.host() see this machine's own programs, which are in no layer of an image";
  throw new CaissonError('IMAGE_NOT_PORTABLE', message, {
    hint: 'take a snapshot(), for use on this machine, or export() all files',
  });
}

/** Makes what the store does not have of the image; the same each time. */
async function stageImage(
  store: Store,
  record: SnapshotRecord,
  parts: Parts,
  options: PackOptions,
): Promise<Descriptor> {
  const layers = await packLayers(store, record, parts, options);
  const history = [...historyOf(record, layers.length), ...stepsOf(store, record)];
  const config = stageDocument(store, parts.blobs, MEDIA_TYPES.config, describeConfig(record, layers, history));
  const manifest = formatManifest(
    config,
    layers.map(({ descriptor }) => descriptor),
  );
  return { ...stageDocument(store, parts.blobs, MEDIA_TYPES.manifest, manifest), platform: record.platform };
}

async function packLayers(
  store: Store,
  record: SnapshotRecord,
  parts: Parts,
  options: PackOptions,
): Promise<PackedLayer[]> {
  const { id, base, snapshots } = record;
  assertPortable(record);
  const layers: PackedLayer[] = [];
  if (base.kind === 'image') layers.push(...base.layers);
  if (base.kind === 'directory') layers.push(await packBase(store, base.path, parts, options));
  for (const each of [...snapshots, id]) layers.push(await packSnapshot(store, each, parts, options));
  return layers;
}

/** The history of the base. Readers want a step for each layer; an image that does not tell is given empty ones. */
function historyOf({ base, snapshots }: SnapshotRecord, count: number): readonly JsonObject[] {
  const below = count - snapshots.length - 1;
  const told = base.kind === 'image' ? base.history : [];
  const untold = below - told.filter(({ empty_layer }) => empty_layer !== true).length;
  const steps = (length: number) => Array.from({ length }, () => ({ comment: 'imported' }));
  return untold >= 0 ? [...steps(untold), ...told] : steps(below);
}

function stepsOf(store: Store, record: SnapshotRecord): JsonObject[] {
  const below = record.snapshots.map((each) => readSnapshot(store, each));
  return [...below, record].map(({ created, createdBy, author, message }) => ({
    created,
    created_by: createdBy,
    author,
    comment: message,
  }));
}

function describeConfig(
  { platform, config, created, author }: SnapshotRecord,
  layers: readonly PackedLayer[],
  history: readonly JsonObject[],
): JsonObject {
  const rootfs = { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) };
  return { created, author, ...platform, config, rootfs, history };
}
