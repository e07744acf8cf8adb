/** What a container tells of itself. */
import type { ExitStatus } from './engine/child.ts';
import type { ContainerState } from './engine/life.ts';
import type { Process } from './process.ts';
import type { Spec } from './spec/spec.ts';

/** What a container tells its listeners. There is no 'error' event: what fails rejects the promise of its call. */
export interface ContainerEvents {
  created: [];
  /** Its command runs. */
  started: [];
  /** A process was started in it. */
  exec: [process: Pick<Process, 'pid' | 'args'>];
  /** Its first process has ended, and with it all others. */
  exit: [status: ExitStatus];
  /** Nothing of it is left. */
  removed: [];
}

/** What {@link Container.inspect} tells. */
export interface ContainerInfo {
  readonly id: string;
  readonly name: string;
  readonly image: string;
  readonly state: ContainerState;
  /** Of its first process, on the host. */
  readonly pid: number | null;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly exitedAt: Date | null;
  /** Everything decided about it, in the shape of the OCI runtime-spec; null before the first start. */
  readonly spec: Spec | null;
}
