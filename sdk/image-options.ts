/** What a user may ask of images. */
import type { ImageSummary, SnapshotSummary } from '../store/index.ts';
import type { ImportImageOptions, LoadImageOptions, PullImageOptions, PushImageOptions } from '../store/transfer.ts';
import type { ConfigChanges } from './spec/commit.ts';

/** Options of `Image.pull`. */
export type PullOptions = Omit<PullImageOptions, 'onProgress'>;

/** Options of `image.push`. */
export type PushOptions = Omit<PushImageOptions, 'onProgress' | 'to'>;

/** Options of `Image.load`. */
export type LoadOptions = Omit<LoadImageOptions, 'onProgress'>;

/** Options of `Image.import`. */
export interface ImportOptions extends Omit<ImportImageOptions, 'config'> {
  /** How its containers run: an archive says nothing of it. */
  readonly config?: ConfigChanges | undefined;
}

/** An image of the store as a list shows it: one with a digest, or a snapshot, which has none yet. */
export type ImageInfo = ImageSummary | SnapshotSummary;
