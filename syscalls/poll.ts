/** Readiness of a descriptor on libuv's own loop: no thread waits, and no timer. */
import { atExit, shared } from './copies.ts';
import { loadKoffi } from './libc.ts';

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
 * those kinds may be given.
 */
export function watch(descriptor: number, readiness: Readiness, ready: () => void): Watch {
  closeAllAtExit();
  const handle = loadKoffi().node.poll(descriptor, readiness, ready);
  open.add(handle);
  return {
    change(wanted) {
      handle.stop();
      if (wanted.readable === true || wanted.writable === true) handle.start(wanted, ready);
    },
    close() {
      open.delete(handle);
      handle.close();
    },
    ref: () => handle.ref(),
    unref: () => handle.unref(),
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
