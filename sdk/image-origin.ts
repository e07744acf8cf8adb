/** Where images come from. */
import { statSync } from 'node:fs';
import type { SnapshotRecord } from '../store/index.ts';
import { CaissonError, hasCode } from '../syscalls/common.ts';

/** Where an image comes from. */
export type ImageOrigin =
  | { readonly kind: 'host' }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'stored'; readonly digest: string; readonly layers: readonly string[] }
  /** `layers` are those in the store. */
  | { readonly kind: 'snapshot'; readonly record: SnapshotRecord; readonly layers: readonly string[] };

/** What containers of an image use of the store: it is not removed before they are. */
export function usesOf(origin: ImageOrigin): { readonly image?: string; readonly layers?: readonly string[] } {
  if (origin.kind === 'stored') return { image: origin.digest, layers: origin.layers };
  return origin.kind === 'snapshot' ? { layers: origin.layers } : {};
}

/** @throws CaissonError IMAGE_NOT_FOUND when there is nothing, NOT_A_DIRECTORY when there is something else */
export function assertDirectory(path: string): void {
  let isDirectory: boolean;
  try {
    isDirectory = statSync(path).isDirectory();
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw cause;
    throw new CaissonError('IMAGE_NOT_FOUND', `there is no directory '${path}' to make an image of`, { cause });
  }
  if (!isDirectory) {
    throw new CaissonError('NOT_A_DIRECTORY', `'${path}' is not a directory, so it cannot be a root file system`, {
      hint: 'an archive of one is imported with Image.import(); what docker save writes is loaded with Image.load()',
    });
  }
}
