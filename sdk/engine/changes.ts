/** What a container has changed. */
import { containerPaths } from '../../store/index.ts';
import type { Change, LowerDirectory } from '../../store/transfer.ts';
import { type ImageRoot, rootOf } from '../image-root.ts';
import { assertOnDisk, type FilesOnDisk } from './snapshot.ts';

/** What a container has changed of its image; or, once a snapshot was taken of it while it did not run, since then. */
export async function changesOf(files: FilesOnDisk): Promise<readonly Change[]> {
  assertOnDisk(files, 'compared with its image');
  const { listChanges } = await import('../../store/transfer.ts');
  const { upper } = containerPaths(files.store, files.id);
  return listChanges(upper, lowerDirectories(rootOf(files.store, files.base.origin, 'prepare')));
}

function lowerDirectories({ layers, views }: ImageRoot): LowerDirectory[] {
  return [
    ...layers.map((path) => ({ path })),
    ...views.flatMap(({ source, target, layers: changed = [] }) =>
      [source, ...changed].map((path) => ({ path, target: target.slice(1) })),
    ),
  ];
}
