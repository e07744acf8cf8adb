/** A root file system as a tar archive, read without a mount: layers as overlayfs would show them. */
import { closeSync, openSync } from 'node:fs';
import type { ImageRoot } from './image-root.ts';

/** What is read besides an image's root. */
export interface ExportOptions {
  /** The directory of a container's changes. */
  readonly upper?: string;
  readonly signal?: AbortSignal;
}

/**
 * Opens all that the archive is read from: it may then be renamed. Whoever asks reads the archive, to its end or with
 * `return()`.
 */
export async function exportRoot(
  { layers, views }: ImageRoot,
  { upper, signal }: ExportOptions = {},
): Promise<AsyncGenerator<Uint8Array>> {
  const { ownersInContainer, treeEntries, writeTar } = await import('../store/transfer.ts');
  const paths = [...layers, ...(upper === undefined ? [] : [upper])];
  const directories: number[] = [];
  const close = () => {
    for (const directory of directories.splice(0)) closeSync(directory);
  };
  try {
    for (const path of paths.toReversed()) directories.push(openSync(path, 'r'));
  } catch (error) {
    close();
    throw error;
  }
  const below = new Map(views.map(({ source, target }) => [target.slice(1), source]));
  const archive = writeTar(treeEntries(directories, { owner: ownersInContainer(), signal, below }));
  return (async function* () {
    try {
      yield* archive;
    } finally {
      close();
    }
  })();
}
