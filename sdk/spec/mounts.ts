/** A container's mounts and devices, decided. Pure: their sources were looked at before. */
import { posix } from 'node:path';
import type { ImageConfig } from '../../store/index.ts';
import type { DeviceOption, FileMount, Mount, VolumeMount } from './mount-options.ts';
import type { ContainerOptions } from './options.ts';
import type { SpecDevice, SpecMount } from './spec.ts';

/** A mount whose source was looked at. */
export type ResolvedMount = Mount & {
  readonly kind: 'file' | 'directory';
  /** The host's path of what is mounted: the absolute source, a volume's directory. */
  readonly path?: string | undefined;
  /** Whether mounts travel below it as they do below its source, where it does not say how. */
  readonly isUnchanged?: boolean | undefined;
  /** Of an image: its directories, lowest first. */
  readonly layers?: readonly string[] | undefined;
};

/** A device that was looked at. */
export interface ResolvedDevice {
  readonly option: DeviceOption;
  readonly type: 'c' | 'b';
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A volume that belongs to one container: where it appears, and where it lies in the container's directory. */
export interface AnonymousVolume {
  readonly target: string;
  readonly directory: string;
  readonly mount: VolumeMount;
}

/** All mounts that are asked for: those of the options, after the image's own volumes. */
export function mountsOf(
  { mounts = [] }: Pick<ContainerOptions, 'mounts'>,
  { Volumes }: ImageConfig,
): readonly Mount[] {
  const targets = new Set(mounts.map(({ target }) => plainPath(target)));
  const own = Object.keys(Volumes ?? {}).filter((target) => target.startsWith('/') && !targets.has(plainPath(target)));
  return [...own.map((target) => ({ type: 'volume', target }) as const), ...mounts];
}

/** The name of the volume that a mount is of; undefined where it is the container's own. */
export function volumeName({ source }: VolumeMount): string | undefined {
  return typeof source === 'object' ? source.name : source;
}

/** The names of the volumes among mounts. */
export function volumeNames(mounts: readonly Mount[]): string[] {
  const names = mounts.map((mount) => (mount.type === 'volume' ? volumeName(mount) : undefined));
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** The volumes among mounts that are the container's own. Their directories depend on nothing but their order. */
export function anonymousVolumes(mounts: readonly Mount[]): AnonymousVolume[] {
  const own = mounts.filter((mount) => mount.type === 'volume').filter((mount) => volumeName(mount) === undefined);
  return own.map((mount, index) => ({ target: mount.target, directory: `volumes/${index}`, mount }));
}

/** Decides a mount. `index` is its own among the container's mounts: its changes are kept by that name. */
export function specMount(mount: ResolvedMount, index: number | string): SpecMount {
  const { target: destination, kind } = mount;
  const readOnly = mount.readOnly === true ? ['ro'] : [];
  const allReadOnly = mount.readOnly === true ? ['rro'] : [];
  switch (mount.type) {
    case 'bind': {
      const recursive = mount.recursive !== false;
      const byDefault = mount.isUnchanged === true ? 'unchanged' : 'private';
      const propagation = `${recursive ? 'r' : ''}${mount.propagation ?? byDefault}`;
      const options = [
        recursive ? 'rbind' : 'bind',
        propagation,
        ...(recursive && mount.recursive !== 'writable' ? allReadOnly : readOnly),
        ...(mount.idmap === false ? [] : ['idmap']),
      ];
      return { destination, type: 'bind', source: mount.path ?? mount.source, options, kind };
    }
    case 'volume': {
      const options = ['rbind', 'rprivate', 'idmap', ...allReadOnly];
      return { destination, type: 'bind', source: mount.path ?? '', options, kind, subpath: mount.subpath };
    }
    case 'tmpfs': {
      const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`];
      const mode = `mode=${(mount.mode ?? 0o1777).toString(8)}`;
      return { destination, type: 'tmpfs', options: ['nosuid', 'nodev', mode, ...size, ...readOnly] };
    }
    case 'image': {
      const isReadOnly = mount.readOnly ?? true;
      const { layers = [], subpath } = mount;
      const changes = isReadOnly ? undefined : `mounts/${index}`;
      return { destination, type: 'overlay', options: isReadOnly ? ['ro'] : [], kind, layers, subpath, changes };
    }
    case 'overlay': {
      const layers = [mount.path ?? mount.source];
      return { destination, type: 'overlay', options: readOnly, kind, layers, changes: `mounts/${index}` };
    }
    case 'file':
      return fileMount(mount);
  }
}

/** In the order in which they are mounted: none hides one that is below it. Those of one depth stay as they are. */
export function byDepth(mounts: readonly SpecMount[]): SpecMount[] {
  const depth = ({ destination }: SpecMount) => plainPath(destination).split('/').length;
  return mounts.toSorted((one, other) => depth(one) - depth(other));
}

/** A file that is given by its content. */
export function fileMount({ target, content, mode = 0o644, readOnly }: FileMount): SpecMount {
  const bytes =
    typeof content === 'string'
      ? Buffer.from(content)
      : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  return {
    destination: target,
    type: 'file',
    options: [`mode=${mode.toString(8)}`, ...(readOnly === true ? ['ro'] : [])],
    kind: 'file',
    content: bytes.toString('latin1'),
  };
}

/** Decides a device. */
export function specDevice({ option, type, major, minor, mode, uid, gid }: ResolvedDevice): SpecDevice {
  const path = plainPath(option.target ?? option.path);
  return { path, type, major, minor, fileMode: option.mode ?? mode, uid, gid, source: option.path };
}

/** A path without what means nothing in it. */
export function plainPath(path: string): string {
  return posix.normalize(`/${path}`).replace(/(.)\/$/, '$1');
}
