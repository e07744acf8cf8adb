/** Images: what containers start from. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { findImage, type ImageConfig, openStore, type Platform, type Store, type StoredImage } from '../store/index.ts';
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { describeHostSkeleton, prepareHostSkeleton } from './host/index.ts';
import type { RootView } from './spec/spec.ts';

/** The directories an image consists of. */
export interface ImageRoot {
  /** Lowest first; each is only ever read. */
  readonly layers: readonly string[];
  /** Whether somebody else may write to the layers. */
  readonly mayChange: boolean;
  /** Directories of this machine that are shown at their place, read-only beneath the container's changes. */
  readonly views: readonly RootView[];
}

type RootOf = (store: Store, effect: 'prepare' | 'describe') => ImageRoot;

/** Options of {@link Image.load}. */
export interface LoadOptions {
  /** The name the image gets, instead of those it comes with; where there are several images, which one. */
  readonly reference?: string | undefined;
  /** Which image of a multi-platform one. @default this machine's */
  readonly platform?: Platform | undefined;
}

/**
 * An image: a value. Containers are made of it, and never change it.
 *
 * @example const { stdout } = await Container.run(Image.host(), ['echo', 'hello'])
 */
export class Image {
  /** What to call it: its first reference, its path, or `host`. */
  readonly name: string;
  /** The digest of its manifest, of an image in the store. */
  declare readonly digest?: string;
  /** What containers of it run by default, in the image's own words. */
  readonly config: ImageConfig;
  /** What could not be kept when it was loaded without root: owners and devices, as sentences. */
  readonly notes: readonly string[];
  readonly #root: RootOf;

  private constructor(name: string, config: ImageConfig, root: RootOf, notes: readonly string[] = []) {
    this.name = name;
    this.config = config;
    this.notes = notes;
    this.#root = root;
  }

  /**
   * This machine's programs, with nothing of its data: /usr (and /bin, /lib … where they are separate) as they are,
   * a small /etc of our own, and empty directories for the rest. Needs no download. What a container changes stays
   * with it.
   */
  static host(): Image {
    return new Image('host', { Cmd: ['/bin/sh'] }, ({ host }, effect) => {
      const { lower, views } = effect === 'prepare' ? prepareHostSkeleton(host) : describeHostSkeleton(host);
      return { layers: [lower], views, mayChange: false };
    });
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
    return new Image(absolute, {}, () => {
      assertDirectory(absolute);
      return { layers: [absolute], views: [], mayChange: true };
    });
  }

  /**
   * Imports an image into the store: from an OCI image layout (a directory or an archive) or from the archive that
   * `docker save` writes.
   *
   * @throws CaissonError with the store's codes: IMAGE_NOT_FOUND, PLATFORM_NOT_FOUND, DIGEST_MISMATCH …
   */
  static async load(path: string, options: LoadOptions = {}): Promise<Image> {
    const { loadImage } = await import('../store/transfer.ts');
    const loaded = await loadImage(openStore(), path, options);
    return Image.#stored(loaded, loaded.notes);
  }

  /**
   * An image of the store, by its name as Docker reads names, or by its digest.
   * @throws CaissonError IMAGE_NOT_FOUND, with the names there are
   */
  static async get(reference: string): Promise<Image> {
    return Image.#stored(findImage(openStore(), reference));
  }

  static #stored(stored: StoredImage, notes: readonly string[] = []): Image {
    const { layers, config, digest, references } = stored;
    const image = new Image(references[0] ?? digest, config, () => ({ layers, views: [], mayChange: false }), notes);
    return Object.assign(image, { digest });
  }

  /**
   * The directories that a container's root is put together from.
   * @param effect whether those that are made on demand are made, or only named
   * @internal
   */
  root(store: Store, effect: 'prepare' | 'describe'): ImageRoot {
    return this.#root(store, effect);
  }

  [inspect.custom](): string {
    return `Image(${this.name}${this.digest === undefined || this.digest === this.name ? '' : `@${this.digest}`})`;
  }
}

function assertDirectory(path: string): void {
  let isDirectory: boolean;
  try {
    isDirectory = statSync(path).isDirectory();
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw cause;
    throw new CaissonError('IMAGE_NOT_FOUND', `there is no directory '${path}' to make an image of`, { cause });
  }
  if (!isDirectory) {
    throw new CaissonError('NOT_A_DIRECTORY', `'${path}' is not a directory, so it cannot be a root file system`, {
      hint: 'archives are imported with Image.load()',
    });
  }
}
