/** What any process may ask of a supervisor, and how it learns that there is none any more: through a fifo. */
import { closeSync } from 'node:fs';
import { openControl, type Store } from '../../store/index.ts';
import { hasCode, WINSIZE, watch, write } from '../../syscalls/index.ts';
import { CONTROL, CONTROL_BYTES } from '../plan/supervisor-memory.ts';
import type { TerminalSize } from '../spec/options.ts';

/**
 * What a supervisor is asked: to look whether it is to start the container again, to tell its terminal a size, to let its
 * input end once nobody writes to it any more.
 */
export type SupervisorRequest = 'look' | 'endInput' | { readonly resize: TerminalSize };

/** Asks a supervisor for something. @returns false when there is none */
export function tellSupervisor(store: Store, id: string, request: SupervisorRequest): boolean {
  const descriptor = openControl(store, id);
  if (descriptor === undefined) return false;
  try {
    write(descriptor, encodeRequest(request), CONTROL_BYTES);
    return true;
  } catch (error) {
    // Full: there are more requests than it has had time for. One that wants to be sure asks again.
    if (hasCode(error, 'EPIPE', 'EAGAIN')) return false;
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** A wait for the end of a supervisor. */
export interface SupervisorEnd {
  /** Resolves when there is no supervisor; at once when there is none. Never, once it was closed. */
  readonly ended: Promise<void>;
  /** Ends the wait. Idempotent. */
  close(): void;
  /** Whether waiting keeps this process from ending. @default true */
  holds(isHeld: boolean): void;
}

/** Waits for the end of a container's supervisor: its end of the fifo closes, however it ends. */
export function watchSupervisor(store: Store, id: string): SupervisorEnd {
  const descriptor = openControl(store, id);
  if (descriptor === undefined) return { ended: Promise.resolve(), close: () => undefined, holds: () => undefined };
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  let isOpen = true;
  // Of the writing end of a fifo, that nobody reads it any more is all that can be told.
  const handle = watch(descriptor, { readable: true }, () => {
    close();
    end();
  });
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    handle.close();
    closeSync(descriptor);
  };
  return {
    ended,
    close,
    holds: (isHeld) => {
      if (!isOpen) return;
      if (isHeld) handle.ref();
      else handle.unref();
    },
  };
}

function encodeRequest(request: SupervisorRequest): Buffer {
  const bytes = Buffer.alloc(CONTROL_BYTES);
  bytes.writeBigUInt64LE(BigInt(typeof request === 'string' ? CONTROL[request] : CONTROL.resize));
  if (typeof request === 'string') return bytes;
  const { rows, columns } = request.resize;
  bytes.set(WINSIZE.encode({ ws_row: rows, ws_col: columns }).bytes, 8);
  return bytes;
}

/** Resolves when a container has no supervisor (any more). */
export function supervisorEnd(store: Store, id: string): Promise<void> {
  return watchSupervisor(store, id).ended;
}
