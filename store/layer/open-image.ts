/** An image's directories, opened to be seen as its containers see them, without a mount. */
import { close } from '../../syscalls/index.ts';
import { findFile } from './find.ts';
import { withGrafts } from './graft.ts';
import { type MergedDirectory, openLower } from './merged.ts';
import { MERGED, type View } from './walk.ts';

/** Where an image's files are. */
export interface ImageDirectories {
  /** Lowest first. */
  readonly layers: readonly string[];
  /** Directories of this machine that are seen in it, by where: `'/usr'`. */
  readonly views: readonly { readonly source: string; readonly target: string }[];
}

/** An image that is open. */
export interface OpenImage {
  readonly view: View;
  readonly top: MergedDirectory;
  close(): void;
}

/** Opens an image's directories; the caller closes them. */
export function openImage({ layers, views }: ImageDirectories): OpenImage {
  const top: number[] = [];
  const closeAll = () => {
    for (const fd of top.splice(0)) close(fd);
  };
  try {
    for (const layer of layers.toReversed()) top.push(openLower(layer));
  } catch (error) {
    closeAll();
    throw error;
  }
  const grafts = new Map(views.map(({ source, target }) => [target.slice(1), source]));
  return { view: withGrafts(MERGED, top, grafts), top, close: closeAll };
}

/**
 * Opens the ordinary file that an image's containers see at a path, whoever it belongs to; undefined when there is none.
 * The caller closes it.
 */
export function openImageFile(image: ImageDirectories, path: string): number | undefined {
  const { view, top, close } = openImage(image);
  try {
    return findFile(view, top, path);
  } finally {
    close();
  }
}
