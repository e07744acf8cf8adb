/** What images need besides their names. It is loaded when it is first needed, so that importing caisson is quick. */
export { describeStore, openStore } from '../store/places.ts';
export {
  deleteRemoteImage,
  findByDigest,
  findImage,
  findSnapshot,
  importImage,
  inspectImage,
  isSnapshotId,
  listImages,
  listReferrers,
  listRemoteTags,
  listSnapshots,
  loadImage,
  materializeSnapshot,
  nameSnapshot,
  newName,
  pruneStore,
  pullImage,
  pushImage,
  removeImage,
  removeSnapshot,
  saveImage,
  snapshotLayers,
  tagImage,
  unpackImage,
} from '../store/transfer.ts';
export { exportRoot } from './export-root.ts';
export {
  checkImageFilter,
  checkImportSource,
  checkPruneOptions,
  checkPushOptions,
  checkReference,
  checkReferrerOptions,
  checkRegistryOptions,
  checkRemoveOptions,
  checkSave,
  normalizeImportOptions,
  normalizeLoadOptions,
  normalizePullOptions,
} from './image-checks.ts';
export { isListedImage } from './image-filter.ts';
export { rootOf } from './image-root.ts';
