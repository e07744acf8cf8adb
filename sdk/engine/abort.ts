/** What happens when a signal is aborted. */
import { getMaxListeners, setMaxListeners } from 'node:events';
import type { Child } from './child.ts';

/** A bond between an abort signal and a process. */
export interface AbortGuard {
  /** Whether the abort ended the process, and not something before it. */
  readonly hasEnded: boolean;
  /** Forgets the signal: after the end of the process. */
  release(): void;
}

/** Of a process that nobody can abort. */
const UNAWARE: AbortGuard = { hasEnded: false, release: () => undefined };

/** Ends a process when a signal is aborted, or at once when it was. */
export function endOnAbort(child: Pick<Child, 'end'>, signal: AbortSignal | undefined): AbortGuard {
  if (signal === undefined) return UNAWARE;
  let hasEnded = false;
  const abort = () => {
    hasEnded = child.end() || hasEnded;
  };
  if (signal.aborted) abort();
  const release = onAbort(signal, abort);
  return {
    get hasEnded() {
      return hasEnded;
    },
    release,
  };
}

/**
 * Has something done when a signal is aborted. Node warns of a leak from the eleventh listener on, and one signal may be
 * for any number of containers: so ours, all of which are forgotten in the end, count for nothing.
 *
 * @returns forgets it; to be called once
 */
export function onAbort(signal: AbortSignal, action: () => void): () => void {
  raiseMaxListeners(signal, 1);
  signal.addEventListener('abort', action, { once: true });
  return () => {
    signal.removeEventListener('abort', action);
    raiseMaxListeners(signal, -1);
  };
}

function raiseMaxListeners(signal: AbortSignal, by: 1 | -1): void {
  const most = getMaxListeners(signal);
  // Zero stands for any number.
  if (most > 0) setMaxListeners(most + by, signal);
}

/** Waits for something no longer than until a signal is aborted, and then fails with its reason. */
export async function unlessAborted<T>(awaited: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return awaited;
  // Nobody may be left to hear of how it ends.
  awaited.catch(() => undefined);
  signal.throwIfAborted();
  let release = () => {};
  const aborted = new Promise<never>((_, reject) => {
    release = onAbort(signal, () => reject(signal.reason));
  });
  return Promise.race([awaited, aborted]).finally(() => release());
}
