/** A container's files as an archive. */
import { containerPaths } from '../../store/index.ts';
import { exportRoot } from '../export-root.ts';
import { assertOnDisk, type FilesOnDisk } from './snapshot.ts';

/** Opens all that the archive is read from; it is written while it is read. */
export async function exportFiles(files: FilesOnDisk): Promise<AsyncIterable<Uint8Array>> {
  assertOnDisk(files, 'exported');
  const { upper } = containerPaths(files.store, files.id);
  return exportRoot(files.base.root(files.store, 'prepare'), { upper, signal: files.signal });
}
