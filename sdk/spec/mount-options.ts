/** What can be mounted into a container. */
import type { Image } from '../image.ts';

/** How mounts and unmounts below a mount travel between the host and the container (man 7 mount_namespaces). */
export type Propagation = 'private' | 'slave' | 'shared';

interface MountBase {
  /**
   * Where it appears: an absolute path in the container, made when it is not there; no two have the same. On what every
   * container has, as /proc, it covers that, and programs that need it find what is mounted.
   */
  readonly target: string;
  /** @default false; of images true */
  readonly readOnly?: boolean | undefined;
}

/** A directory or file of the host, shown at another place in the container. */
export interface BindMount extends MountBase {
  readonly type: 'bind';
  /** An existing path of the host; relative ones are resolved against the working directory of this process. */
  readonly source: string;
  /**
   * Whether what is mounted below the source comes along; `readOnly` is then for all of it, unless this is `'writable'`:
   * then what is mounted below stays as writable as it is. @default true
   */
  readonly recursive?: boolean | 'writable' | undefined;
  /** @default 'private' */
  readonly propagation?: Propagation | undefined;
  /**
   * Where root's container has ids of its own: shows the files with those instead of the host's, so that what root owns
   * here is root's there, and what is written there as root is root's here, as it is without such ids. With `false`, files
   * of ids that the container does not have belong to nobody there.
   * @default true
   */
  readonly idmap?: boolean | undefined;
}

/** An empty file system in memory, private to the container. */
export interface TmpfsMount extends MountBase {
  readonly type: 'tmpfs';
  /** The most it may hold, in bytes. @default half of the machine's memory */
  readonly sizeBytes?: number | undefined;
  /** The permissions of its root. @default 0o1777 */
  readonly mode?: number | undefined;
}

/** A directory of the store that outlives containers; made at its first use, and filled with what the image has there. */
export interface VolumeMount extends MountBase {
  readonly type: 'volume';
  /** The volume or its name. Without one, the volume is the container's own, and is removed with it. */
  readonly source?: string | { readonly name: string } | undefined;
  /** A path inside the volume that is mounted instead of all of it. It must be there, and no link leads out. */
  readonly subpath?: string | undefined;
  /** Leaves a new volume empty. @default false */
  readonly noCopy?: boolean | undefined;
}

/** The files of an image. */
export interface ImageMount extends MountBase {
  readonly type: 'image';
  readonly image: Image;
  /** A path inside the image that is mounted instead of all of it. */
  readonly subpath?: string | undefined;
  /** With `false`, changes are the container's own, and gone with it. @default true */
  readonly readOnly?: boolean | undefined;
}

/** A directory of the host that the container may change without changing it: what it writes stays with the container. */
export interface OverlayMount extends MountBase {
  readonly type: 'overlay';
  readonly source: string;
}

/** A file that is given as its content. What the container writes to it is gone with the container's last process. */
export interface FileMount extends MountBase {
  readonly type: 'file';
  /** At most 4 MiB, and 32 of all such files of a container. */
  readonly content: string | Uint8Array;
  /** Permissions. @default 0o644 */
  readonly mode?: number | undefined;
}

/** Something that is mounted into a container besides the standard set (proc, sys, dev, pts, shm, mqueue). */
export type Mount = BindMount | TmpfsMount | VolumeMount | ImageMount | OverlayMount | FileMount;

/** A device of the host that the container sees. */
export interface DeviceOption {
  /** The device on this machine, as `/dev/fuse`. */
  readonly path: string;
  /** A path below /dev. @default the same path */
  readonly target?: string | undefined;
  /**
   * Permissions of its node. Without root, a container's nodes are the host's own and can have no others.
   * @default those of the host's
   */
  readonly mode?: number | undefined;
}
