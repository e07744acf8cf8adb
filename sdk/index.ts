/** caisson: a Linux container as an ordinary object of a Node.js program. */
export type { ImageConfig, Platform } from '../store/index.ts';
export type {
  Change,
  Credentials,
  ImageDetails,
  ImageHistoryEntry,
  ImageLayer,
  LayerLimits,
  Pruned,
  PruneOptions,
  PullPolicy,
  PushedImage,
  Referrer,
  RegistryOptions,
  RegistryRule,
  RemovedImage,
  RemoveImageOptions,
  SaveOptions,
  TransferEvent,
} from '../store/transfer.ts';
export { CaissonError, type CaissonErrorOptions, SyscallError } from '../syscalls/index.ts';
export { Container } from './container.ts';
export type { ContainerEvents, ContainerInfo } from './container-info.ts';
export type { SharedLibrary } from './elf/index.ts';
export type { ExitStatus } from './engine/child.ts';
export type { ContainerState } from './engine/life.ts';
export type { Output } from './engine/output.ts';
export type { Result } from './engine/result.ts';
export type { StopOptions } from './engine/stop.ts';
export type {
  ContainerFileHandle,
  ContainerFiles,
  CopyInOptions,
  CopyOutOptions,
  CopyResult,
} from './fs/index.ts';
export { Image } from './image.ts';
export type { ImageInfo, ImportOptions, LoadOptions, PullOptions, PushOptions } from './image-options.ts';
export type { Plan } from './plan/plan.ts';
export type { Process } from './process.ts';
export { Registry } from './registry.ts';
export { sharedLibraries } from './shared-libraries.ts';
export type { CommitOptions, ConfigChanges, SnapshotOptions } from './spec/commit.ts';
export type {
  BindMount,
  CollectOptions,
  ContainerOptions,
  ExecOptions,
  Mount,
  OutputOption,
  ProcessOptions,
  RunOptions,
  StdinOption,
  TerminalSize,
  TmpfsMount,
} from './spec/options.ts';
export type { Spec, SpecMount, SpecProcess } from './spec/spec.ts';
export type { Transfer } from './transfer.ts';
