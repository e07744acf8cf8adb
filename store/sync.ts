/**
 * Has what was written to a store written to the disk by a process without JavaScript, so that nobody waits for it:
 *
 *     this thread                      stub
 *     ───────────                      ────
 *     clone3 ────────────────────────▶ syncfs(store)
 *       (goes on, and may end)         make some files, remove others: it is noted that all is on the disk
 *
 * It needs no thread of this process, and this process ends without waiting for it.
 */
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
  shared,
  syncfs,
  unlinkat,
  variable,
  WEXITED,
  WNOHANG,
  waitid,
  watch,
} from '../syscalls/index.ts';
import type { Store } from './layout.ts';

/** How it is noted that all that was written before is on the disk. */
export interface Note {
  /** The path of an empty file. */
  readonly path: string;
  /** Whether the file says so by being there, or by being gone. */
  readonly is: 'made' | 'removed';
}

/** What waits for the disk, by store, while others are written to it. */
const waiting = shared('sync', () => new Map<Store, Note[]>());

/**
 * Begins to write to the disk all that was written to a store, and returns at once.
 * @throws SyscallError when no process can be started
 */
export function beginSync(store: Store, notes: readonly Note[]): void {
  const others = waiting.get(store);
  if (others !== undefined) others.push(...notes);
  else if (notes.length > 0) launchSync(store, notes);
}

/** One process at a time: each would write all that the others write. */
function launchSync(store: Store, notes: readonly Note[]): void {
  const { pidfd, report } = launch(compile({ launch: launchSteps(), stub: syncSteps(store, notes) }));
  close(report);
  waiting.set(store, []);
  const handle = watch(pidfd, { readable: true }, () => {
    waitid(P_PIDFD, pidfd, null, WEXITED | WNOHANG, null);
    handle.close();
    close(pidfd);
    const next = waiting.get(store) ?? [];
    waiting.delete(store);
    if (next.length > 0) launchSync(store, next);
  });
  handle.unref();
}

function launchSteps(): Step[] {
  return cloneThread(CLONE_PIDFD, enterStub(['null', 'null', 'null', LAUNCH_VARIABLES.report]));
}

function syncSteps(store: Store, notes: readonly Note[]): Step[] {
  const directory = variable('store');
  const flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  return [
    openat.step('opening the store', [AT_FDCWD, store.root, flags, 0], { into: directory }),
    syncfs.step('writing it to the disk', [directory]),
    ...notes.map(noteStep),
    exit_group.step('being done', [0]),
  ];
}

/** What is gone again needs no note. */
function noteStep({ path, is }: Note): Step {
  const purpose = 'noting that it is on the disk';
  if (is === 'removed') return unlinkat.step(purpose, [AT_FDCWD, path, 0], { onError: 'next' });
  return openat.step(purpose, [AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600], { onError: 'next' });
}
