/** What a container tells of itself. */
import type { ExitStatus } from './engine/exit-status.ts';
import type { ContainerState } from './engine/life.ts';
import type { ContainerHealth } from './health-status.ts';
import type { Process } from './process.ts';
import type { RestartPolicy } from './spec/life-options.ts';
import type { IdMapping, Spec, SpecIds } from './spec/spec.ts';

/** What a container tells its listeners. There is no 'error' event: what fails rejects the promise of its call. */
export interface ContainerEvents {
  created: [];
  /** Its command runs, as this object has asked for; of an attached container also when its restart policy has. */
  started: [];
  /** A process was started in it. */
  exec: [process: Pick<Process, 'pid' | 'args'>];
  /**
   * Its first process has ended, and with it all others: of each run. Of a detached container, and of one of another
   * process, it is told as it was noted; not where nobody saw how it ended.
   */
  exit: [status: ExitStatus];
  /** Its health check has come to another status. Not told of an attached container of another process. */
  health: [health: ContainerHealth];
  /** Nothing of it is left. */
  removed: [];
}

/** What {@link Container.inspect} tells. */
export interface ContainerInfo {
  readonly id: string;
  readonly name: string;
  /** What its image was called. */
  readonly image: string;
  /** The digest of its image, where that has one. */
  readonly imageDigest: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it outlives the process that made it. */
  readonly detached: boolean;
  readonly state: ContainerState;
  /** Of its first process, on the host. */
  readonly pid: number | null;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether nobody saw how it ended: its supervisor was killed, or the machine. It can be started again. */
  readonly lost: boolean;
  /** How often its restart policy has started it again. */
  readonly restarts: number;
  readonly restartPolicy: RestartPolicy;
  /** By its health check; null when it has none, or has not been started. */
  readonly health: ContainerHealth | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly exitedAt: Date | null;
  /** Where it lies on this machine: its own directory, and that of what it has changed. */
  readonly paths: { readonly directory: string; readonly changes: string };
  /** The namespaces it is in, by type, as /proc/PID/ns names them: `net:[4026531840]`; none when it does not run. */
  readonly namespaces: Readonly<Record<string, string>>;
  /** Which ids of this machine its users have; null before the first start. */
  readonly userns: UserNamespaceInfo | null;
  /** Everything decided about it, in the shape of the OCI runtime-spec; null before the first start. */
  readonly spec: Spec | null;
}

/** The ids of a container's users on this machine. */
export interface UserNamespaceInfo extends SpecIds {
  /** None where they are the same. */
  readonly uid: readonly IdMapping[];
  readonly gid: readonly IdMapping[];
}
