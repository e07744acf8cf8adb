import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { temporaryDirectory } from '../../support/temporary.ts';
import { loadImage, openStore, type Store, type StoredImage } from './doors.ts';
import { type ImageParts, layoutFiles, writeArchive } from './image.ts';

/** A store of the test's own, and a way to put images into it. */
export interface StoreOfImages {
  readonly store: Store;
  readonly directory: string;
  /** Loads an image, under this name if one is given. */
  load(parts: ImageParts, reference?: string): Promise<StoredImage>;
}

/** Makes a store that is removed after the test. */
export function storeOfImages(context: TestContext): StoreOfImages {
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  let count = 0;
  return {
    store,
    directory,
    load(parts, reference) {
      const own = join(directory, `image-${count++}`);
      mkdirSync(own);
      return loadImage(store, writeArchive(own, layoutFiles(parts)), { reference });
    },
  };
}

/** How many blobs and layers a store has, and how many things in `tmp`. */
export function countsOf(store: Store): { readonly blobs: number; readonly layers: number; readonly tmp: number } {
  const count = (path: string) => readdirSync(path).length;
  return { blobs: count(store.blobs), layers: count(store.layers), tmp: count(store.tmp) };
}
