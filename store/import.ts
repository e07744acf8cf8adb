import { CaissonError } from '../syscalls/index.ts';
import type { StoredImage } from './images.ts';
import type { Store } from './layout.ts';
import type { Platform } from './manifest.ts';

export interface LoadImageOptions {
  /** The name the image gets, instead of those it comes with; where there are several images, which one. */
  readonly reference?: string | undefined;
  /** @default this machine's */
  readonly platform?: Platform | undefined;
}

/** An image that was loaded, and what of it could not be kept. */
export interface LoadedImage extends StoredImage {
  /** What unpacking left out, as sentences: devices and owners, when not root. */
  readonly notes: readonly string[];
}

export async function loadImage(_store: Store, path: string, _options: LoadImageOptions = {}): Promise<LoadedImage> {
  throw new CaissonError('UNSUPPORTED', `loading '${path}'`);
}
