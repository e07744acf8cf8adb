/** A container's image and options as they are written down, and back. */
import {
  type ContainerDescription,
  type ContainerRecord,
  findSnapshot,
  type ImageConfig,
  type RecordedImage,
  readImageConfig,
  type Store,
  snapshotLayers,
} from '../../store/index.ts';
import { CaissonError } from '../../syscalls/index.ts';
import { Image } from '../image.ts';
import type { ContainerOptions } from '../spec/options.ts';

/** What is written down of a container when it is made. */
export function describeContainer(
  { name, image, options }: { readonly name: string; readonly image: Image; readonly options: ContainerOptions },
  createdAt: Date,
): ContainerDescription {
  return {
    name,
    image: recordImage(image),
    createdAt: createdAt.toISOString(),
    labels: options.labels ?? {},
    options: recordOptions(options),
    detached: options.detach ?? false,
  };
}

/** What has no meaning in another process, or is written down beside them. */
const UNRECORDED = new Set(['signal', 'labels', 'name', 'detach', 'ready', 'startTimeoutMs']);

function recordOptions(options: ContainerOptions): ContainerDescription['options'] {
  const recorded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || UNRECORDED.has(name)) continue;
    // What somebody writes to its input is not written down.
    recorded[name] = name === 'stdin' && typeof value === 'object' ? 'ignore' : record(value);
  }
  return recorded;
}

/** A value as JSON: bytes and images in our own way, containers by their ids, volumes by their names. */
function record(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(record);
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') };
  if (value instanceof Image) return { $image: { ...recordImage(value), layers: layerNames(value) } };
  const isPlain = Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null;
  if (!isPlain) return 'id' in value ? value.id : 'name' in value ? value.name : undefined;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, record(member)]));
}

function recordImage({ name, origin }: Image): RecordedImage {
  if (origin.kind === 'stored') return { name, origin: { kind: 'stored', digest: origin.digest } };
  if (origin.kind === 'snapshot') return { name, origin: { kind: 'snapshot', id: origin.record.id } };
  return { name, origin };
}

/** An image among a container's mounts. */
interface MountedImage extends RecordedImage {
  /** The names in the store of an image that has a digest. */
  readonly layers: readonly string[];
}

/** `layers/…`: the last two names of a path. */
function layerNames({ origin }: Image): string[] {
  return origin.kind === 'stored' ? origin.layers.map((path) => path.split('/').slice(-2).join('/')) : [];
}

/** What is mounted of an image is its layers, which are there; how it runs may be forgotten. */
function mountedImage(store: Store, { layers, ...image }: MountedImage): Image {
  if (image.origin.kind !== 'stored') return recordedImage(store, image);
  return Image.ofRecord(image.name, {}, { ...image.origin, layers: layers.map((name) => `${store.root}/${name}`) });
}

/** The options of a container, by its record. */
export function recordedOptions(store: Store, { options, labels, name, detached }: ContainerRecord): ContainerOptions {
  const read = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(read);
    if ('$bytes' in value) return Buffer.from(String(value.$bytes), 'base64');
    if ('$image' in value) return mountedImage(store, value.$image as MountedImage);
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, read(member)]));
  };
  return { ...(read(options) as ContainerOptions), labels, name, detach: detached };
}

/**
 * The image of a container, by its record. Its content is what the container uses, so it is there, be it that the image
 * has lost its name and its entry since.
 *
 * @param layers the names in the store of what the container uses, where that is known
 */
export function recordedImage(store: Store, { name, origin }: RecordedImage, layers: readonly string[] = []): Image {
  const paths = layers.map((layer) => `${store.root}/${layer}`);
  switch (origin.kind) {
    case 'stored':
      return Image.ofRecord(name, configOf(store, origin.digest), { ...origin, layers: paths });
    case 'snapshot': {
      const snapshot = findSnapshot(store, origin.id);
      if (snapshot === undefined) throw new CaissonError('SNAPSHOT_NOT_FOUND', `there is no snapshot '${origin.id}'`);
      return Image.ofRecord(name, snapshot.config, {
        kind: 'snapshot',
        record: snapshot,
        layers: snapshotLayers(store, snapshot),
      });
    }
    case 'host':
      return Image.host();
    case 'directory':
      return Image.ofRecord(name, {}, origin);
  }
}

const configs = new Map<string, ImageConfig>();

/** The same digest is the same content. */
function configOf(store: Store, digest: string): ImageConfig {
  const config = configs.get(digest) ?? readImageConfig(store, digest);
  configs.set(digest, config);
  return config;
}
