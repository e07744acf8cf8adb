/** How mounts that are open get to their places in the container: it is all that there is by then. */
import {
  AT_FDCWD,
  label,
  MOVE_MOUNT_F_EMPTY_PATH,
  MOVE_MOUNT_T_EMPTY_PATH,
  mkdirat,
  move_mount,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  OPEN_HOW,
  openat2,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  type Step,
  type StepOptions,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import { makeFile } from './files.ts';
import type { OpenedMount } from './mounts.ts';
import { makePlace, openPlace } from './place.ts';

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

/** Makes the files among mounts. */
export function makeFiles(opened: readonly OpenedMount[], room: string): Step[] {
  const files = opened.filter(({ specMount }) => specMount.type === 'file');
  return files.flatMap(({ specMount, mount }) => makeFile(specMount, mount, room));
}

/**
 * Attaches a user's mount. Symbolic links of the image are followed, inside the container's root: the process is in
 * it already, and has nothing else to go to.
 */
export function attachAt({ specMount, mount }: OpenedMount): Step[] {
  const { destination, kind } = specMount;
  const place = variable('place');
  const [found, purpose] = [`place of ${mount.name}`, mountingPurpose(destination)];
  return [
    openPlace(purpose, destination, place, 0, { next: found, onError: { ENOENT: 'next' } }),
    ...makePlace(purpose, destination, kind ?? 'directory'),
    openPlace(purpose, destination, place),
    moveTo(mount, destination, place, { label: found }),
  ];
}

/**
 * Attaches one of the container's own files in /etc. A symbolic link at its place is covered, wherever it leads. Where the
 * image has something that no file can be mounted on, it stays.
 */
export function attachOwnFile({ specMount, mount }: OpenedMount): Step[] {
  const { destination } = specMount;
  const place = variable('place');
  const purpose = mountingPurpose(destination);
  const [found, done] = [`place of ${mount.name}`, `done with ${mount.name}`];
  const impossible = { ENOTDIR: done, ELOOP: done, EROFS: done };
  return [
    openPlace(purpose, destination, place, O_NOFOLLOW, { next: found, onError: { ENOENT: 'next', ...impossible } }),
    ...makePlace(purpose, destination, 'file'),
    openPlace(purpose, destination, place, O_NOFOLLOW),
    moveTo(mount, destination, place, { label: found, onError: { EINVAL: done, ENOTDIR: done } }),
    label(done),
  ];
}

/** What the steps of a user's mount are for: an error in one of them is about its target. */
export function mountingPurpose(destination: string): string {
  return `mounting ${destination}`;
}

/** What the steps of unmounting are for. */
export function unmountingPurpose(destination: string): string {
  return `unmounting ${destination}`;
}

/** Opens an ordinary directory of the container. */
export function openDirectory(path: string, resolve: number, into: Variable): Step {
  const how = OPEN_HOW.encode({ flags: O_PATH | O_DIRECTORY | O_CLOEXEC, resolve: resolve | RESOLVE_NO_MAGICLINKS });
  return openat2.step(`opening ${path}`, [AT_FDCWD, path, how, OPEN_HOW.size], { into });
}

function moveTo(mount: Variable, destination: string, place: Variable, options: StepOptions = {}): Step {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  return move_mount.step(mountingPurpose(destination), [mount, '', place, '', flags], options);
}

/**
 * Attaches a mount below one of ours, where no image has a say: by path.
 * @param beneath what is done with its place before it is hidden
 */
export function attachInside(destination: string, mount: Variable, beneath: readonly Step[] = []): Step[] {
  return [
    mkdirat.step(`making ${destination}`, [AT_FDCWD, destination, 0o755]),
    ...beneath,
    move_mount.step(`mounting ${destination}`, [mount, '', AT_FDCWD, destination, MOVE_MOUNT_F_EMPTY_PATH]),
  ];
}
