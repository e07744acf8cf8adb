/** A container's files as an archive. */
import { Readable } from 'node:stream';
import { containerPaths } from '../../store/index.ts';
import { exportRoot } from '../export-root.ts';
import { rootOf } from '../image-root.ts';
import type { Life } from './life.ts';
import { assertOnDisk, type FilesOnDisk } from './snapshot.ts';

/** The archive of a container's files. It is begun when it is read, and written while it is. */
export function exportContainer(life: Life): Readable {
  async function* read() {
    yield* await life.withFiles('exported', exportFiles);
  }
  return Readable.from(read(), { objectMode: false });
}

/** Opens all that the archive is read from. */
async function exportFiles(files: FilesOnDisk): Promise<AsyncIterable<Uint8Array>> {
  assertOnDisk(files, 'exported');
  const { upper } = containerPaths(files.store, files.id);
  return exportRoot(rootOf(files.store, files.base.origin, 'prepare'), { upper, signal: files.signal });
}
