/** What a container needs once there is one. It is loaded with the first, so that importing caisson is quick. */
export { changesOf } from './engine/changes.ts';
export { commitContainer } from './engine/commit.ts';
export { exportFiles } from './engine/export.ts';
export { Life } from './engine/life.ts';
export { collectResult } from './engine/result.ts';
export { takeNamedSnapshot } from './engine/snapshot.ts';
export { stopProcess } from './engine/stop.ts';
export { sweepOnce } from './engine/sweep.ts';
export { containerFiles, copyIn, copyOut, getArchive, putArchive } from './fs/index.ts';
