/**
 * What brings images into the store and out of it. A second way into this folder beside index.ts: it is loaded when
 * it is first needed, so that who only runs containers does not wait for it to be read.
 */

export { findByDigest } from './find-by-digest.ts';
export type { Reclaimed } from './garbage.ts';
export { type ImageHistoryEntry, imageHistory } from './history.ts';
export { findImage, listImages } from './images.ts';
export { type ImportImageOptions, type ImportSource, importImage } from './import.ts';
export { type ImageDetails, type ImageLayer, inspectImage } from './inspect-image.ts';
export type { JsonObject } from './json.ts';
export { Losses } from './layer/attributes.ts';
export { type Change, type LowerDirectory, listChanges } from './layer/changes.ts';
export { decompress } from './layer/decompress.ts';
export type { WalkOptions } from './layer/describe.ts';
export { diffEntries } from './layer/diff.ts';
export { fillHoles } from './layer/holes.ts';
export type { LayerLimits } from './layer/limits.ts';
export { type PackedLayer, type PackOptions, packLayer, stagePackedLayer } from './layer/pack.ts';
export { readTar, type TarEntry } from './layer/read.ts';
export { treeEntries } from './layer/walk.ts';
export { type OutgoingEntry, type WriteTarOptions, writeTar } from './layer/write.ts';
export { type LoadImageOptions, loadImage } from './load.ts';
export type { Descriptor, Platform } from './manifest.ts';
export { parsePlatform } from './platform.ts';
export { type Pruned, type PruneOptions, pruneStore } from './prune.ts';
export { type Missing, publishImage, type Staged, type StagedImage } from './publish.ts';
export { type PullImageOptions, type PullPolicy, pullImage } from './pull.ts';
export { type PushedImage, type PushImageOptions, pushImage } from './push.ts';
export {
  type Credentials,
  deleteRemoteImage,
  listReferrers,
  listRemoteTags,
  type Referrer,
  type RegistryOptions,
  type RegistryRule,
} from './registry/index.ts';
export { type RemovedImage, type RemoveImageOptions, removeImage } from './remove-image.ts';
export { type SaveOptions, saveImage } from './save.ts';
export { copyTree } from './snapshots/copy.ts';
export { findSnapshot, listSnapshots } from './snapshots/find.ts';
export { assertPortable, type MaterializeOptions, materializeSnapshot } from './snapshots/materialize.ts';
export { namesOfSnapshot } from './snapshots/names.ts';
export { ownersInContainer } from './snapshots/owners.ts';
export { isSnapshotId, snapshotLayers } from './snapshots/record.ts';
export { removeSnapshot } from './snapshots/remove.ts';
export { nameSnapshot } from './snapshots/take.ts';
export { newName, tagImage, untagImage } from './tag.ts';
export type { OnProgress, TransferEvent } from './transfer-event.ts';
export { unpackImage } from './unpack-image.ts';
