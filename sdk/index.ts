/** caisson: a Linux container as an ordinary object of a Node.js program. */
export { CaissonError, type CaissonErrorOptions, SyscallError } from '../syscalls/index.ts';
export { Container } from './container.ts';
export type { ContainerEvents, ContainerInfo } from './container-info.ts';
export { type SharedLibrary, sharedLibraries } from './elf/index.ts';
export type { ExitStatus } from './engine/child.ts';
export type { ContainerState } from './engine/life.ts';
export type { Output } from './engine/output.ts';
export type { Result } from './engine/result.ts';
export type { StopOptions } from './engine/stop.ts';
export { Image, type LoadOptions } from './image.ts';
export type { Plan } from './plan/plan.ts';
export { Process } from './process.ts';
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
