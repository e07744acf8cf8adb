/** What forbids user namespaces, and what to set instead: for errors, and for the probe. */
import { readFileSync } from 'node:fs';
import { hasCode } from '../../syscalls/index.ts';

/** A setting of a machine that forbids ordinary users what containers need. */
export interface Restriction {
  readonly file: string;
  /** What the file says when it forbids it. */
  readonly forbidden: RegExp;
  /** What it is called, and does. */
  readonly what: string;
  /** What to do about it. */
  readonly remedy: string;
  /** Whether it stops root, too. */
  readonly stopsRoot: boolean;
}

/** Settings that forbid user namespaces. */
const RESTRICTIONS: readonly Restriction[] = [
  {
    // Debian's and Arch's own.
    file: '/proc/sys/kernel/unprivileged_userns_clone',
    forbidden: /^0/,
    what: 'sysctl kernel.unprivileged_userns_clone is 0',
    remedy: 'set sysctl kernel.unprivileged_userns_clone=1, or run as root',
    stopsRoot: false,
  },
  {
    file: '/proc/sys/user/max_user_namespaces',
    forbidden: /^0$/m,
    what: 'sysctl user.max_user_namespaces is 0',
    remedy: 'set sysctl user.max_user_namespaces=15000, or run as root',
    stopsRoot: true,
  },
  {
    // Ubuntu's own, from 23.10 on.
    file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    forbidden: /^1/,
    what: 'AppArmor takes all rights away in user namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns is 1)',
    remedy:
      'set sysctl kernel.apparmor_restrict_unprivileged_userns=0 (or give node an AppArmor profile with "userns,"), or run as root',
    stopsRoot: false,
  },
];

/** What to do when none of the {@link RESTRICTIONS} holds. */
export const OUTER_RESTRICTION =
  'a seccomp filter or LSM of an outer container may forbid them; Docker needs --security-opt seccomp=unconfined';

/** What to do when the kernel refuses an overlay. */
export const OVERLAY_REMEDY =
  "overlayfs keeps changes on a local file system with xattrs (ext4, xfs, btrfs, tmpfs), not on overlayfs or NFS: set CAISSON_ROOT or { upper: 'tmpfs' }; in a user namespace it needs Linux 5.11";

/**
 * The setting that forbids user namespaces. Pure but for `read`.
 * @param read gives the text of a file, '' when it is not there
 */
export function findRestriction(
  isRoot: boolean,
  read: (file: string) => string = readSetting,
): Restriction | undefined {
  return RESTRICTIONS.find(({ file, forbidden, stopsRoot }) => (stopsRoot || !isRoot) && forbidden.test(read(file)));
}

/** The text of a file of /proc or /sys; '' when this kernel has none, or shows none to this user. */
export function readSetting(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EINVAL', 'EIO')) return '';
    throw error;
  }
}
