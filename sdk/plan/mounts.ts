/** What is mounted into a container, and how it gets to its place. */
import {
  AT_FDCWD,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  makedev,
  mkdirat,
  mknodat,
  move_mount,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW,
  openat2,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFREG,
  type Step,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import { hasNamespace, type Spec, type SpecMount } from '../spec/spec.ts';
import { openMount } from './detached.ts';

/** A mount of the spec that is open and not attached yet. */
export interface OpenedMount {
  readonly specMount: SpecMount;
  readonly mount: Variable;
}

/** Opens all mounts of a spec, in its order. */
export function openMounts(spec: Spec): { steps: Step[]; opened: OpenedMount[] } {
  const opened = spec.mounts.map((specMount, index) => {
    return { specMount: withoutNetwork(specMount, spec), mount: variable(`mount ${index} (${specMount.destination})`) };
  });
  return { steps: opened.flatMap(({ specMount, mount }) => openMount(specMount, mount)), opened };
}

/**
 * sysfs shows the network namespace it is mounted in, and may be mounted only by whoever owns that one: a
 * container that shares the host's, from a user namespace, gets the host's /sys read-only instead.
 */
function withoutNetwork(specMount: SpecMount, spec: Spec): SpecMount {
  const mayMount = !hasNamespace(spec, 'user') || hasNamespace(spec, 'network');
  if (specMount.type !== 'sysfs' || mayMount) return specMount;
  return { ...specMount, type: 'bind', source: '/sys', kind: 'directory' };
}

/**
 * Attaches one of the standard mounts: its place must be an ordinary directory of the image. A symbolic link there
 * is an attack (CVE-2019-19921, CVE-2026-41579) and fails with ELOOP.
 */
export function attachStandard(destination: string, mount: Variable): Step[] {
  const place = variable('place');
  return [
    mkdirat.step(`making ${destination}`, [AT_FDCWD, destination, 0o755], {
      onError: { EEXIST: 'next', EROFS: 'next' },
    }),
    openDirectory(destination, RESOLVE_NO_SYMLINKS, place),
    moveTo(mount, destination, place),
  ];
}

/**
 * Attaches a user's mount. Symbolic links of the image are followed, inside the container's root: the process is in
 * it already, and has nothing else to go to.
 */
export function attachAt({ specMount, mount }: OpenedMount): Step[] {
  const { destination, kind } = specMount;
  const place = variable('place');
  const found = `place of ${mount.name}`;
  return [
    openPlace(destination, place, { next: found, onError: { ENOENT: 'next' } }),
    ...makePlace(destination, kind ?? 'directory'),
    openPlace(destination, place, {}),
    moveTo(mount, destination, place, found),
  ];
}

/** Makes a mount's place, and the directories that lead to it; what is there is left as it is. */
function makePlace(destination: string, kind: 'file' | 'directory'): Step[] {
  const parts = destination.split('/').filter((part) => part !== '' && part !== '.');
  const paths = parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
  const onError = { EEXIST: 'next' };
  return paths.map((path, index) => {
    const isFile = kind === 'file' && index === paths.length - 1;
    return isFile
      ? mknodat.step(`making ${path}`, [AT_FDCWD, path, S_IFREG | 0o644, makedev(0, 0)], { onError })
      : mkdirat.step(`making ${path}`, [AT_FDCWD, path, 0o755], { onError });
  });
}

/** Makes a directory and those that lead to it, as `mkdir -p`. */
export function makeDirectories(path: string): Step[] {
  return makePlace(path, 'directory');
}

/** Opens an ordinary directory of the container. */
export function openDirectory(path: string, resolve: number, into: Variable): Step {
  const how = OPEN_HOW.encode({ flags: O_PATH | O_DIRECTORY | O_CLOEXEC, resolve: resolve | RESOLVE_NO_MAGICLINKS });
  return openat2.step(`opening ${path}`, [AT_FDCWD, path, how, OPEN_HOW.size], { into });
}

function openPlace(path: string, into: Variable, options: { next?: string; onError?: Record<string, string> }): Step {
  const how = OPEN_HOW.encode({ flags: O_PATH | O_CLOEXEC, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS });
  // With AT_FDCWD, RESOLVE_IN_ROOT takes the working directory as the root: the steps before have made it `/`.
  return openat2.step(`opening the place of ${path}`, [AT_FDCWD, path, how, OPEN_HOW.size], { into, ...options });
}

function moveTo(mount: Variable, destination: string, place: Variable, label?: string): Step {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  return move_mount.step(`mounting ${destination}`, [mount, '', place, '', flags], { label });
}

/** Attaches a mount below one of ours, where no image has a say: by path. */
export function attachInside(destination: string, mount: Variable): Step[] {
  return [
    mkdirat.step(`making ${destination}`, [AT_FDCWD, destination, 0o755]),
    move_mount.step(`mounting ${destination}`, [mount, '', AT_FDCWD, destination, MOVE_MOUNT_F_EMPTY_PATH]),
  ];
}
