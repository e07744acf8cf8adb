/** What a container needs once there is one. It is loaded with the first, so that importing caisson is quick. */
export { openStore } from '../store/places.ts';
export { describeLife } from './describe-life.ts';
export { unlessAborted } from './engine/abort.ts';
export { beginContainer } from './engine/ahead.ts';
export { AttachedLife } from './engine/attached-life.ts';
export { changesOf } from './engine/changes.ts';
export { commitContainer } from './engine/commit.ts';
export { checkConnectOptions, connectInto } from './engine/connect.ts';
export { exportContainer } from './engine/export.ts';
export { note } from './engine/note.ts';
export { collectResult } from './engine/result.ts';
export { takeNamedSnapshot } from './engine/snapshot.ts';
export { claimingName, sweepOnce } from './engine/sweep.ts';
export { prepareVolumes } from './engine/volumes.ts';
export { containerFiles, copyIn, copyOut, getArchive, putArchive } from './fs/index.ts';
export { startUntilReady } from './ready/start.ts';
export { checkCommitOptions, checkSnapshotOptions } from './spec/check-commit.ts';
