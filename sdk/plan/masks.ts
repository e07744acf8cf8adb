/** Parts of /proc and /sys that a container must not see or must not write. */
import {
  AT_FDCWD,
  AT_RECURSIVE,
  AT_REMOVEDIR,
  label,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_BIND,
  MS_REC,
  mkdirat,
  mount,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  openat,
  type Step,
  unlinkat,
} from '../../syscalls/index.ts';
import type { Spec } from '../spec/spec.ts';
import { setAttributes } from './detached.ts';

/** Bound over directories: once removed, a directory stays empty, and costs no file system of its own. */
const EMPTY = '/dev/.masked';

/**
 * Hides and write-protects. Made while /dev is nothing but ours, so that what is bound over a file is the real
 * /dev/null (CVE-2025-31133), and before user mounts could put something else at these paths.
 */
export function maskPaths({ linux }: Spec): Step[] {
  return [
    mkdirat.step('making an empty directory', [AT_FDCWD, EMPTY, 0o555]),
    ...linux.maskedPaths.flatMap(mask),
    unlinkat.step('removing the empty directory', [AT_FDCWD, EMPTY, AT_REMOVEDIR]),
    ...linux.readonlyPaths.flatMap(protect),
  ];
}

/**
 * A path that this kernel lacks needs no mask. Whether it is a directory is asked first, and not found out by a mount
 * that fails: what that has attached is taken off again, and the kernel waits for an RCU grace period (0.1 ms).
 */
function mask(path: string): Step[] {
  const done = `masked ${path}`;
  const asFile = `mask file ${path}`;
  const purpose = `masking ${path}`;
  return [
    openat.step(purpose, [AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0], {
      onError: { ENOENT: done, ENOTDIR: asFile },
    }),
    mount.step(purpose, [EMPTY, path, null, MS_BIND, null], { next: done }),
    mount.step(purpose, ['/dev/null', path, null, MS_BIND, null], { label: asFile }),
    label(done),
  ];
}

function protect(path: string): Step[] {
  const done = `protected ${path}`;
  const attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  const purpose = `making ${path} read-only`;
  return [
    mount.step(purpose, [path, path, null, MS_BIND | MS_REC, null], { onError: { ENOENT: done } }),
    setAttributes(purpose, AT_FDCWD, path, attributes, AT_RECURSIVE),
    label(done),
  ];
}
