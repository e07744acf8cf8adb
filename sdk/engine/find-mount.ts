/** Where a mount of a running container is: links lead there, and whoever is in the container may have changed them. */
import { fstatSync, readFileSync } from 'node:fs';
import { callAsOwner } from '../../store/index.ts';
import {
  AT_FDCWD,
  close,
  hasCode,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW,
  openat,
  openat2,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../syscalls/index.ts';
import { plainPath } from '../spec/mounts.ts';
import type { Spec, SpecMount } from '../spec/spec.ts';
import { type MountInfo, parseMountInfo } from './mount-info.ts';

/**
 * Where one of a container's mounts is, as a path without links. Where links lead to it, all other mounts must be where
 * they were made, and what is found must be none of them: no link has us take a mount for another.
 *
 * @param pid the container's first process
 * @returns undefined where its path leads to no mount, or to another
 */
export function findMountPoint(spec: Spec, pid: number, wanted: SpecMount): string | undefined {
  const target = plainPath(wanted.destination);
  const root = openat(AT_FDCWD, `/proc/${pid}/root`, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  try {
    if (lookAt(root, target, RESOLVE_NO_SYMLINKS) !== undefined) return target;
    const mounts = parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'latin1'));
    const mountAt = (path: string) => mountRootAt(root, path, mounts);
    const found = mountAt(target);
    if (found === undefined || isOurs(found, spec) || !isOfType(found, wanted)) return undefined;
    const others = spec.mounts.filter(isAsked).map(({ destination }) => plainPath(destination));
    const places = others.filter((path) => path !== target).map(mountAt);
    return places.every((other) => other !== undefined && other.id !== found.id) ? found.point : undefined;
  } finally {
    close(root);
  }
}

function isAsked({ standard }: SpecMount): boolean {
  return standard !== true;
}

/** What every container has keeps things from it. All of that is at paths that cannot be moved. */
function isOurs({ point }: MountInfo, { mounts, root }: Spec): boolean {
  const standard = mounts.filter((each) => !isAsked(each)).map(({ destination }) => destination);
  const ours = ['/dev', ...standard, ...root.views.map((view) => view.target)];
  return point === '/' || ours.includes(point) || /^\/(proc|sys|dev)\//.test(point);
}

function isOfType(found: MountInfo, { type }: SpecMount): boolean {
  if (type === 'bind') return true;
  return found.type === (type === 'file' ? 'tmpfs' : type);
}

/** The mount whose root a path leads to, inside the container. */
function mountRootAt(root: number, path: string, mounts: readonly MountInfo[]): MountInfo | undefined {
  const seen = lookAt(root, path, 0);
  const mount = mounts.find(({ id }) => id === seen?.mount);
  const top = mount && lookAt(root, mount.point, RESOLVE_NO_SYMLINKS);
  return top?.mount === seen?.mount && top?.inode === seen?.inode ? mount : undefined;
}

/** What is at a path: on which mount, and which inode. */
function lookAt(root: number, path: string, resolve: number): { mount: number; inode: bigint } | undefined {
  const rules = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve;
  const how = OPEN_HOW.encode({ flags: O_PATH | O_CLOEXEC, resolve: rules });
  let place: number;
  try {
    place = callAsOwner(openat2, root, path, how, OPEN_HOW.size);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES')) return undefined;
    throw error;
  }
  try {
    const mount = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${place}`, 'latin1'))?.[1];
    return { mount: Number(mount), inode: fstatSync(place, { bigint: true }).ino };
  } finally {
    close(place);
  }
}
