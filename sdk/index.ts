/** caisson: a Linux container as an ordinary object of a Node.js program. */
export type { EventName, IdMapping, ImageConfig, ImageSummary, Platform, SnapshotSummary } from '../store/index.ts';
export type {
  Change,
  Credentials,
  Descriptor,
  ImageDetails,
  ImageHistoryEntry,
  ImageLayer,
  JsonObject,
  LayerLimits,
  Pruned,
  PruneOptions,
  PullPolicy,
  PushedImage,
  Reclaimed,
  Referrer,
  RegistryOptions,
  RegistryRule,
  RemovedImage,
  RemoveImageOptions,
  SaveOptions,
  TransferEvent,
} from '../store/transfer.ts';
export { CaissonError, type CaissonErrorOptions, SyscallError } from '../syscalls/common.ts';
export { Container } from './container.ts';
export type { EventFilter, EventOptions, StoreEvent } from './container-events.ts';
export type { ContainerEvents, ContainerInfo, UserNamespaceInfo } from './container-info.ts';
export type { SharedLibrariesOptions, SharedLibrary } from './elf/index.ts';
export type { Attachment, AttachOptions } from './engine/attach.ts';
export type { ConnectOptions } from './engine/connect.ts';
export type { ExitStatus } from './engine/exit-status.ts';
export type { ContainerState } from './engine/life.ts';
export type { LogEntry, Logs, LogsOptions } from './engine/logs.ts';
export type { Output } from './engine/output.ts';
export type { Result } from './engine/result.ts';
export type { StopOptions } from './engine/stop.ts';
export type { ProcessInfo } from './engine/top.ts';
export type {
  ArchiveContent,
  ContainerFileHandle,
  ContainerFiles,
  CopyInOptions,
  CopyOutOptions,
  CopyResult,
} from './fs/index.ts';
export type { ContainerHealth, HealthCheckResult } from './health-status.ts';
export { Image } from './image.ts';
export type {
  ImageFilter,
  ImageInfo,
  ImportOptions,
  ImportSource,
  LoadOptions,
  PullOptions,
  PushOptions,
} from './image-options.ts';
export type { Plan } from './plan/plan.ts';
export { Pod } from './pod.ts';
export { probe } from './preflight.ts';
export type { Fact, FactName, FactStatus, Finding, Probe } from './probe/index.ts';
export type { Process } from './process.ts';
export {
  type AllReady,
  type AnyReady,
  type CheckReady,
  type ExecReady,
  type ExitReady,
  type HealthyReady,
  type HttpReady,
  type LogReady,
  type PortReady,
  type Readiness,
  type ReadyCheck,
  ready,
} from './ready/index.ts';
export { Registry } from './registry.ts';
export { sharedLibraries } from './shared-libraries.ts';
export type { CommitOptions, ConfigChanges, SnapshotOptions } from './spec/commit.ts';
export type { ContainerFilter, ListOptions } from './spec/filter.ts';
export type { SpecHealth } from './spec/health.ts';
export type { HealthCheck, LogOptions, RestartPolicy } from './spec/life-options.ts';
export type {
  BindMount,
  DeviceOption,
  FileMount,
  ImageMount,
  Mount,
  OverlayMount,
  Propagation,
  TmpfsMount,
  VolumeMount,
} from './spec/mount-options.ts';
export type {
  ContainerReference,
  NamespaceOfContainer,
  NamespaceOfPath,
  NamespaceOption,
  NamespaceOptions,
  NetworkOption,
  TimeOffsets,
  UserNamespaceMaps,
  UserNamespaceOption,
} from './spec/namespace-options.ts';
export type {
  Collected,
  CollectOptions,
  ContainerOptions,
  Encoding,
  ExecOptions,
  OutputOption,
  ProcessOptions,
  RunOptions,
  StdinOption,
  TerminalSize,
  WaitOptions,
} from './spec/options.ts';
export type { PodContainer, PodOptions, SharedNamespace } from './spec/pod-options.ts';
export type { Signal } from './spec/signals.ts';
export type {
  NamespaceType,
  RootView,
  Spec,
  SpecDevice,
  SpecIds,
  SpecLinux,
  SpecMount,
  SpecNamespace,
  SpecProcess,
  SpecRoot,
  SpecTimeOffset,
  SpecUser,
} from './spec/spec.ts';
export type { Transfer } from './transfer.ts';
export { type PrunedVolumes, Volume, type VolumeFilter, type VolumeInfo, type VolumeOptions } from './volume.ts';
