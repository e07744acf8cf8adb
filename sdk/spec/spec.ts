/**
 * Everything decided about one container: a plain object in the shape of the OCI runtime-spec's config.json,
 * with the parts of it that caisson uses. Source: opencontainers/runtime-spec, config.md and config-linux.md.
 */
import type { IdMapping } from '../../store/places.ts';
import type { Capability } from '../../syscalls/index.ts';

export type { IdMapping };

/** A container, decided. */
export interface Spec {
  readonly ociVersion: '1.2.0';
  readonly root: SpecRoot;
  readonly hostname: string;
  readonly process: SpecProcess;
  readonly mounts: readonly SpecMount[];
  readonly linux: SpecLinux;
}

/** The root file system: OCI's `root`, and how it is put together. */
export interface SpecRoot {
  /** The host directory that it is mounted on. */
  readonly path: string;
  readonly readonly: boolean;
  /** Directories, lowest first, that an overlay shows as one. */
  readonly layers: readonly string[];
  /** Where changes are kept: in `upper` and `work` below `path`, or in a tmpfs. */
  readonly upper: 'disk' | 'tmpfs';
  /** Host directories that an overlay of their own shows below the root. */
  readonly views: readonly RootView[];
}

/** A host directory shown in a container, with the container's changes on top. */
export interface RootView {
  readonly source: string;
  readonly target: string;
  /** Directories of layers over the source, lowest first: what containers changed before a snapshot of them was taken. */
  readonly layers?: readonly string[];
}

/** A process of a container: OCI's `process`. */
export interface SpecProcess {
  readonly terminal: boolean;
  readonly consoleSize?: { readonly height: number; readonly width: number } | undefined;
  readonly user: SpecUser;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  /** Names of the capabilities that are kept; root gets them, other users none. */
  readonly capabilities: readonly Capability[];
  /** caisson's own: the highest capability this kernel has; those above are no concern. */
  readonly lastCapability: number;
  /** caisson's own: a process of ours is PID 1. */
  readonly init: boolean;
}

/** OCI's `process.user`. */
export interface SpecUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
}

/** OCI's `mounts`. `kind` says what a bind mount's source is, since its target must be the same. */
export interface SpecMount {
  readonly destination: string;
  readonly type: 'proc' | 'sysfs' | 'tmpfs' | 'devpts' | 'mqueue' | 'bind';
  readonly source?: string | undefined;
  /** As mount(8) takes them: `nosuid`, `mode=755`. */
  readonly options: readonly string[];
  readonly kind?: 'file' | 'directory' | undefined;
  /** caisson's own: one of the set every container has; its place must be an ordinary directory. */
  readonly standard?: boolean | undefined;
}

/** The namespaces that a container can have of its own, by OCI's names. */
export type NamespaceType = 'mount' | 'pid' | 'ipc' | 'uts' | 'cgroup' | 'network' | 'user';

/** OCI's `linux`. */
export interface SpecLinux {
  readonly namespaces: readonly { readonly type: NamespaceType }[];
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  readonly devices: readonly SpecDevice[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

/** A character device in /dev. */
export interface SpecDevice {
  readonly path: string;
  readonly type: 'c';
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
}

/** Whether a container has the one user and the one group 0: what a process can map without help. */
export function isSingleId({ uidMappings }: Pick<SpecLinux, 'uidMappings'>): boolean {
  return uidMappings.length === 1 && uidMappings[0]?.size === 1;
}

/** Whether its processes may be in groups besides their own: not with a single id (man 7 user_namespaces). */
export function mayHaveGroups({ linux }: Pick<Spec, 'linux'>): boolean {
  return !isSingleId(linux);
}

/** Whether a container has a namespace of its own of this type. */
export function hasNamespace(spec: Spec, type: NamespaceType): boolean {
  return spec.linux.namespaces.some((namespace) => namespace.type === type);
}
