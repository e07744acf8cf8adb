/** Looks at what is to be mounted: what it is on this machine, and whether it is there. */
import { fstatSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Store } from '../../store/places.ts';
import {
  AT_FDCWD,
  CaissonError,
  close,
  hasCode,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW,
  openat,
  openat2,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../syscalls/index.ts';
import type { BindMount, ImageMount, Mount, OverlayMount, VolumeMount } from '../spec/mount-options.ts';
import { anonymousVolumes, type ResolvedMount, volumeName } from '../spec/mounts.ts';

/** Where volumes lie. */
export interface VolumePlaces {
  readonly store: Store;
  /** The container's own directory. */
  readonly container: string;
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
  { store, container }: VolumePlaces,
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
      return [resolveVolume(mount, path, effect)];
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
  const { layers, views } = mount.image.root(store, effect);
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
  throw subpathNotFound(mount, `image ${mount.image.name}`);
}

/** What is in a volume may be changing, and every container that has it is a stranger: no link in it is followed. */
function resolveVolume(mount: VolumeMount, path: string, effect: 'prepare' | 'describe'): ResolvedMount {
  const { subpath } = mount;
  if (subpath === undefined || effect === 'describe') return { ...mount, path, kind: 'directory' };
  const resolveHow = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const how = OPEN_HOW.encode({ flags: O_PATH | O_CLOEXEC, resolve: resolveHow });
  const top = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  try {
    const found = openat2(top, subpath, how, OPEN_HOW.size);
    try {
      return { ...mount, path, kind: fstatSync(found).isDirectory() ? 'directory' : 'file' };
    } finally {
      close(found);
    }
  } catch (cause) {
    // Closed to this user, it may be open to who mounts it.
    if (hasCode(cause, 'EACCES')) return { ...mount, path, kind: 'directory' };
    throw subpathNotFound(mount, `volume '${volumeName(mount) ?? mount.target}'`, cause);
  } finally {
    close(top);
  }
}

function subpathNotFound({ target, subpath }: VolumeMount | ImageMount, where: string, cause?: unknown): CaissonError {
  const message = `there is no '${subpath}' in ${where} to mount at '${target}'`;
  return new CaissonError('SUBPATH_NOT_FOUND', message, { hint: 'links on the way to it are not followed', cause });
}

/** Of man 5 proc_pid_mountinfo, the mount that a path is on is the longest mount point above it. */
function assertShared(path: string, { target }: BindMount): void {
  const isAbove = (point: string) => point === '/' || path === point || path.startsWith(`${point}/`);
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .trim()
    .split('\n')
    .map(parseMount)
    .filter(({ point }) => isAbove(point));
  const length = Math.max(...mounts.map(({ point }) => point.length));
  const found = mounts.findLast(({ point }) => point.length === length);
  if (found?.isShared === true) return;
  const message = `'${path}' cannot be shared at '${target}': it lies on '${found?.point}', which is not a shared mount`;
  throw new CaissonError('NOT_SHARED', message, {
    hint: `mount --make-shared ${found?.point}, or propagation: 'slave'`,
  });
}

function parseMount(line: string): { point: string; isShared: boolean } {
  const fields = line.split(' ');
  const point = (fields[4] ?? '').replace(/\\([0-7]{3})/g, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
  return { point, isShared: fields.slice(6).some((field) => field.startsWith('shared:')) };
}
