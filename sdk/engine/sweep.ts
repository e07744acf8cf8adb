/** What owners that are dead have left, removed once per store and thread, before the first container. */
import { type Store, sweepContainers } from '../../store/index.ts';

const swept = new WeakMap<Store, Promise<unknown>>();

/** Sweeps a store at its first use. */
export async function sweepOnce(store: Store): Promise<void> {
  let sweeping = swept.get(store);
  if (sweeping === undefined) {
    sweeping = sweepContainers(store);
    swept.set(store, sweeping);
  }
  await sweeping;
}
