/** Waits for the end of a container that is not this thread's. */
import { watch as watchFile } from 'node:fs';
import {
  type CellState,
  type ContainerRecord,
  containerPaths,
  hasWriter,
  readContainerState,
  type Store,
} from '../../store/index.ts';
import { hasCode } from '../../syscalls/index.ts';
import { holdFirst } from './held.ts';
import { supervisorEnd } from './supervisor-request.ts';

/** Resolves when a container has ended and nobody starts it again by himself; with what its state says then. */
export async function endOf(store: Store, record: ContainerRecord): Promise<CellState | undefined> {
  if (record.detached) await supervisorEnd(store, record.id);
  else await endOfAttached(store, record);
  return readContainerState(store, record.id);
}

/** The process tells when it ends, its owner how: a moment later, unless he dies. */
async function endOfAttached(store: Store, record: ContainerRecord): Promise<void> {
  for (;;) {
    const held = holdFirst(store, record);
    try {
      await held?.ended();
    } finally {
      held?.release();
    }
    const state = readContainerState(store, record.id);
    if (state === undefined || isOver(state) || !hasWriter(store, record)) return;
    if (held === undefined || state.seq === held.seq || state.phase !== 'running') {
      await changeOfState(store, record.id, state.seq);
    }
  }
}

function isOver({ phase }: CellState): boolean {
  return phase === 'exited' || phase === 'created';
}

/** Nothing tells that an owner has died who was just to note something: he is looked for so often. */
const LOOK_MS = 100;

/** Resolves when a state was written again, or some time has passed. */
async function changeOfState(store: Store, id: string, seq: number): Promise<void> {
  const stop = new AbortController();
  try {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      stop.signal.addEventListener('abort', () => clearTimeout(timer));
      watchFile(containerPaths(store, id).state, { signal: stop.signal }, () => resolve()).on('error', () => resolve());
      // It may have been written before it was watched.
      if (readContainerState(store, id)?.seq !== seq) resolve();
    });
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  } finally {
    stop.abort();
  }
}
