/** What a user may ask of images. */
import type { ImageSummary, SnapshotSummary } from '../store/index.ts';
import type {
  ImportImageOptions,
  LoadImageOptions,
  Platform,
  PullImageOptions,
  PushImageOptions,
  ImportSource as StoreSource,
} from '../store/transfer.ts';
import type { ConfigChanges } from './spec/commit.ts';

/** Which machine an image must be for. */
interface ForPlatform {
  /** As Docker writes it, `linux/arm64`, or in its parts. @default this machine's */
  readonly platform?: Platform | string | undefined;
}

/** Options of `Image.pull`. */
export type PullOptions = Omit<PullImageOptions, 'onProgress' | 'platform'> & ForPlatform;

/** Options of `image.push`. */
export type PushOptions = Omit<PushImageOptions, 'onProgress' | 'to'>;

/** Options of `Image.load`. */
export type LoadOptions = Omit<LoadImageOptions, 'onProgress' | 'platform'> & ForPlatform;

/** Options of `Image.import`. */
export interface ImportOptions extends Omit<ImportImageOptions, 'config' | 'platform'>, ForPlatform {
  /** How its containers run: an archive says nothing of it. */
  readonly config?: ConfigChanges | undefined;
}

/** What an archive is taken from: a file, by its path or URL; bytes; or what yields them. */
export type ImportSource = StoreSource | URL;

/** Which images are listed: those that are all of it. */
export interface ImageFilter {
  /** A name, as Docker reads names; or what matches a complete one, as `docker.io/library/alpine:latest`. */
  readonly reference?: string | RegExp | undefined;
  /** Labels they have: with these values, or with any where the value is `true`. */
  readonly label?: Readonly<Record<string, string | true>> | undefined;
}

/** An image of the store as a list shows it: one with a digest, or a snapshot, which has none yet. */
export type ImageInfo = ImageSummary | SnapshotSummary;
