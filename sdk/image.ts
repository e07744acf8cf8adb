/** Images: what containers start from. */
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { inspect } from 'node:util';
import type { ImageConfig, SnapshotRecord, StoredImage } from '../store/index.ts';
import { openStore, type Store } from '../store/places.ts';
import type {
  ImageDetails,
  ImageHistoryEntry,
  Pruned,
  PruneOptions,
  PushedImage,
  RemovedImage,
  RemoveImageOptions,
  SaveOptions,
  TransferEvent,
} from '../store/transfer.ts';
import { acrossCopies, CaissonError, hasCode } from '../syscalls/index.ts';
import { exportRoot } from './export-root.ts';
import type { ImageInfo, ImportOptions, LoadOptions, PullOptions, PushOptions } from './image-options.ts';
import { assertDirectory, type ImageOrigin, type ImageRoot, rootOf } from './image-root.ts';
import { changeConfig } from './spec/commit.ts';
import { type Transfer, transfer } from './transfer.ts';

/**
 * An image: a value. Containers are made of it, and never change it.
 *
 * @example const { stdout } = await Container.run(Image.host(), ['echo', 'hello'])
 */
export class Image {
  static {
    acrossCopies(Image, 'Image');
  }

  /** What to call it: its first reference, its path, or `host`. */
  readonly name: string;
  /** The digest of its manifest, of an image in the store. */
  declare readonly digest?: string;
  /** What containers of it run by default, in the image's own words. */
  readonly config: ImageConfig;
  /** What could not be kept when it was loaded without root: owners and devices, as sentences. */
  readonly notes: readonly string[];
  /** @internal */
  readonly origin: ImageOrigin;

  private constructor(name: string, config: ImageConfig, origin: ImageOrigin, notes: readonly string[] = []) {
    this.name = name;
    this.config = config;
    this.notes = notes;
    this.origin = origin;
  }

  /**
   * This machine's programs, with nothing of its data: /usr (and /bin, /lib … where they are separate) as they are,
   * a small /etc of our own, and empty directories for the rest. Needs no download. What a container changes stays
   * with it.
   */
  static host(): Image {
    return new Image('host', { Cmd: ['/bin/sh'] }, { kind: 'host' });
  }

  /**
   * A root file system in a directory. It is not copied, and never written to.
   *
   * @throws CaissonError IMAGE_NOT_FOUND when there is nothing, NOT_A_DIRECTORY when there is something else
   */
  static directory(path: string): Image {
    if (typeof path !== 'string') throw new TypeError(`path must be a string, got ${inspect(path)}`);
    const absolute = resolve(path);
    assertDirectory(absolute);
    return new Image(absolute, {}, { kind: 'directory', path: absolute });
  }

  /**
   * Pulls an image from a registry into the store: `alpine` is `docker.io/library/alpine:latest`. What the store has of
   * it is neither transferred nor unpacked again. Iterate what this returns to see how far it is.
   *
   * @throws CaissonError IMAGE_NOT_FOUND, PLATFORM_NOT_FOUND, UNAUTHORIZED, RATE_LIMITED, REGISTRY_UNREACHABLE,
   * DIGEST_MISMATCH, STORE_FULL …; then the store is as it was
   * @example const image = await Image.pull('debian:stable-slim')
   */
  static pull(reference: string, options: PullOptions = {}): Transfer<Image, TransferEvent> {
    return transfer(async (onProgress) => {
      const { pullImage } = await import('../store/transfer.ts');
      const pulled = await pullImage(openStore(), reference, { ...options, onProgress });
      return Image.ofStored(pulled, pulled.notes);
    });
  }

  /**
   * Takes an image into the store: from an OCI image layout (a directory or an archive) or from the archive that
   * `docker save` writes.
   *
   * @throws CaissonError with the store's codes: IMAGE_NOT_FOUND, PLATFORM_NOT_FOUND, DIGEST_MISMATCH …
   */
  static load(path: string, options: LoadOptions = {}): Transfer<Image, TransferEvent> {
    return transfer(async (onProgress) => {
      const { loadImage } = await import('../store/transfer.ts');
      const loaded = await loadImage(openStore(), path, { ...options, onProgress });
      return Image.ofStored(loaded, loaded.notes);
    });
  }

  /**
   * Makes an image of a root file system: of what `docker export` writes, or any tar archive, compressed or not.
   *
   * @param source the path of an archive, or its content
   * @throws CaissonError ARCHIVE_INVALID, LAYER_INVALID, STORE_FULL …
   * @example await Image.import('rootfs.tar.gz', { reference: 'base', config: { command: ['/bin/sh'] } })
   */
  static async import(source: string | AsyncIterable<Uint8Array>, options: ImportOptions = {}): Promise<Image> {
    const { importImage } = await import('../store/transfer.ts');
    const config = changeConfig({}, options.config ?? {});
    const imported = await importImage(openStore(), source, { ...options, config });
    return Image.ofStored(imported, imported.notes);
  }

  /**
   * An image of the store, by its name as Docker reads names, or by its digest; of a snapshot, by its id.
   * @throws CaissonError IMAGE_NOT_FOUND, with the names there are; SNAPSHOT_NOT_FOUND
   */
  static async get(reference: string): Promise<Image> {
    const { findImage, findSnapshot, namesOfSnapshot, snapshotLayers, unpackImage } = await import(
      '../store/transfer.ts'
    );
    const store = openStore();
    const snapshot = findSnapshot(store, reference);
    if (snapshot !== undefined) {
      return Image.ofSnapshot(snapshot, snapshotLayers(store, snapshot), namesOfSnapshot(store, snapshot.id)[0]);
    }
    try {
      return Image.ofStored(findImage(store, reference));
    } catch (error) {
      // Another tool put it there, or it was unpacked by a user with other subordinate ids than he has now.
      if (!hasCode(error, 'LAYER_NOT_FOUND')) throw error;
      return Image.ofStored(await unpackImage(store, reference));
    }
  }

  /** The images of the store, and its snapshots. */
  static async list(): Promise<readonly ImageInfo[]> {
    const { listImages, listSnapshots } = await import('../store/transfer.ts');
    const store = openStore();
    return [...listImages(store), ...listSnapshots(store)];
  }

  /**
   * Writes images to one archive, which `Image.load`, `docker load`, skopeo and podman read. The same images give the
   * same bytes.
   *
   * @param destination the path of a file, which appears when it is complete; or a stream, which is ended
   * @throws CaissonError IMAGE_NOT_IN_STORE, BLOB_NOT_FOUND
   */
  static async save(
    images: readonly Image[],
    destination: string | Writable,
    options: SaveOptions = {},
  ): Promise<void> {
    const { saveImage } = await import('../store/transfer.ts');
    const store = openStore();
    const references: string[] = [];
    for (const image of images) references.push(await referenceIn(store, image, 'saved'));
    await saveImage(store, references, destination, options);
  }

  /**
   * Removes images that have lost their names (or, if asked, all that no container uses), and all content that no image,
   * container or snapshot needs. Safe while other processes use the store.
   */
  static async prune(options: PruneOptions = {}): Promise<Pruned> {
    const { pruneStore } = await import('../store/transfer.ts');
    return pruneStore(openStore(), options);
  }

  /** @internal */
  static ofSnapshot(record: SnapshotRecord, layers: readonly string[], name?: string): Image {
    const origin = { kind: 'snapshot', record, layers } as const;
    return new Image(name ?? `snapshot:${record.id.slice(0, 12)}`, record.config, origin);
  }

  /**
   * The image of a container that is there: nothing is looked up.
   * @internal
   */
  static ofRecord(name: string, config: ImageConfig, origin: ImageOrigin): Image {
    const image = new Image(name, config, origin);
    return origin.kind === 'stored' ? Object.assign(image, { digest: origin.digest }) : image;
  }

  /** @internal */
  static ofStored(stored: StoredImage, notes: readonly string[] = []): Image {
    const { layers, config, digest, references } = stored;
    const image = new Image(references[0] ?? digest, config, { kind: 'stored', digest, layers }, notes);
    return Object.assign(image, { digest });
  }

  /**
   * Pushes the image to a registry. What the registry has of it is not sent.
   *
   * @param to its name there @default its own
   * @throws CaissonError UNAUTHORIZED, FORBIDDEN, REGISTRY_UNREACHABLE, IMAGE_NOT_IN_STORE …
   * @example await image.push('registry.example.com/team/app:1.0')
   */
  push(to: string = this.name, options: PushOptions = {}): Transfer<PushedImage, TransferEvent> {
    return transfer(async (onProgress) => {
      const { pushImage } = await import('../store/transfer.ts');
      const store = openStore();
      return pushImage(store, await digestIn(store, this, 'pushed'), { ...options, to, onProgress });
    });
  }

  /** {@link Image.save} of this image. */
  save(destination: string | Writable, options: SaveOptions = {}): Promise<void> {
    return Image.save([this], destination, options);
  }

  /**
   * Its file system as a tar archive of one tree, as `docker export` writes that of a container.
   * @example await pipeline(await image.export(), createWriteStream('rootfs.tar'))
   */
  async export(): Promise<Readable> {
    const archive = await exportRoot(this.root(openStore(), 'prepare'));
    return process.getBuiltinModule('node:stream').Readable.from(archive, { objectMode: false });
  }

  /**
   * Gives the image another name, which it takes from the image that had it.
   * @returns the image by that name
   * @throws CaissonError REFERENCE_INVALID, IMAGE_NOT_IN_STORE
   */
  async tag(reference: string): Promise<Image> {
    const { nameSnapshot, tagImage } = await import('../store/transfer.ts');
    const store = openStore();
    if (this.origin.kind === 'snapshot') await nameSnapshot(store, this.origin.record, reference);
    else await tagImage(store, await digestIn(store, this, 'tagged'), reference);
    return Image.get(reference);
  }

  /** What its documents say: names, platform, configuration, layers, sizes, history. */
  async inspect(): Promise<ImageDetails> {
    const { inspectImage } = await import('../store/transfer.ts');
    const store = openStore();
    return inspectImage(store, await digestIn(store, this, 'inspected'));
  }

  /** The steps by which it was made, the last first. */
  async history(): Promise<readonly ImageHistoryEntry[]> {
    return (await this.inspect()).history;
  }

  /**
   * Takes its name from the image, and removes it with its last name: as `docker rmi`. Content that others need stays.
   * @throws CaissonError IMAGE_IN_USE when there are containers of it, unless forced
   */
  async remove(options: RemoveImageOptions = {}): Promise<RemovedImage> {
    const { removeImage, removeSnapshot } = await import('../store/transfer.ts');
    const store = openStore();
    if (this.origin.kind === 'snapshot') {
      const untagged = await removeSnapshot(store, this.origin.record.id);
      return { untagged, layers: 0, blobs: 0, snapshots: 0, bytes: 0 };
    }
    return removeImage(store, await referenceIn(store, this, 'removed'), options);
  }

  /**
   * The directories that a container's root is put together from.
   * @param effect whether those that are made on demand are made, or only named
   * @internal
   */
  root(store: Store, effect: 'prepare' | 'describe'): ImageRoot {
    return rootOf(store, this.origin, effect);
  }

  [inspect.custom](): string {
    return `Image(${this.name}${this.digest === undefined || this.digest === this.name ? '' : `@${this.digest}`})`;
  }
}

/** Its digest; of a snapshot, once an image that others can read is made of it. */
async function digestIn(store: Store, { name, origin }: Image, done: string): Promise<string> {
  if (origin.kind === 'stored') return origin.digest;
  if (origin.kind === 'snapshot') {
    const { materializeSnapshot } = await import('../store/transfer.ts');
    return (await materializeSnapshot(store, origin.record.id)).digest;
  }
  throw new CaissonError('IMAGE_NOT_IN_STORE', `image '${name}' is not in the store, so it cannot be ${done}`, {
    hint: 'what Image.import(), Image.pull() and container.commit() give is',
  });
}

/** The name it is known by, as long as that is its own; else its digest. */
async function referenceIn(store: Store, image: Image, done: string): Promise<string> {
  const { listImages } = await import('../store/transfer.ts');
  const digest = await digestIn(store, image, done);
  const names = listImages(store).find((each) => each.digest === digest)?.references ?? [];
  return names.includes(image.name) ? image.name : digest;
}
