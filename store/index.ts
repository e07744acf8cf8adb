/** Content on disk. Runs nothing, knows no containers but their records. */
export { isBootKnown, readBootId } from './boot.ts';
export {
  addContainerUses,
  addPauseNote,
  askToStop,
  type CellState,
  CellWriter,
  type ContainerDescription,
  type ContainerRecord,
  type ContainerUses,
  CREATED,
  changeContainerUses,
  containerLockPath,
  createContainerDirectory,
  discardContainerDirectory,
  findContainer,
  forgetPause,
  forgetStop,
  hasWriter,
  isSupervised,
  leaveContainer,
  listContainers,
  openControl,
  type PauseNote,
  pauseGroupName,
  type RecordedImage,
  type RecordedOrigin,
  readContainerRecord,
  readContainerState,
  readPauseNote,
  readRecordIfWhole,
  removeContainerDirectory,
  removeGroup,
  renameContainer,
  renewContainerDirectory,
  replacePauseNote,
  type StoodStill,
  type StopRequest,
  settleLost,
  stopRequestOf,
  UNKNOWN_STATUS,
  whileRecordIsOurs,
} from './containers/index.ts';
export { creationTime } from './creation-time.ts';
export { isDigest, parseDigest } from './digest.ts';
export { diskUsage } from './disk-usage.ts';
export { EVENT_NUMBERS, type EventName, flushEvents, noteEvent } from './events.ts';
export { type FollowOptions, followEvents, type JournalEntry } from './follow-events.ts';
export { type Frame, readFrames, timeOf } from './frames.ts';
export { findProgram } from './host-files.ts';
export {
  attemptAsOwner,
  callAsOwner,
  type FoundIds,
  findIds,
  formatIds,
  type IdMapping,
  type IdMappings,
  isMachineRoot,
  isMapped,
  makeUserNamespace,
  type OwnIds,
  ownIds,
  singleMappings,
  whyNotIdmapped,
} from './ids/index.ts';
export { findImage, type ImageSummary, listImages, readImageConfig, type StoredImage } from './images.ts';
export { neutralCapability } from './layer/capability.ts';
export { type ImageDirectories, openImageFile } from './layer/open-image.ts';
export {
  type ContainerPaths,
  containerPaths,
  describeStore,
  isContainerId,
  openStore,
  type Store,
} from './layout.ts';
export { type Lock, tryLock, withLock } from './lock.ts';
export { LogReader } from './log-files.ts';
export type { ImageConfig, Platform } from './manifest.ts';
export { isOwnerAlive, ownerOf, temporaryPath } from './owner.ts';
export { machinePlatform } from './platform.ts';
export { formatReference, parseReference, type Reference } from './reference.ts';
export { removeTree } from './remove.ts';
export { type PrunedVolumes, pruneVolumes, removeVolume, usersOfVolume } from './remove-volume.ts';
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
export {
  createVolume,
  type FillSource,
  fillDirectory,
  listVolumeNames,
  readVolumeRecord,
  useVolume,
  type VolumeRecord,
  volumeNotFound,
  volumePaths,
} from './volumes/index.ts';
