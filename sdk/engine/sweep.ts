/** What owners that are dead have left, removed once per store and thread, before the first container. */
import { type Store, sweepContainers } from '../../store/index.ts';
import { hasCode, shared } from '../../syscalls/index.ts';

const swept = shared('swept', () => new WeakMap<Store, Promise<unknown>>());

/** Sweeps a store at its first use. */
export async function sweepOnce(store: Store): Promise<void> {
  let sweeping = swept.get(store);
  if (sweeping === undefined) {
    sweeping = sweepContainers(store);
    swept.set(store, sweeping);
  }
  await sweeping;
}

/** How long somebody else's sweep is waited for, by those who need to know who lives. */
const PATIENCE_MS = 2_000;

/** Sweeps a store whether it was swept before or not: others have died since. */
export async function sweepNow(store: Store): Promise<void> {
  await sweepOnce(store);
  await sweepContainers(store, PATIENCE_MS);
}

/**
 * Does something that needs a name; once more, after a sweep, when the name is taken: by somebody who has died, perhaps.
 * @throws CaissonError NAME_TAKEN
 */
export async function claimingName<T>(store: Store, make: () => T): Promise<T> {
  try {
    return make();
  } catch (error) {
    if (!hasCode(error, 'NAME_TAKEN')) throw error;
    await sweepNow(store);
    return make();
  }
}
