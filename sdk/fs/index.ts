/** A container's files, from outside of it. */
export { Access } from './access.ts';
export { type ArchiveContent, copyIn, copyOut, getArchive, putArchive } from './copies.ts';
export type { CopyInOptions, CopyOutOptions, CopyResult } from './copy/index.ts';
export { enterRunning, enterStopped } from './enter.ts';
export { type ContainerFiles, containerFiles } from './files.ts';
export type { ContainerFileHandle } from './handle.ts';
export type { Session } from './session.ts';
