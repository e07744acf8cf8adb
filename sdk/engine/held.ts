/**
 * Holds the first process of a container that is known by what is on disk. Its id alone could be another's by now. So
 * the state is read, the id is opened, and the state is read again: who writes it notes an end before he reaps the
 * process. When he lives and nothing was noted meanwhile, the descriptor is that of the container's process.
 */
import { type ContainerRecord, hasWriter, readContainerState, type Store } from '../../store/index.ts';
import { close, type Watch } from '../../syscalls/index.ts';
import type { ContainerOptions } from '../spec/options.ts';
import type { Signal } from '../spec/signals.ts';
import { asksToBeKept, signalProcess } from './end-signal.ts';
import { onEnd, openProcess } from './processes.ts';

/** A process of somebody else's that cannot be taken for another. */
export interface Held {
  readonly pid: number;
  readonly pidfd: number;
  /** How often the container's state was written when it was found. */
  readonly seq: number;
  /** Sends a signal; false when it has ended. */
  kill(signal: Signal): boolean;
  /** Resolves when it has ended; never, when it is let go of before. */
  ended(): Promise<void>;
  /** Lets go of it. */
  release(): void;
}

/** Holds the first process of a container; undefined when it does not run. */
export function holdFirst(store: Store, record: ContainerRecord): Held | undefined {
  const before = readContainerState(store, record.id);
  if (before?.phase !== 'running') return undefined;
  const pidfd = openProcess(before.pid);
  if (pidfd === undefined) return undefined;
  const after = hasWriter(store, record) ? readContainerState(store, record.id) : undefined;
  if (after?.seq === before.seq && after.phase === 'running')
    return held(before.pid, pidfd, before.seq, asksToBeKept(record.options as ContainerOptions));
  close(pidfd);
  return undefined;
}

function held(pid: number, pidfd: number, seq: number, kept: boolean): Held {
  let isOpen = true;
  const watches = new Set<Watch>();
  return {
    pid,
    pidfd,
    seq,
    kill: (signal) => signalProcess(pidfd, signal, kept),
    ended: () =>
      new Promise((resolve) => {
        const handle = onEnd(pidfd, () => {
          watches.delete(handle);
          resolve();
        });
        watches.add(handle);
      }),
    release() {
      for (const handle of watches) handle.close();
      watches.clear();
      if (isOpen) close(pidfd);
      isOpen = false;
    },
  };
}
