/** What is on disk of containers: their directories, records and names, and how far each is. */
export { containerLockPath, hasWriter, isAbandoned, isSupervised, openControl } from './abandoned.ts';
export {
  createContainerDirectory,
  discardContainerDirectory,
  leaveContainer,
  type NewContainer,
  removeContainerDirectory,
  renewContainerDirectory,
} from './directory.ts';
export { findContainer, listContainers } from './find.ts';
export { idOfName, releaseName, renameContainer, sweepNames } from './names.ts';
export {
  addPauseNote,
  forgetPause,
  type PauseNote,
  pauseGroupName,
  readPauseNote,
  removeGroup,
  replacePauseNote,
  type StoodStill,
} from './pause-note.ts';
export {
  type ContainerDescription,
  type ContainerRecord,
  type ContainerUses,
  type RecordedImage,
  type RecordedOrigin,
  readContainerRecord,
  readRecordIfWhole,
  SHORT_ID_LENGTH,
} from './record.ts';
export { whileRecordIsOurs } from './record-lock.ts';
export { askToStop, forgetStop, type StopRequest, stopRequestOf } from './requests.ts';
export { ROOT_MODE } from './spares.ts';
export {
  CELL_BYTES,
  type CellState,
  CellWriter,
  CREATED,
  type Phase,
  readContainerState,
  settleLost,
  UNKNOWN_STATUS,
} from './state-cell.ts';
export { addContainerUses, changeContainerUses } from './uses.ts';
