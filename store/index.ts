/** Content on disk. Runs nothing, knows no containers but their records. */
export {
  type ContainerRecord,
  type ContainerUses,
  changeContainerUses,
  createContainerDirectory,
  readContainerRecord,
  removeContainerDirectory,
  renewContainerDirectory,
} from './containers.ts';
export { creationTime } from './creation-time.ts';
export { crypto } from './crypto.ts';
export { isDigest, parseDigest } from './digest.ts';
export {
  type FoundIds,
  findIds,
  formatIds,
  type IdMapping,
  type IdMappings,
  isMachineRoot,
  isMapped,
  type OwnIds,
  ownIds,
  singleMappings,
} from './ids/index.ts';
export { findImage, type ImageSummary, listImages, type StoredImage } from './images.ts';
export {
  type ContainerPaths,
  containerPaths,
  defaultRoot,
  describeStore,
  isContainerId,
  openStore,
  type Store,
} from './layout.ts';
export { type Lock, tryLock, withLock } from './lock.ts';
export type { ImageConfig, Platform } from './manifest.ts';
export { ownerOf, temporaryPath } from './owner.ts';
export { machinePlatform } from './platform.ts';
export { formatReference, parseReference, type Reference } from './reference.ts';
export { removeTree } from './remove.ts';
export { inheritRoot } from './snapshots/attributes.ts';
export { baseOfImage } from './snapshots/base.ts';
export { findSnapshot, listSnapshots, type SnapshotSummary } from './snapshots/find.ts';
export { namesOfSnapshot } from './snapshots/names.ts';
export { ownersInContainer } from './snapshots/owners.ts';
export { type SnapshotBase, type SnapshotRecord, snapshotLayers } from './snapshots/record.ts';
export { removeSnapshot } from './snapshots/remove.ts';
export {
  moveChanges,
  moveChangesBack,
  nameSnapshot,
  type SnapshotDescription,
  type StagedSnapshot,
  stageSnapshot,
} from './snapshots/take.ts';
export { type Swept, sweepContainers } from './sweep.ts';
