/** Looks at what is to be mounted: what it is on this machine, and whether it is there. */
import { readFileSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Store } from '../../store/places.ts';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { rootOf } from '../image-root.ts';
import type { BindMount, ImageMount, Mount, OverlayMount, VolumeMount } from '../spec/mount-options.ts';
import { anonymousVolumes, type ResolvedMount, volumeName } from '../spec/mounts.ts';
import { parseMountInfo } from './mount-info.ts';

/** Finds out what the part of a volume is that is mounted. @param path the volume's directory */
export type PartKind = (mount: VolumeMount, path: string) => 'file' | 'directory';

/** Where volumes lie. */
export interface VolumePlaces {
  readonly store: Store;
  /** The container's own directory. */
  readonly container: string;
  readonly partKind: PartKind;
}

/**
 * Looks at a container's mounts.
 * @param effect whether what an image makes on demand is made now
 * @throws CaissonError BIND_SOURCE_NOT_FOUND, MOUNT_SOURCE_INVALID, SUBPATH_NOT_FOUND, NOT_SHARED
 */
export function resolveMounts(
  mounts: readonly Mount[],
  places: VolumePlaces,
  effect: 'prepare' | 'describe',
): ResolvedMount[] {
  const own = new Map(anonymousVolumes(mounts).map(({ mount, directory }) => [mount, directory]));
  return mounts.flatMap((mount) => resolveMount(mount, places, own.get(mount as VolumeMount), effect));
}

function resolveMount(
  mount: Mount,
  { store, container, partKind }: VolumePlaces,
  own: string | undefined,
  effect: 'prepare' | 'describe',
): ResolvedMount[] {
  switch (mount.type) {
    case 'tmpfs':
      return [{ ...mount, kind: 'directory' }];
    case 'file':
      return [{ ...mount, kind: 'file' }];
    case 'bind':
      return [resolveBind(mount)];
    case 'overlay':
      return [resolveOverlay(mount)];
    case 'image':
      return resolveImage(mount, store, effect);
    case 'volume': {
      const path = own === undefined ? `${store.volumes}/${volumeName(mount)}/data` : `${container}/${own}`;
      return [resolveVolume(mount, path, partKind, effect)];
    }
  }
}

function resolveBind(mount: BindMount): ResolvedMount {
  const path = resolve(mount.source);
  const stats = statSource(path, mount);
  if (mount.propagation === 'shared') assertShared(path, mount);
  return { ...mount, path, kind: stats.isDirectory() ? 'directory' : 'file' };
}

function resolveOverlay(mount: OverlayMount): ResolvedMount {
  const path = resolve(mount.source);
  if (statSource(path, mount).isDirectory()) return { ...mount, path, kind: 'directory' };
  const message = `the overlay at '${mount.target}' must be of a directory, and '${path}' is a file`;
  throw new CaissonError('MOUNT_SOURCE_INVALID', message, { hint: 'a file can be bound' });
}

function statSource(path: string, { target }: Mount): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) throw cause;
    const message = `there is no '${path}' on this machine to mount at '${target}'`;
    throw new CaissonError('BIND_SOURCE_NOT_FOUND', message, { cause });
  }
}

/** An image may consist of views of this machine besides its layers: each is mounted at its place. */
function resolveImage(mount: ImageMount, store: Store, effect: 'prepare' | 'describe'): ResolvedMount[] {
  const { layers, views } = rootOf(store, mount.image.origin, effect);
  const { subpath } = mount;
  const layersOf = (view: (typeof views)[number]) => [view.source, ...(view.layers ?? [])];
  if (subpath === undefined) {
    const below = views.map((view) => ({ ...mount, target: `${mount.target}/${view.target}`, layers: layersOf(view) }));
    return [{ ...mount, layers }, ...below].map((each) => ({ ...each, kind: 'directory' }));
  }
  const path = join('/', subpath);
  const view = views.find(({ target }) => path === target || path.startsWith(`${target}/`));
  const rest = view === undefined ? path : path.slice(view.target.length);
  const found = {
    layers: view === undefined ? layers : layersOf(view),
    subpath: rest.replace(/^\/+/, '') || undefined,
  };
  return [{ ...mount, ...found, kind: kindInLayers(found.layers, rest, mount) }];
}

/** As the uppermost layer has it; the kernel, which follows the image's links, has the last word when it is mounted. */
function kindInLayers(layers: readonly string[], path: string, mount: ImageMount): 'file' | 'directory' {
  for (const layer of layers.toReversed()) {
    const stats = statSync(layer + path, { throwIfNoEntry: false });
    if (stats !== undefined) return stats.isDirectory() ? 'directory' : 'file';
  }
  const message = `there is no '${mount.subpath}' in image ${mount.image.name} to mount at '${mount.target}'`;
  throw new CaissonError('SUBPATH_NOT_FOUND', message);
}

function resolveVolume(
  mount: VolumeMount,
  path: string,
  partKind: PartKind,
  effect: 'prepare' | 'describe',
): ResolvedMount {
  const isPart = mount.subpath !== undefined && effect === 'prepare';
  return { ...mount, path, kind: isPart ? partKind(mount, path) : 'directory' };
}

/** The mount that a path is on is that of the longest mount point above it. */
function assertShared(path: string, { target }: BindMount): void {
  const isAbove = (point: string) => point === '/' || path === point || path.startsWith(`${point}/`);
  const mounts = parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).filter(({ point }) => isAbove(point));
  const length = Math.max(...mounts.map(({ point }) => point.length));
  const found = mounts.findLast(({ point }) => point.length === length);
  if (found?.isShared === true) return;
  const message = `'${path}' cannot be shared at '${target}': it lies on '${found?.point}', which is not a shared mount`;
  throw new CaissonError('NOT_SHARED', message, {
    hint: `mount --make-shared ${found?.point}, or propagation: 'slave'`,
  });
}
