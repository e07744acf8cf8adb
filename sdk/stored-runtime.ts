/** What is needed for volumes, and for containers that are not this thread's. It is loaded when one is first asked for. */
export {
  createVolume,
  diskUsage,
  findContainer,
  listContainers,
  listVolumeNames,
  openStore,
  pruneVolumes,
  readVolumeRecord,
  removeVolume,
  sweepContainers,
  usersOfVolume,
  volumeNotFound,
  volumePaths,
} from '../store/index.ts';
export { storeEvents } from './engine/store-events.ts';
export { createDetached, StoredLife, storedParts } from './engine/stored.ts';
export { sweepNow } from './engine/sweep.ts';
export { processesIn } from './engine/top.ts';
