/** Readiness of a descriptor on libuv's own loop: no thread waits, and no timer, but in worker threads. */
import { atExit, shared } from './copies.ts';
import { loadKoffi } from './libc.ts';
import { watchInRounds } from './poll-rounds.ts';

/** A watch on a descriptor. It keeps the event loop alive unless {@link Watch.unref} is called. */
export interface Watch {
  /** Waits for something else from now on; for nothing when neither is wanted. */
  change(readiness: Readiness): void;
  /** Ends the watch. The descriptor stays open, and must stay open until then. */
  close(): void;
  ref(): void;
  unref(): void;
}

/** What may be waited for. */
export interface Readiness {
  readonly readable?: boolean;
  readonly writable?: boolean;
}

/**
 * Calls `ready` whenever a pipe, socket, terminal or pidfd is ready. One watch a descriptor: libuv has only one
 * place for it. It aborts the whole process for a descriptor that epoll(7) cannot watch (a regular file), so only
 * those kinds may be given. What `ready` throws is an uncaught exception, as with a listener of Node's. In a worker
 * thread `ready` is told up to eight milliseconds late (poll-rounds.ts).
 */
export function watch(descriptor: number, readiness: Readiness, ready: () => void): Watch {
  const tell = throwingLater(ready);
  if (!process.getBuiltinModule('node:worker_threads').isMainThread) return watchInRounds(descriptor, readiness, tell);
  closeAllAtExit();
  const handle = loadKoffi().node.poll(descriptor, readiness, tell);
  open.add(handle);
  return {
    change(wanted) {
      handle.stop();
      if (wanted.readable === true || wanted.writable === true) handle.start(wanted, tell);
    },
    close() {
      open.delete(handle);
      handle.close();
    },
    ref: () => handle.ref(),
    unref: () => handle.unref(),
  };
}

/**
 * koffi calls from libuv, where nobody catches: an exception would stay pending, and the next call into JavaScript abort
 * the process, or never be made.
 */
function throwingLater(action: () => void): () => void {
  return () => {
    try {
      action();
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  };
}

const { open, exit } = shared('watches', () => ({ open: new Set<{ close(): void }>(), exit: { isAwaited: false } }));

/**
 * While Node takes itself down, its loop goes round once more. What became ready by then would be told to JavaScript,
 * which is not there any more: koffi then aborts the process.
 */
function closeAllAtExit(): void {
  if (exit.isAwaited) return;
  exit.isAwaited = true;
  atExit(() => {
    for (const handle of open) handle.close();
  });
}
