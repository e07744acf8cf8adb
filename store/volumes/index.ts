/** Directories that outlive the containers they are mounted into. */
export { createVolume } from './create.ts';
export { type FillSource, fillDirectory, useVolume } from './fill.ts';
export {
  listVolumeNames,
  readVolumeRecord,
  type VolumePaths,
  type VolumeRecord,
  volumeNotFound,
  volumePaths,
} from './record.ts';
