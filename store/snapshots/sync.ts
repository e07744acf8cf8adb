/**
 * Makes snapshots outlive a power cut. Nothing is synced while one is taken: it would take as long as writing all that
 * was changed. That is done afterwards, and noted in `snapshots/<id>/synced`. A snapshot that was not noted before the
 * machine was restarted is not used again (record.ts).
 */
import { writeFileSync } from 'node:fs';
import { syncDisk } from '../atomic.ts';
import type { Store } from '../layout.ts';
import { beginSync } from '../sync.ts';
import { isDurable, type SnapshotRecord, snapshotPaths } from './record.ts';

/** Begins to write a snapshot to the disk, and those it lies on; returns at once. */
export function beginSnapshotSync(store: Store, record: SnapshotRecord): void {
  beginSync(
    store,
    unnoted(store, record).map((path) => ({ path, is: 'made' })),
  );
}

/** Writes a snapshot to the disk, and those it lies on. */
export function syncSnapshotNow(store: Store, record: SnapshotRecord): void {
  const paths = unnoted(store, record);
  if (paths.length === 0) return;
  syncDisk(store.snapshots);
  for (const path of paths) writeFileSync(path, '', { mode: 0o600, flush: true });
}

/** The notes that are still missing, of a snapshot and those it lies on. */
function unnoted(store: Store, { id, snapshots }: SnapshotRecord): string[] {
  const ids = [...snapshots, id].filter((each) => !isDurable(store, each));
  return ids.map((each) => snapshotPaths(store, each).synced);
}
