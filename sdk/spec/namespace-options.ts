/** Which namespaces a container's processes are in (man 7 namespaces). */
import type { IdMapping } from '../../store/places.ts';

/** A container: itself, its name, its id or the beginning of that. */
export type ContainerReference = string | { readonly id: string };

/** The namespaces of a container that runs. */
export interface NamespaceOfContainer {
  readonly container: ContainerReference;
}

/** A namespace by a file that stands for it: `/proc/PID/ns/net`, `/run/netns/NAME`. */
export interface NamespaceOfPath {
  readonly path: string;
}

/** Its own, this process's, another container's, or that of a path. */
export type NamespaceOption = 'private' | 'host' | NamespaceOfContainer | NamespaceOfPath;

/** How far the clocks of a time namespace are ahead of the host's, in seconds; negative is behind. Fractions count. */
export interface TimeOffsets {
  readonly monotonic?: number | undefined;
  readonly boottime?: number | undefined;
}

/** The namespaces that are neither the network nor the users. */
export interface NamespaceOptions {
  /**
   * With another than its own, the processes see the files of that mount namespace: the image says what to run, and
   * nothing is mounted. @default 'private'
   */
  readonly mount?: NamespaceOption | undefined;
  /** @default 'private' */
  readonly pid?: NamespaceOption | undefined;
  /**
   * With the host's or another container's, /dev/shm is theirs, too; a mount of one's own at /dev/shm covers it. With that
   * of a path it is one's own. @default 'private'
   */
  readonly ipc?: NamespaceOption | undefined;
  /** @default 'private' */
  readonly uts?: NamespaceOption | undefined;
  /** @default 'private' */
  readonly cgroup?: NamespaceOption | undefined;
  /** Linux ≥ 5.6. @default 'host', and 'private' with `timeOffsets` */
  readonly time?: NamespaceOption | undefined;
}

/** Which network: nothing but loopback, this machine's, another container's, or that of a path. */
export type NetworkOption = 'none' | 'host' | NamespaceOfContainer | NamespaceOfPath;

/** Ranges of ids, as in /proc/PID/uid_map. */
export interface UserNamespaceMaps {
  readonly uid: readonly IdMapping[];
  readonly gid: readonly IdMapping[];
}

/**
 * Which ids the container's users have on this machine. One by its path is joined: it must have been made by this user, or
 * for root by whomever, in this process's own, and its user 0 must be this user. Namespaces by path that belong to it
 * can be joined with it, as nsenter(1) does. Whoever is among the files of such a container while it does not run is in
 * the ids that this user has anyway.
 */
export type UserNamespaceOption = 'auto' | 'host' | UserNamespaceMaps | NamespaceOfContainer | NamespaceOfPath;
