/** Content on disk. Runs nothing, knows no containers but their records. */
export {
  type ContainerRecord,
  createContainerDirectory,
  readContainerRecord,
  removeContainerDirectory,
  renewContainerDirectory,
} from './containers.ts';
export { crypto } from './crypto.ts';
export { isDigest, parseDigest } from './digest.ts';
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
export { formatReference, parseReference, type Reference } from './reference.ts';
export { removeTree } from './remove.ts';
export { type Swept, sweepContainers } from './sweep.ts';
