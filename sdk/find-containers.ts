/** Finds the containers of the store, of whatever process, and follows what happens to them. */
import { inspect } from 'node:util';
import type { ContainerRecord, Store } from '../store/index.ts';
import { attachedContainers } from './attached-containers.ts';
import type { Container } from './container.ts';
import type { EventOptions, StoreEvent } from './container-events.ts';
import { type Build, loadRuntime } from './make-container.ts';
import { checkEventOptions, checkListOptions } from './spec/check-life.ts';
import { isListed, type ListOptions } from './spec/filter.ts';

/** The container of that name, id or beginning of an id. @throws CaissonError CONTAINER_NOT_FOUND, CONTAINER_AMBIGUOUS */
export async function getContainer(reference: string, build: Build): Promise<Container> {
  if (typeof reference !== 'string') throw new TypeError(`reference must be a string, got ${inspect(reference)}`);
  const { findContainer, openStore, sweepNow } = await import('./stored-runtime.ts');
  const store = openStore();
  await sweepNow(store);
  return containerOf(store, findContainer(store, reference), build);
}

/** The containers that options ask for, oldest first. */
export async function listContainers(options: ListOptions, build: Build): Promise<readonly Container[]> {
  checkListOptions(options);
  const { listContainers, openStore, sweepNow } = await import('./stored-runtime.ts');
  const store = openStore();
  await sweepNow(store);
  const all = await Promise.all(listContainers(store).map((record) => containerOf(store, record, build)));
  return all.filter((each) => isListed(each, options));
}

/** What happens to the containers of the store. What cannot be meant is refused at once. */
export function followEvents(options: EventOptions): AsyncGenerator<StoreEvent, void> {
  checkEventOptions(options);
  async function* follow() {
    const { storeEvents } = await import('./stored-runtime.ts');
    yield* storeEvents(options);
  }
  return follow();
}

async function containerOf(store: Store, record: ContainerRecord, build: Build): Promise<Container> {
  const own = attachedContainers.get(record.id);
  if (own !== undefined) return own;
  const runtime = await loadRuntime();
  const { StoredLife, storedParts } = await import('./stored-runtime.ts');
  const parts = storedParts(store, record);
  return build({ image: parts.image, runtime, waits: {}, live: (listener) => new StoredLife(parts, listener) });
}
