/** man 2 mount, umount2, pivot_root, chroot, and the mount API of file descriptors: man 2 fsopen, open_tree, mount_setattr. */
import { define } from './define.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, O_CLOEXEC } from './files.ts';
import type { Bytes, Path } from './memory.ts';
import { oneOf } from './names.ts';
import { struct } from './struct.ts';

// include/uapi/linux/mount.h
export const MS_RDONLY = 0x1;
export const MS_NOSUID = 0x2;
export const MS_NODEV = 0x4;
export const MS_NOEXEC = 0x8;
export const MS_SYNCHRONOUS = 0x10;
export const MS_REMOUNT = 0x20;
export const MS_MANDLOCK = 0x40;
export const MS_DIRSYNC = 0x80;
/** Linux 5.10. */
export const MS_NOSYMFOLLOW = 0x100;
export const MS_NOATIME = 0x400;
export const MS_NODIRATIME = 0x800;
export const MS_BIND = 0x1000;
export const MS_MOVE = 0x2000;
export const MS_REC = 0x4000;
export const MS_SILENT = 0x8000;
export const MS_POSIXACL = 0x1_0000;
export const MS_UNBINDABLE = 0x2_0000;
export const MS_PRIVATE = 0x4_0000;
export const MS_SLAVE = 0x8_0000;
export const MS_SHARED = 0x10_0000;
export const MS_RELATIME = 0x20_0000;
export const MS_I_VERSION = 0x80_0000;
export const MS_STRICTATIME = 0x100_0000;
export const MS_LAZYTIME = 0x200_0000;

export const OPEN_TREE_CLONE = 0x1;
export const OPEN_TREE_CLOEXEC = O_CLOEXEC;

export const MOVE_MOUNT_F_SYMLINKS = 0x1;
export const MOVE_MOUNT_F_AUTOMOUNTS = 0x2;
export const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
export const MOVE_MOUNT_T_SYMLINKS = 0x10;
export const MOVE_MOUNT_T_AUTOMOUNTS = 0x20;
export const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
/** Linux 5.15. */
export const MOVE_MOUNT_SET_GROUP = 0x100;
/** Linux 6.5. */
export const MOVE_MOUNT_BENEATH = 0x200;

export const FSOPEN_CLOEXEC = 0x1;
export const FSMOUNT_CLOEXEC = 0x1;

export const FSCONFIG_SET_FLAG = 0;
export const FSCONFIG_SET_STRING = 1;
export const FSCONFIG_SET_BINARY = 2;
export const FSCONFIG_SET_PATH = 3;
export const FSCONFIG_SET_PATH_EMPTY = 4;
export const FSCONFIG_SET_FD = 5;
export const FSCONFIG_CMD_CREATE = 6;
export const FSCONFIG_CMD_RECONFIGURE = 7;
/** Linux 6.6. */
export const FSCONFIG_CMD_CREATE_EXCL = 8;

export const MOUNT_ATTR_RDONLY = 0x1;
export const MOUNT_ATTR_NOSUID = 0x2;
export const MOUNT_ATTR_NODEV = 0x4;
export const MOUNT_ATTR_NOEXEC = 0x8;
/** The bits that one of RELATIME, NOATIME and STRICTATIME is chosen by; `attr_clr` takes all of them. */
export const MOUNT_ATTR__ATIME = 0x70;
export const MOUNT_ATTR_RELATIME = 0;
export const MOUNT_ATTR_NOATIME = 0x10;
export const MOUNT_ATTR_STRICTATIME = 0x20;
export const MOUNT_ATTR_NODIRATIME = 0x80;
export const MOUNT_ATTR_IDMAP = 0x10_0000;
/** Linux 5.14. */
export const MOUNT_ATTR_NOSYMFOLLOW = 0x20_0000;

// include/linux/fs.h (the kernel's own), sys/mount.h
export const MNT_FORCE = 0x1;
export const MNT_DETACH = 0x2;
export const MNT_EXPIRE = 0x4;
export const UMOUNT_NOFOLLOW = 0x8;

const MOUNT_FLAGS = {
  MS_RDONLY,
  MS_NOSUID,
  MS_NODEV,
  MS_NOEXEC,
  MS_SYNCHRONOUS,
  MS_REMOUNT,
  MS_MANDLOCK,
  MS_DIRSYNC,
  MS_NOSYMFOLLOW,
  MS_NOATIME,
  MS_NODIRATIME,
  MS_BIND,
  MS_MOVE,
  MS_REC,
  MS_SILENT,
  MS_POSIXACL,
  MS_UNBINDABLE,
  MS_PRIVATE,
  MS_SLAVE,
  MS_SHARED,
  MS_RELATIME,
  MS_I_VERSION,
  MS_STRICTATIME,
  MS_LAZYTIME,
};

const MOUNT_ATTRIBUTES = {
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR__ATIME,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_STRICTATIME,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NOSYMFOLLOW,
};

/** include/uapi/linux/mount.h. `propagation` is one of MS_SHARED, MS_SLAVE, MS_PRIVATE and MS_UNBINDABLE, or 0. */
export const MOUNT_ATTR = struct(
  'mount_attr',
  { attr_set: 'u64', attr_clr: 'u64', propagation: 'u64', userns_fd: 'u64' },
  { attr_set: MOUNT_ATTRIBUTES, attr_clr: MOUNT_ATTRIBUTES, propagation: MOUNT_FLAGS },
);

/**
 * Mounts, binds, moves or changes a mount, as `mountflags` say.
 *
 * man 2 mount. Needs CAP_SYS_ADMIN in the user namespace that owns the mount namespace. `data` is one page at
 * most: an overlay of many layers needs {@link fsconfig}.
 */
export const mount = define<
  [source: Path | null, target: Path, filesystemtype: string | null, mountflags: number, data: Path | null]
>(
  'int mount(const char *source, const char *target, const char *filesystemtype, unsigned long mountflags, const void *data)',
  { x64: 165, arm64: 40 },
  { mountflags: MOUNT_FLAGS },
);

/**
 * Unmounts; with MNT_DETACH at once out of sight, and for good when nothing uses it any more.
 *
 * man 2 umount2. Needs CAP_SYS_ADMIN.
 */
export const umount2 = define<[target: Path, flags: number]>(
  'int umount2(const char *target, int flags)',
  { x64: 166, arm64: 39 },
  { flags: { MNT_FORCE, MNT_DETACH, MNT_EXPIRE, UMOUNT_NOFOLLOW } },
);

/**
 * Makes `new_root` the root of the mount namespace and puts the old one at `put_old`. With `('.', '.')` the old
 * root lies on top of the new one, to be detached: no directory is needed for it (man 2 pivot_root, NOTES).
 *
 * Needs CAP_SYS_ADMIN. EINVAL when `new_root` is no mount point, or it or its parent mount is shared.
 */
export const pivot_root = define<[new_root: Path, put_old: Path]>(
  'int pivot_root(const char *new_root, const char *put_old)',
  { x64: 155, arm64: 41 },
);

/**
 * Makes `path` the root of the calling process's names. No boundary by itself: a descriptor from outside leads out.
 *
 * man 2 chroot. Needs CAP_SYS_CHROOT. In Node it changes every thread.
 */
export const chroot = define<[path: Path]>('int chroot(const char *path)', { x64: 161, arm64: 51 });

/**
 * Opens a file system of this kind to be configured: the first of fsopen, {@link fsconfig}…, {@link fsmount},
 * {@link move_mount}. Reading the descriptor gives the kernel's messages about what went wrong.
 *
 * man 2 fsopen. Linux 5.2. Needs CAP_SYS_ADMIN.
 */
export const fsopen = define<[fsname: string, flags: number]>(
  'int fsopen(const char *fsname, unsigned int flags)',
  430,
  { flags: { FSOPEN_CLOEXEC } },
);

/**
 * Sets one parameter of an opened file system, or creates it. `aux` is FSCONFIG_SET_FD's descriptor, and the
 * directory or the length with other commands.
 *
 * man 2 fsconfig. Linux 5.2; overlay's `lowerdir+` since 6.7.
 */
export const fsconfig = define<
  [fd: number, cmd: number, key: string | null, value: string | Bytes | null, aux: number]
>('int fsconfig(int fd, unsigned int cmd, const char *key, const void *value, int aux)', 431, {
  cmd: oneOf({
    FSCONFIG_SET_FLAG,
    FSCONFIG_SET_STRING,
    FSCONFIG_SET_BINARY,
    FSCONFIG_SET_PATH,
    FSCONFIG_SET_PATH_EMPTY,
    FSCONFIG_SET_FD,
    FSCONFIG_CMD_CREATE,
    FSCONFIG_CMD_RECONFIGURE,
    FSCONFIG_CMD_CREATE_EXCL,
  }),
});

/**
 * A mount of a created file system that has no place yet; returns its descriptor.
 *
 * man 2 fsmount. Linux 5.2.
 */
export const fsmount = define<[fsfd: number, flags: number, attr_flags: number]>(
  'int fsmount(int fsfd, unsigned int flags, unsigned int attr_flags)',
  432,
  { flags: { FSMOUNT_CLOEXEC }, attr_flags: MOUNT_ATTRIBUTES },
);

/**
 * A descriptor of the mount at a path; with OPEN_TREE_CLONE of a copy of it that has no place yet.
 *
 * man 2 open_tree. Linux 5.2. A copy needs CAP_SYS_ADMIN. The flags are OPEN_TREE_* and AT_*.
 */
export const open_tree = define<[dirfd: number, pathname: Path, flags: number]>(
  'int open_tree(int dirfd, const char *pathname, unsigned int flags)',
  428,
  {
    dirfd: oneOf({ AT_FDCWD }),
    flags: {
      OPEN_TREE_CLONE,
      OPEN_TREE_CLOEXEC,
      AT_EMPTY_PATH,
      AT_NO_AUTOMOUNT,
      AT_RECURSIVE,
      AT_SYMLINK_NOFOLLOW,
    },
  },
);

/**
 * Gives a mount its place, or another one. With MOVE_MOUNT_*_EMPTY_PATH both ends are descriptors, which no
 * renamed directory or symbolic link can lead astray.
 *
 * man 2 move_mount. Linux 5.2. Needs CAP_SYS_ADMIN.
 */
export const move_mount = define<
  [from_dirfd: number, from_pathname: Path, to_dirfd: number, to_pathname: Path, flags: number]
>(
  'int move_mount(int from_dirfd, const char *from_pathname, int to_dirfd, const char *to_pathname, unsigned int flags)',
  429,
  {
    from_dirfd: oneOf({ AT_FDCWD }),
    to_dirfd: oneOf({ AT_FDCWD }),
    flags: {
      MOVE_MOUNT_F_SYMLINKS,
      MOVE_MOUNT_F_AUTOMOUNTS,
      MOVE_MOUNT_F_EMPTY_PATH,
      MOVE_MOUNT_T_SYMLINKS,
      MOVE_MOUNT_T_AUTOMOUNTS,
      MOVE_MOUNT_T_EMPTY_PATH,
      MOVE_MOUNT_SET_GROUP,
      MOVE_MOUNT_BENEATH,
    },
  },
);

/**
 * Changes the attributes of a mount, and with AT_RECURSIVE of all below it, or of none when one refuses.
 *
 * man 2 mount_setattr. Linux 5.12. Needs CAP_SYS_ADMIN; MOUNT_ATTR_IDMAP also in the file system's user namespace.
 */
export const mount_setattr = define<[dirfd: number, pathname: Path, flags: number, attr: Bytes, size: number]>(
  'int mount_setattr(int dirfd, const char *pathname, unsigned int flags, struct mount_attr *attr, size_t size)',
  442,
  {
    dirfd: oneOf({ AT_FDCWD }),
    flags: { AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW },
  },
);
