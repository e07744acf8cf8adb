/** Images: what containers start from. */
import { resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { inspect } from 'node:util';
import type { ImageConfig, SnapshotRecord, StoredImage } from '../store/index.ts';
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
import { acrossCopies, hasCode } from '../syscalls/common.ts';
import { digestIn, referenceIn, referenceToPush, snapshotIn } from './image-in-store.ts';
import type {
  ImageFilter,
  ImageInfo,
  ImportOptions,
  ImportSource,
  LoadOptions,
  PullOptions,
  PushOptions,
} from './image-options.ts';
import { assertDirectory, type ImageOrigin } from './image-origin.ts';
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

  /** What to call it: what it was asked for by, which is a complete name or a digest; its path, or `host`. */
  readonly name: string;
  /** The digest of its manifest, of an image in the store. */
  declare readonly digest?: string;
  /** What containers of it run by default, in the image's own words. */
  readonly config: ImageConfig;
  /** What could not be kept when it was unpacked without root: owners and devices, as sentences. */
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
      const { checkReference, normalizePullOptions, openStore, pullImage } = await import('./image-runtime.ts');
      checkReference(reference);
      const checked = normalizePullOptions(options);
      return Image.ofStored(await pullImage(openStore(), reference, { ...checked, onProgress }));
    });
  }

  /**
   * Takes an image into the store: from an OCI image layout (a directory or an archive) or from the archive that
   * `docker save` writes.
   *
   * @param source its path or file URL, or an archive's content
   * @throws CaissonError with the store's codes: IMAGE_NOT_FOUND, PLATFORM_NOT_FOUND, DIGEST_MISMATCH …
   */
  static load(source: string | URL | Uint8Array, options: LoadOptions = {}): Transfer<Image, TransferEvent> {
    return transfer(async (onProgress) => {
      const { checkImportSource, loadImage, normalizeLoadOptions, openStore } = await import('./image-runtime.ts');
      const from = checkImportSource(source, false);
      const checked = normalizeLoadOptions(options);
      return Image.ofStored(await loadImage(openStore(), from, { ...checked, onProgress }));
    });
  }

  /**
   * Makes an image of a root file system: of what `docker export` writes, or any tar archive, compressed with gzip, with
   * zstd or not at all.
   *
   * @param source the path or file URL of an archive, or its content
   * @throws CaissonError IMAGE_NOT_FOUND, ARCHIVE_INVALID, LAYER_INVALID, STORE_FULL …
   * @example await Image.import('rootfs.tar.gz', { reference: 'base', config: { command: ['/bin/sh'] } })
   */
  static async import(source: ImportSource, options: ImportOptions = {}): Promise<Image> {
    const { checkImportSource, importImage, normalizeImportOptions, openStore } = await import('./image-runtime.ts');
    const from = checkImportSource(source, true);
    const checked = normalizeImportOptions(options);
    return Image.ofStored(await importImage(openStore(), from, checked));
  }

  /**
   * An image of the store, by its name as Docker reads names; where nothing is called so, by its digest, Docker's id of it
   * or the first digits of either; of a snapshot, by its id.
   *
   * @throws CaissonError IMAGE_NOT_FOUND, with the names there are; IMAGE_AMBIGUOUS, with what it may be; SNAPSHOT_NOT_FOUND
   */
  static async get(reference: string): Promise<Image> {
    const { checkReference, findImage, openStore, unpackImage } = await import('./image-runtime.ts');
    checkReference(reference);
    const store = openStore();
    const snapshot = await snapshotIn(store, reference);
    if (snapshot !== undefined) return Image.ofSnapshot(...snapshot);
    try {
      return Image.ofStored(findImage(store, reference));
    } catch (error) {
      // Another tool put it there, or it was unpacked by a user with other subordinate ids than he has now.
      if (!hasCode(error, 'LAYER_NOT_FOUND')) throw error;
      return Image.ofStored(await unpackImage(store, reference));
    }
  }

  /**
   * The images of the store, and its snapshots. It need not be there, nor be written to.
   * @example await Image.list({ reference: /^ghcr\.io\//, label: { team: 'web' } })
   */
  static async list(filter: ImageFilter = {}): Promise<readonly ImageInfo[]> {
    const { checkImageFilter, describeStore, isListedImage, listImages, listSnapshots } = await import(
      './image-runtime.ts'
    );
    checkImageFilter(filter);
    const store = describeStore();
    return [...listImages(store), ...listSnapshots(store)].filter((each) => isListedImage(each, filter));
  }

  /**
   * Writes images to one archive, which `Image.load`, `docker load`, skopeo and podman read. The same images give the
   * same bytes.
   *
   * @param destination the path or URL of a file, which appears when it is complete; or a stream, which is ended
   * @throws CaissonError IMAGE_NOT_IN_STORE, BLOB_NOT_FOUND
   */
  static async save(
    images: readonly Image[],
    destination: string | URL | Writable,
    options: SaveOptions = {},
  ): Promise<void> {
    const { checkSave, openStore, saveImage } = await import('./image-runtime.ts');
    const to = checkSave(destination, options);
    if (!Array.isArray(images) || images.length === 0 || !images.every((each) => each instanceof Image)) {
      throw new TypeError(`images must be an array of one or more Images, got ${inspect(images)}`);
    }
    const store = openStore();
    const references: string[] = [];
    for (const image of images) references.push(await referenceIn(store, image, 'saved'));
    await saveImage(store, references, to, options);
  }

  /**
   * Removes images that have lost their names (or, if asked, all that no container uses), and all content that no image,
   * container or snapshot needs. Safe while other processes use the store.
   */
  static async prune(options: PruneOptions = {}): Promise<Pruned> {
    const { checkPruneOptions, openStore, pruneStore } = await import('./image-runtime.ts');
    checkPruneOptions(options);
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
  static ofStored({ name, config, digest, layers, notes }: StoredImage): Image {
    const image = new Image(name, config, { kind: 'stored', digest, layers }, notes);
    return Object.assign(image, { digest });
  }

  /**
   * Pushes the image to a registry. What the registry has of it is not sent.
   *
   * @param to its name there @default what it is called here
   * @throws CaissonError UNAUTHORIZED, FORBIDDEN, REGISTRY_UNREACHABLE, IMAGE_NOT_IN_STORE …
   * @example await image.push('registry.example.com/team/app:1.0')
   */
  push(to?: string, options: PushOptions = {}): Transfer<PushedImage, TransferEvent> {
    return transfer(async (onProgress) => {
      const { checkPushOptions, checkReference, openStore, pushImage } = await import('./image-runtime.ts');
      if (to !== undefined) checkReference(to, 'to');
      checkPushOptions(options);
      const store = openStore();
      const digest = await digestIn(store, this, 'pushed');
      return pushImage(store, digest, { ...options, to: to ?? referenceToPush(this), onProgress });
    });
  }

  /** {@link Image.save} of this image. */
  save(destination: string | URL | Writable, options: SaveOptions = {}): Promise<void> {
    return Image.save([this], destination, options);
  }

  /**
   * Its file system as a tar archive of one tree, as `docker export` writes that of a container.
   * @example await pipeline(await image.export(), createWriteStream('rootfs.tar'))
   */
  async export(): Promise<Readable> {
    const { exportRoot, openStore, rootOf } = await import('./image-runtime.ts');
    const archive = await exportRoot(rootOf(openStore(), this.origin, 'prepare'));
    return process.getBuiltinModule('node:stream').Readable.from(archive, { objectMode: false });
  }

  /**
   * Gives the image another name, which it takes from the image that had it.
   * @returns the image by that name
   * @throws CaissonError REFERENCE_INVALID, IMAGE_NOT_IN_STORE
   */
  async tag(reference: string): Promise<Image> {
    const { checkReference, nameSnapshot, openStore, tagImage } = await import('./image-runtime.ts');
    checkReference(reference);
    const store = openStore();
    if (this.origin.kind === 'snapshot') await nameSnapshot(store, this.origin.record, reference);
    else await tagImage(store, await digestIn(store, this, 'tagged'), reference);
    return Image.get(reference);
  }

  /** What its documents say: names, platform, configuration, layers, sizes, history. */
  async inspect(): Promise<ImageDetails> {
    const { inspectImage, openStore } = await import('./image-runtime.ts');
    const store = openStore();
    return inspectImage(store, await digestIn(store, this, 'inspected'));
  }

  /** The steps by which it was made, the last first. */
  async history(): Promise<readonly ImageHistoryEntry[]> {
    return (await this.inspect()).history;
  }

  /**
   * Takes the name it was asked for by from the image, and removes it with its last name, as `docker rmi`; one that was
   * asked for by its digest goes at once. Content that others need stays.
   *
   * @throws CaissonError IMAGE_IN_USE when there are containers of it, and IMAGE_HAS_NAMES when it was asked for by its
   * digest and has several; neither when forced
   */
  async remove(options: RemoveImageOptions = {}): Promise<RemovedImage> {
    const { checkRemoveOptions, openStore, removeImage, removeSnapshot } = await import('./image-runtime.ts');
    checkRemoveOptions(options);
    const store = openStore();
    if (this.origin.kind === 'snapshot') {
      const untagged = await removeSnapshot(store, this.origin.record.id);
      return { untagged, layers: 0, blobs: 0, snapshots: 0, bytes: 0 };
    }
    return removeImage(store, await referenceIn(store, this, 'removed'), options);
  }

  [inspect.custom](): string {
    return `Image(${this.name}${this.digest === undefined || this.digest === this.name ? '' : `@${this.digest}`})`;
  }
}
