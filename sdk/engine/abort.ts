/** Ends a process when a signal is aborted. */
import type { Child } from './child.ts';

/** A bond between an abort signal and a process. */
export interface AbortGuard {
  /** Whether the abort ended the process, and not something before it. */
  readonly hasEnded: boolean;
  /** Forgets the signal: after the end of the process. */
  release(): void;
}

/** Sends SIGKILL to a process when a signal is aborted, or at once when it was. */
export function endOnAbort(child: Child, signal: AbortSignal | undefined): AbortGuard {
  let hasEnded = false;
  const abort = () => {
    hasEnded = child.kill('SIGKILL') || hasEnded;
  };
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort, { once: true });
  return {
    get hasEnded() {
      return hasEnded;
    },
    release: () => signal?.removeEventListener('abort', abort),
  };
}
