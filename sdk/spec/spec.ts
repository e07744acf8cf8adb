/**
 * Everything decided about one container: a plain object in the shape of the OCI runtime-spec's config.json,
 * with the parts of it that caisson uses. Source: opencontainers/runtime-spec, config.md and config-linux.md.
 */
import type { IdMapping } from '../../store/places.ts';
import type { Capability } from '../../syscalls/index.ts';
import type { SpecHealth } from './health.ts';

export type { IdMapping };

/** A container, decided. */
export interface Spec {
  readonly ociVersion: '1.2.0';
  readonly root: SpecRoot;
  readonly hostname: string;
  readonly process: SpecProcess;
  readonly mounts: readonly SpecMount[];
  readonly linux: SpecLinux;
  /** caisson's own: how it is looked after. */
  readonly health?: SpecHealth | undefined;
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
  /**
   * caisson's own: the root is put together with the host's rights, from files that have other ids on disk than the
   * container has on this machine. These are the host directories that hold them, to be shown idmapped.
   */
  readonly idmapped?: readonly string[] | undefined;
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
  /** caisson's own: the command is not entered; a process of ours holds the namespaces instead. */
  readonly pauses?: true | undefined;
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
  readonly type: 'proc' | 'sysfs' | 'tmpfs' | 'devpts' | 'mqueue' | 'bind' | 'overlay' | 'file';
  readonly source?: string | undefined;
  /** As mount(8) takes them: `nosuid`, `mode=755`; of binds `bind` or `rbind`, `rslave`, `idmap`; `rro` as OCI has it. */
  readonly options: readonly string[];
  readonly kind?: 'file' | 'directory' | undefined;
  /** caisson's own: the id of the container among whose mounts a bind's source is. @default it is among the host's */
  readonly container?: string | undefined;
  /** caisson's own: one of the set every container has; its place must be an ordinary directory. */
  readonly standard?: boolean | undefined;
  /** caisson's own: what of the source is mounted, a path in it. */
  readonly subpath?: string | undefined;
  /** caisson's own: the directories that an overlay shows as one, lowest first. */
  readonly layers?: readonly string[] | undefined;
  /** caisson's own: where an overlay keeps changes, a directory in the container's own; without it there are none. */
  readonly changes?: string | undefined;
  /** caisson's own: what a file holds, a character per byte. */
  readonly content?: string | undefined;
}

/** The namespaces that a container can have of its own, by OCI's names. */
export type NamespaceType = 'mount' | 'pid' | 'ipc' | 'uts' | 'cgroup' | 'network' | 'user' | 'time';

/**
 * OCI's `linux.namespaces`: one that is not the host's. It is made, unless it is said whose it is; a type that is not
 * listed is the host's.
 */
export interface SpecNamespace {
  readonly type: NamespaceType;
  /** The file that stands for the one to join. */
  readonly path?: string | undefined;
  /** caisson's own: the id of the container whose one is joined. */
  readonly container?: string | undefined;
}

/** OCI's `linux.timeOffsets`. Nanoseconds count forwards, also behind negative seconds. */
export interface SpecTimeOffset {
  readonly secs: number;
  readonly nanosecs: number;
}

/** OCI's `linux`. */
export interface SpecLinux {
  readonly namespaces: readonly SpecNamespace[];
  /** Of a time namespace that is made. */
  readonly timeOffsets?: Readonly<Partial<Record<'monotonic' | 'boottime', SpecTimeOffset>>> | undefined;
  /** How the root's mounts travel. @default 'slave' */
  readonly rootfsPropagation?: 'private' | 'slave' | 'shared' | 'unchanged' | undefined;
  readonly uidMappings: readonly IdMapping[];
  readonly gidMappings: readonly IdMapping[];
  /** caisson's own: root has mapped them, who may map whatever id there is, and leaves them their groups. */
  readonly mappedBy?: 'root' | undefined;
  /** caisson's own: where the mappings come from. */
  readonly ids?: SpecIds | undefined;
  readonly devices: readonly SpecDevice[];
  readonly maskedPaths: readonly string[];
  readonly readonlyPaths: readonly string[];
}

/** How a container came to its ids. */
export interface SpecIds {
  /**
   * `'auto'`: a range of its own. `'host'`: those of this machine, without a user namespace. `'subordinate'`, `'single'`:
   * those of an ordinary user. `'maps'`: as asked for. `'container'`, `'path'`: those of another container, or of a user
   * namespace by its path.
   */
  readonly mode: 'auto' | 'host' | 'subordinate' | 'single' | 'maps' | 'container' | 'path';
  /** Why it is not more than that. */
  readonly reason?: string | undefined;
}

/** A device that a container sees. */
export interface SpecDevice {
  readonly path: string;
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
  readonly fileMode: number;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** caisson's own: where it is on this machine. @default the same path */
  readonly source?: string | undefined;
}

/** Whether a container has the one user and the one group 0, who are its owner's: what a process can map without help. */
export function isSingleId({ uidMappings, gidMappings, mappedBy }: MappedIds): boolean {
  const isOne = (mappings: readonly IdMapping[]) => mappings.length === 1 && mappings[0]?.size === 1;
  return mappedBy !== 'root' && isOne(uidMappings) && isOne(gidMappings);
}

/** What is said of ids in a spec. */
export type MappedIds = Pick<SpecLinux, 'uidMappings' | 'gidMappings' | 'mappedBy'>;

/** Whether its processes may be in groups besides their own: not with a single id (man 7 user_namespaces). */
export function mayHaveGroups({ linux }: Pick<Spec, 'linux'>): boolean {
  return !isSingleId(linux);
}

/** What is said of namespaces in a spec. */
interface OfNamespaces {
  readonly linux: Pick<SpecLinux, 'namespaces'>;
}

/** Whether a container is in another namespace of this type than the host: its own, or one that it joins. */
export function hasNamespace({ linux }: OfNamespaces, type: NamespaceType): boolean {
  return linux.namespaces.some((namespace) => namespace.type === type);
}

/** Whether a container gets a new namespace of this type. */
export function makesNamespace({ linux }: OfNamespaces, type: NamespaceType): boolean {
  return linux.namespaces.some((namespace) => namespace.type === type && !isJoined(namespace));
}

/** Whether a container gets into a namespace of this type that is there already. */
export function joinsNamespace({ linux }: OfNamespaces, type: NamespaceType): boolean {
  return linux.namespaces.some((namespace) => namespace.type === type && isJoined(namespace));
}

/**
 * Whether what a namespace of this type shows may be mounted in a container: where it is the host's, or a path's, a
 * user namespace has no rights over it.
 */
export function mayMountFor(spec: OfNamespaces, type: NamespaceType): boolean {
  const find = (type: NamespaceType) => spec.linux.namespaces.find((namespace) => namespace.type === type);
  const [user, found] = [find('user'), find(type)];
  // Paths that are joined along with that of a user namespace are taken to belong to it.
  return user === undefined || (found !== undefined && (found.path === undefined || user.path !== undefined));
}

/** Whether a namespace is there already. */
export function isJoined({ path, container }: SpecNamespace): boolean {
  return path !== undefined || container !== undefined;
}

/**
 * Whether a process of ours is the container's first one: process 1 if it asks for one, or, where the PID namespace is
 * not its own and so does not end its processes, the one that does.
 */
export function hasReaper(spec: Spec): boolean {
  return spec.process.init || spec.process.pauses === true || !makesNamespace(spec, 'pid');
}
