/**
 * Makes snapshots outlive a power cut. Nothing is synced while one is taken: it would take as long as writing all that
 * was changed. A process without JavaScript does it afterwards, and notes it:
 *
 *     this thread                      stub
 *     ───────────                      ────
 *     clone3 ────────────────────────▶ syncfs(snapshots)
 *       (goes on, and may end)         make snapshots/<id>/synced, for each
 *
 * So it needs no thread of this process, and this process ends without waiting for it. A snapshot that was not noted
 * before the machine was restarted is not used again (record.ts).
 */
import { writeFileSync } from 'node:fs';
import {
  AT_FDCWD,
  CLONE_PIDFD,
  cloneThread,
  close,
  compile,
  enterStub,
  exit_group,
  LAUNCH_VARIABLES,
  launch,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_WRONLY,
  openat,
  P_PIDFD,
  type Step,
  syncfs,
  variable,
  WEXITED,
  WNOHANG,
  waitid,
  watch,
} from '../../syscalls/index.ts';
import { syncDisk } from '../atomic.ts';
import type { Store } from '../layout.ts';
import { isDurable, type SnapshotRecord, snapshotPaths } from './record.ts';

/** The snapshots that wait for the disk, by store, while others are written to it. */
const waiting = new Map<Store, Set<string>>();

/** Begins to write a snapshot to the disk, and those it lies on; returns at once. */
export function beginSync(store: Store, { id, snapshots }: SnapshotRecord): void {
  const ids = [...snapshots, id].filter((each) => !isDurable(store, each));
  const others = waiting.get(store);
  if (others !== undefined) for (const each of ids) others.add(each);
  else if (ids.length > 0) launchSync(store, ids);
}

/** Writes a snapshot to the disk, and those it lies on. */
export function syncNow(store: Store, { id, snapshots }: SnapshotRecord): void {
  const ids = [...snapshots, id].filter((each) => !isDurable(store, each));
  if (ids.length === 0) return;
  syncDisk(store.snapshots);
  for (const each of ids) writeFileSync(snapshotPaths(store, each).synced, '', { mode: 0o600, flush: true });
}

/** One process at a time: each would write all that the others write. */
function launchSync(store: Store, ids: readonly string[]): void {
  const { pidfd, report } = launch(compile({ launch: launchSteps(), stub: syncSteps(store, ids) }));
  close(report);
  waiting.set(store, new Set());
  const handle = watch(pidfd, { readable: true }, () => {
    waitid(P_PIDFD, pidfd, null, WEXITED | WNOHANG, null);
    handle.close();
    close(pidfd);
    const next = [...(waiting.get(store) ?? [])];
    waiting.delete(store);
    if (next.length > 0) launchSync(store, next);
  });
  handle.unref();
}

function launchSteps(): Step[] {
  return cloneThread(CLONE_PIDFD, enterStub(['null', 'null', 'null', LAUNCH_VARIABLES.report]));
}

function syncSteps(store: Store, ids: readonly string[]): Step[] {
  const directory = variable('snapshots');
  const flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  return [
    openat.step('opening the snapshots', [AT_FDCWD, store.snapshots, flags, 0], { into: directory }),
    syncfs.step('writing them to the disk', [directory]),
    // One that is gone again needs no note.
    ...ids.map((id) => {
      const { synced } = snapshotPaths(store, id);
      const args = [AT_FDCWD, synced, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600] as const;
      return openat.step('noting that a snapshot is on the disk', args, { onError: 'next' });
    }),
    exit_group.step('being done', [0]),
  ];
}
