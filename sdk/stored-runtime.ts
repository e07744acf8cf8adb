/** What is needed for containers that are not this thread's. It is loaded when one of them is first asked for. */
export { findContainer, listContainers } from '../store/index.ts';
export { storeEvents } from './engine/store-events.ts';
export { createDetached, StoredLife, storedParts } from './engine/stored.ts';
export { sweepNow } from './engine/sweep.ts';
export { processesIn } from './engine/top.ts';
