/** man 2 open, openat2, read, write, fcntl, flock, pipe, mknod, rename, statfs, ioctl …: files and descriptors. */
import { constants } from 'node:fs';
import { define } from './define.ts';
import type { Bytes, Path } from './memory.ts';
import { oneOf } from './names.ts';
import { NS_GET_NSTYPE, NS_GET_OWNER_UID, NS_GET_PARENT, NS_GET_USERNS } from './namespaces.ts';
import { SIOCGIFFLAGS, SIOCSIFFLAGS } from './sockets.ts';
import { struct } from './struct.ts';
import { TERMINAL_OPERATIONS } from './terminal.ts';

// include/uapi/asm-generic/fcntl.h
export const O_ACCMODE = 0o3;
export const O_RDONLY = 0o0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NOCTTY = 0o400;
export const O_TRUNC = 0o1000;
export const O_APPEND = 0o2000;
export const O_NONBLOCK = 0o4000;
export const O_DSYNC = 0o1_0000;
export const O_NOATIME = 0o100_0000;
export const O_CLOEXEC = 0o200_0000;
export const O_SYNC = 0o401_0000;
export const O_PATH = 0o1000_0000;
// These differ between x86-64 and arm64: they are the running machine's, which is the one a plan is for.
export const { O_DIRECT, O_DIRECTORY, O_NOFOLLOW } = constants;
export const O_TMPFILE = 0o2000_0000 | O_DIRECTORY;

export const FD_CLOEXEC = 1;
export const F_DUPFD = 0;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_GETLK = 5;
export const F_SETLK = 6;
export const F_SETLKW = 7;
export const F_OFD_GETLK = 36;
export const F_OFD_SETLK = 37;
export const F_OFD_SETLKW = 38;

export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;

// include/uapi/linux/fcntl.h
export const F_DUPFD_CLOEXEC = 1030;
export const F_SETPIPE_SZ = 1031;
export const F_GETPIPE_SZ = 1032;
export const F_ADD_SEALS = 1033;
export const F_GET_SEALS = 1034;

export const F_SEAL_SEAL = 0x1;
export const F_SEAL_SHRINK = 0x2;
export const F_SEAL_GROW = 0x4;
export const F_SEAL_WRITE = 0x8;
export const F_SEAL_FUTURE_WRITE = 0x10;
/** Linux 6.3. */
export const F_SEAL_EXEC = 0x20;

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_REMOVEDIR = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_NO_AUTOMOUNT = 0x800;
/** For {@link faccessat2}: the same bit as AT_REMOVEDIR. */
export const AT_EACCESS = 0x200;
export const AT_EMPTY_PATH = 0x1000;
export const AT_RECURSIVE = 0x8000;

// include/uapi/linux/openat2.h
export const RESOLVE_NO_XDEV = 0x1;
export const RESOLVE_NO_MAGICLINKS = 0x2;
export const RESOLVE_NO_SYMLINKS = 0x4;
export const RESOLVE_BENEATH = 0x8;
export const RESOLVE_IN_ROOT = 0x10;
/** Linux 5.12. */
export const RESOLVE_CACHED = 0x20;

// include/uapi/linux/close_range.h
export const CLOSE_RANGE_UNSHARE = 0x2;
/** Linux 5.11. */
export const CLOSE_RANGE_CLOEXEC = 0x4;

// include/uapi/linux/memfd.h
export const MFD_CLOEXEC = 0x1;
export const MFD_ALLOW_SEALING = 0x2;
export const MFD_HUGETLB = 0x4;
/** Linux 6.3. */
export const MFD_NOEXEC_SEAL = 0x8;
/** Linux 6.3. With `vm.memfd_noexec` set, a memfd is executable only when it asks to be. */
export const MFD_EXEC = 0x10;

// include/uapi/linux/fs.h
/** _IOW(0x94, 9, int): makes a file share all its data with another. */
export const FICLONE = 0x4004_9409;
/** _IOR('f', 1, long): reads the flags of a file, an `int` of FS_*_FL. man 2 ioctl_iflags. */
export const FS_IOC_GETFLAGS = 0x8008_6601;
/** _IOW('f', 2, long): sets them. */
export const FS_IOC_SETFLAGS = 0x4008_6602;
/** A directory whose directories are to lie apart from each other: ext4. man 1 chattr, T. */
export const FS_TOPDIR_FL = 0x2_0000;
export const RENAME_NOREPLACE = 0x1;
export const RENAME_EXCHANGE = 0x2;
export const RENAME_WHITEOUT = 0x4;
export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;

// include/uapi/linux/stat.h
export const S_IFMT = 0o17_0000;
export const S_IFSOCK = 0o14_0000;
export const S_IFLNK = 0o12_0000;
export const S_IFREG = 0o10_0000;
export const S_IFBLK = 0o6_0000;
export const S_IFDIR = 0o4_0000;
export const S_IFCHR = 0o2_0000;
export const S_IFIFO = 0o1_0000;
export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISVTX = 0o1000;
/** For {@link TIMESPEC}'s `tv_nsec`. */
export const UTIME_NOW = 0x3fff_ffff;
export const UTIME_OMIT = 0x3fff_fffe;

// include/uapi/asm-generic/poll.h
export const POLLIN = 0x1;
export const POLLPRI = 0x2;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
export const POLLRDHUP = 0x2000;

// include/uapi/linux/magic.h: what statfs(2) tells a file system's kind by
export const BTRFS_SUPER_MAGIC = 0x9123_683e;
export const CGROUP_SUPER_MAGIC = 0x27_e0eb;
export const CGROUP2_SUPER_MAGIC = 0x6367_7270;
export const DEVPTS_SUPER_MAGIC = 0x1cd1;
export const EXT4_SUPER_MAGIC = 0xef53;
export const FUSE_SUPER_MAGIC = 0x6573_5546;
export const NFS_SUPER_MAGIC = 0x6969;
export const NSFS_MAGIC = 0x6e73_6673;
export const OVERLAYFS_SUPER_MAGIC = 0x794c_7630;
export const PROC_SUPER_MAGIC = 0x9fa0;
export const SYSFS_MAGIC = 0x6265_6572;
export const TMPFS_MAGIC = 0x0102_1994;
export const XFS_SUPER_MAGIC = 0x5846_5342;

// include/linux/statfs.h (the kernel's own), sys/statvfs.h: `f_flags` of statfs(2)
export const ST_RDONLY = 0x1;
export const ST_NOSUID = 0x2;
export const ST_NODEV = 0x4;
export const ST_NOEXEC = 0x8;
export const ST_NOATIME = 0x400;
export const ST_NODIRATIME = 0x800;
export const ST_RELATIME = 0x1000;
/** Linux 5.10. */
export const ST_NOSYMFOLLOW = 0x2000;

const OPEN_FLAGS = {
  O_RDONLY,
  O_TMPFILE,
  O_SYNC,
  O_WRONLY,
  O_RDWR,
  O_CREAT,
  O_EXCL,
  O_NOCTTY,
  O_TRUNC,
  O_APPEND,
  O_NONBLOCK,
  O_DSYNC,
  O_NOATIME,
  O_CLOEXEC,
  O_PATH,
  O_DIRECT,
  O_DIRECTORY,
  O_NOFOLLOW,
};
const RESOLVE_FLAGS = {
  RESOLVE_NO_XDEV,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_CACHED,
};
const FILE_TYPES = { S_IFSOCK, S_IFLNK, S_IFBLK, S_IFREG, S_IFDIR, S_IFCHR, S_IFIFO, S_ISUID, S_ISGID, S_ISVTX };
const POLL_EVENTS = { POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLNVAL, POLLRDHUP };
const DIRECTORY = oneOf({ AT_FDCWD });

/** include/uapi/linux/openat2.h. */
export const OPEN_HOW = struct(
  'open_how',
  { flags: 'u64', mode: 'u64', resolve: 'u64' },
  { flags: OPEN_FLAGS, resolve: RESOLVE_FLAGS },
);

/** include/uapi/asm-generic/statfs.h. Sizes are in blocks of `f_bsize` bytes; `f_flags` are ST_*. */
export const STATFS = struct('statfs', {
  f_type: 'i64',
  f_bsize: 'i64',
  f_blocks: 'i64',
  f_bfree: 'i64',
  f_bavail: 'i64',
  f_files: 'i64',
  f_ffree: 'i64',
  f_fsid: 'u8[8]',
  f_namelen: 'i64',
  f_frsize: 'i64',
  f_flags: 'i64',
  f_spare: 'u8[32]',
});

/** include/uapi/linux/time_types.h, `struct __kernel_timespec`. */
export const TIMESPEC = struct('timespec', { tv_sec: 'i64', tv_nsec: 'i64' });

/** include/uapi/asm-generic/poll.h. */
export const POLLFD = struct(
  'pollfd',
  { fd: 'i32', events: 'i16', revents: 'i16' },
  { events: POLL_EVENTS, revents: POLL_EVENTS },
);

/**
 * The number of a device, as {@link mknodat} takes it.
 *
 * include/linux/kdev_t.h, `new_encode_dev`. A major number has 12 bits, a minor one 20.
 */
export function makedev(major: number, minor: number): number {
  const fits = (value: number, max: number) => Number.isInteger(value) && value >= 0 && value <= max;
  if (!fits(major, 0xfff)) throw new TypeError(`the major number of a device must be from 0 to 4095, got ${major}`);
  if (!fits(minor, 0xf_ffff))
    throw new TypeError(`the minor number of a device must be from 0 to 1048575, got ${minor}`);
  return (((minor & 0xfff00) << 12) | (major << 8) | (minor & 0xff)) >>> 0;
}

/** Opens a file; returns its descriptor, which the caller closes. man 2 openat. `mode` is for files it makes. */
export const openat = define<[dirfd: number, pathname: Path, flags: number, mode: number]>(
  'int openat(int dirfd, const char *pathname, int flags, mode_t mode)',
  { x64: 257, arm64: 56 },
  { dirfd: DIRECTORY, flags: OPEN_FLAGS },
);

/**
 * Opens a file under rules for its path: RESOLVE_IN_ROOT and RESOLVE_BENEATH keep it below `dirfd` whatever
 * symbolic links say, and while others rename directories. `how` is an {@link OPEN_HOW}.
 *
 * man 2 openat2. Linux 5.6. EAGAIN when a rename raced with it: try again.
 */
export const openat2 = define<[dirfd: number, pathname: Path, how: Bytes, size: number]>(
  'long openat2(int dirfd, const char *pathname, struct open_how *how, size_t size)',
  437,
  { dirfd: DIRECTORY },
);

/** Closes a descriptor. It is closed after an error, too. man 2 close. */
export const close = define<[fd: number]>('int close(int fd)', { x64: 3, arm64: 57 });

/** Closes, or marks close-on-exec, the descriptors from `first` to `last`. man 2 close_range. Linux 5.9. */
export const close_range = define<[first: number, last: number, flags: number]>(
  'int close_range(unsigned int first, unsigned int last, int flags)',
  436,
  { flags: { CLOSE_RANGE_UNSHARE, CLOSE_RANGE_CLOEXEC } },
);

/** Reads into `buf`; returns how many bytes, 0 at the end. Blocks the thread where the descriptor does. man 2 read. */
export const read = define<[fd: number, buf: Bytes, count: number]>('ssize_t read(int fd, void *buf, size_t count)', {
  x64: 0,
  arm64: 63,
});

/** Writes from `buf`; returns how many bytes, which may be fewer. Text is written as UTF-8. man 2 write. */
export const write = define<[fd: number, buf: Bytes | string, count: number]>(
  'ssize_t write(int fd, const void *buf, size_t count)',
  { x64: 1, arm64: 64 },
);

/** Writes `iovcnt` buffers, an array of IOVEC, as one. man 2 writev. */
export const writev = define<[fd: number, iov: Bytes, iovcnt: number]>(
  'ssize_t writev(int fd, const struct iovec *iov, int iovcnt)',
  { x64: 20, arm64: 66 },
);

/** Reads at an offset, and leaves the file's own as it is. man 2 pread64. */
export const pread64 = define<[fd: number, buf: Bytes, count: number, offset: number | bigint]>(
  'ssize_t pread64(int fd, void *buf, size_t count, off_t offset)',
  { x64: 17, arm64: 67 },
);

/** Writes at an offset, and leaves the file's own as it is. man 2 pwrite64. */
export const pwrite64 = define<[fd: number, buf: Bytes | string, count: number, offset: number | bigint]>(
  'ssize_t pwrite64(int fd, const void *buf, size_t count, off_t offset)',
  { x64: 18, arm64: 68 },
);

/** Moves a file's offset, or (SEEK_DATA, SEEK_HOLE) finds where the next data or hole is. man 2 lseek. */
export const lseek = define<[fd: number, offset: number | bigint, whence: number]>(
  'off_t lseek(int fd, off_t offset, int whence)',
  { x64: 8, arm64: 62 },
  { whence: oneOf({ SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE }) },
);

/**
 * Copies from one file to another within the kernel; a file system may share the data. Returns how many bytes, 0 at the
 * end. The offsets are pointers to 64-bit integers that are advanced; with NULL, the files' own are.
 *
 * man 2 copy_file_range. EXDEV, EINVAL or EOPNOTSUPP where the file systems cannot.
 */
export const copy_file_range = define<
  [fd_in: number, off_in: Bytes | null, fd_out: number, off_out: Bytes | null, len: number, flags: number]
>('ssize_t copy_file_range(int fd_in, off_t *off_in, int fd_out, off_t *off_out, size_t len, unsigned int flags)', {
  x64: 326,
  arm64: 285,
});

/** Makes `newfd` a copy of `oldfd`, without close-on-exec unless `flags` is O_CLOEXEC. EINVAL when they are one. man 2 dup3. */
export const dup3 = define<[oldfd: number, newfd: number, flags: number]>(
  'int dup3(int oldfd, int newfd, int flags)',
  { x64: 292, arm64: 24 },
  { flags: { O_CLOEXEC } },
);

/** Operates on a descriptor: flags, copies, locks, seals, the size of a pipe. man 2 fcntl. */
export const fcntl = define<[fd: number, cmd: number, arg: number | Bytes]>(
  'int fcntl(int fd, int cmd, unsigned long arg)',
  { x64: 72, arm64: 25 },
  {
    cmd: oneOf({
      F_DUPFD,
      F_GETFD,
      F_SETFD,
      F_GETFL,
      F_SETFL,
      F_GETLK,
      F_SETLK,
      F_SETLKW,
      F_OFD_GETLK,
      F_OFD_SETLK,
      F_OFD_SETLKW,
      F_DUPFD_CLOEXEC,
      F_SETPIPE_SZ,
      F_GETPIPE_SZ,
      F_ADD_SEALS,
      F_GET_SEALS,
    }),
  },
);

/** Makes a pipe; writes the descriptors of its reading and its writing end, two 32-bit integers. man 2 pipe2. */
export const pipe2 = define<[pipefd: Bytes, flags: number]>(
  'int pipe2(int pipefd[2], int flags)',
  { x64: 293, arm64: 59 },
  { flags: { O_CLOEXEC, O_NONBLOCK, O_DIRECT } },
);

/** Makes a directory, with `mode` less the umask. man 2 mkdirat. */
export const mkdirat = define<[dirfd: number, pathname: Path, mode: number]>(
  'int mkdirat(int dirfd, const char *pathname, mode_t mode)',
  { x64: 258, arm64: 34 },
  { dirfd: DIRECTORY },
);

/**
 * Makes a file, FIFO, socket or device node; `dev` is a {@link makedev}.
 *
 * man 2 mknodat. Devices need CAP_MKNOD in the initial user namespace (a 0:0 character device, overlay's
 * whiteout, needs nothing since Linux 5.8).
 */
export const mknodat = define<[dirfd: number, pathname: Path, mode: number, dev: number]>(
  'int mknodat(int dirfd, const char *pathname, mode_t mode, dev_t dev)',
  { x64: 259, arm64: 33 },
  { dirfd: DIRECTORY, mode: FILE_TYPES },
);

/** Makes a symbolic link at `linkpath` that says `target`. man 2 symlinkat. */
export const symlinkat = define<[target: Path, newdirfd: number, linkpath: Path]>(
  'int symlinkat(const char *target, int newdirfd, const char *linkpath)',
  { x64: 266, arm64: 36 },
  { newdirfd: DIRECTORY },
);

/** Reads a symbolic link into `buf`, without a NUL; returns the length. It fills `buf` when it was cut. man 2 readlinkat. */
export const readlinkat = define<[dirfd: number, pathname: Path, buf: Bytes, bufsiz: number]>(
  'ssize_t readlinkat(int dirfd, const char *pathname, char *buf, size_t bufsiz)',
  { x64: 267, arm64: 78 },
  { dirfd: DIRECTORY },
);

/**
 * Reads entries of an open directory into `dirp`, `struct linux_dirent64`s one behind the other; returns how many
 * bytes, 0 at the end. man 2 getdents64.
 */
export const getdents64 = define<[fd: number, dirp: Bytes, count: number]>(
  'ssize_t getdents64(int fd, void *dirp, size_t count)',
  { x64: 217, arm64: 61 },
);

/** Whether the process may use a file so (`mode` is R_OK, W_OK, X_OK or F_OK); EACCES when not. man 2 faccessat2. Linux 5.8. */
export const faccessat2 = define<[dirfd: number, pathname: Path, mode: number, flags: number]>(
  'int faccessat2(int dirfd, const char *pathname, int mode, int flags)',
  439,
  { dirfd: DIRECTORY, flags: { AT_EACCESS, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } },
);

/** Removes a name, or with AT_REMOVEDIR an empty directory. man 2 unlinkat. */
export const unlinkat = define<[dirfd: number, pathname: Path, flags: number]>(
  'int unlinkat(int dirfd, const char *pathname, int flags)',
  { x64: 263, arm64: 35 },
  { dirfd: DIRECTORY, flags: { AT_REMOVEDIR } },
);

/** Gives a file another name; with AT_EMPTY_PATH (CAP_DAC_READ_SEARCH) the file of `olddirfd`. man 2 linkat. */
export const linkat = define<[olddirfd: number, oldpath: Path, newdirfd: number, newpath: Path, flags: number]>(
  'int linkat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, int flags)',
  { x64: 265, arm64: 37 },
  { olddirfd: DIRECTORY, newdirfd: DIRECTORY, flags: { AT_EMPTY_PATH, AT_SYMLINK_FOLLOW } },
);

/** Renames; RENAME_NOREPLACE keeps what is there (EEXIST), RENAME_EXCHANGE swaps. man 2 renameat2. */
export const renameat2 = define<[olddirfd: number, oldpath: Path, newdirfd: number, newpath: Path, flags: number]>(
  'int renameat2(int olddirfd, const char *oldpath, int newdirfd, const char *newpath, unsigned int flags)',
  { x64: 316, arm64: 276 },
  {
    olddirfd: DIRECTORY,
    newdirfd: DIRECTORY,
    flags: { RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT },
  },
);

/** Sets the mode of an open file. man 2 fchmod. */
export const fchmod = define<[fd: number, mode: number]>('int fchmod(int fd, mode_t mode)', { x64: 91, arm64: 52 });

/** Sets the mode of the file a path leads to. The kernel's call has no flags: it follows symbolic links. man 2 fchmodat. */
export const fchmodat = define<[dirfd: number, pathname: Path, mode: number]>(
  'int fchmodat(int dirfd, const char *pathname, mode_t mode)',
  { x64: 268, arm64: 53 },
  { dirfd: DIRECTORY },
);

/**
 * Sets the owner and group; 0xffff_ffff leaves one as it is. Clears set-user-ID and file capabilities.
 *
 * man 2 fchownat. Giving files away needs CAP_CHOWN.
 */
export const fchownat = define<[dirfd: number, pathname: Path, owner: number, group: number, flags: number]>(
  'int fchownat(int dirfd, const char *pathname, uid_t owner, gid_t group, int flags)',
  { x64: 260, arm64: 54 },
  { dirfd: DIRECTORY, flags: { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } },
);

/** Sets access and modification time, two {@link TIMESPEC}s, or now for NULL. man 2 utimensat. */
export const utimensat = define<[dirfd: number, pathname: Path | null, times: Bytes | null, flags: number]>(
  'int utimensat(int dirfd, const char *pathname, const struct timespec times[2], int flags)',
  { x64: 280, arm64: 88 },
  { dirfd: DIRECTORY, flags: { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } },
);

/** Changes the working directory; of every thread, unless `unshare(CLONE_FS)` came before. man 2 chdir. */
export const chdir = define<[path: Path]>('int chdir(const char *path)', { x64: 80, arm64: 49 });

/** {@link chdir} to an open directory. man 2 fchdir. */
export const fchdir = define<[fd: number]>('int fchdir(int fd)', { x64: 81, arm64: 50 });

/**
 * Writes the working directory and a NUL into `buf`; returns the length with the NUL. Outside of the root it
 * begins with `(unreachable)`. man 2 getcwd.
 */
export const getcwd = define<[buf: Bytes, size: number]>('long getcwd(char *buf, size_t size)', { x64: 79, arm64: 17 });

/** Sets which mode bits new files lack; returns what it was. Cannot fail. man 2 umask. */
export const umask = define<[mask: number]>('mode_t umask(mode_t mask)', { x64: 95, arm64: 166 });

/**
 * Locks a file against others who lock it, until every copy of the descriptor is closed: the kernel releases it
 * when the process dies. Waits, and the thread with it, unless LOCK_NB is given: EWOULDBLOCK then.
 *
 * man 2 flock.
 */
export const flock = define<[fd: number, operation: number]>(
  'int flock(int fd, int operation)',
  { x64: 73, arm64: 32 },
  { operation: { LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN } },
);

/** What file system a path is on: a {@link STATFS}. man 2 statfs. */
export const statfs = define<[path: Path, buf: Bytes]>('int statfs(const char *path, struct statfs *buf)', {
  x64: 137,
  arm64: 43,
});

/** What file system an open file is on: a {@link STATFS}. man 2 fstatfs. */
export const fstatfs = define<[fd: number, buf: Bytes]>('int fstatfs(int fd, struct statfs *buf)', {
  x64: 138,
  arm64: 44,
});

/** Operates on a device, terminal, socket or namespace. An `argp` that is an integer is given as a bigint. man 2 ioctl. */
export const ioctl = define<[fd: number, op: number, argp: Bytes | bigint | null]>(
  'int ioctl(int fd, unsigned long op, void *argp)',
  { x64: 16, arm64: 29 },
  {
    op: oneOf({
      ...TERMINAL_OPERATIONS,
      FICLONE,
      FS_IOC_GETFLAGS,
      FS_IOC_SETFLAGS,
      NS_GET_USERNS,
      NS_GET_PARENT,
      NS_GET_NSTYPE,
      NS_GET_OWNER_UID,
      SIOCGIFFLAGS,
      SIOCSIFFLAGS,
    }),
  },
);

/** Cuts or extends (with a hole) a file to `length` bytes. man 2 ftruncate. */
export const ftruncate = define<[fd: number, length: number | bigint]>('int ftruncate(int fd, off_t length)', {
  x64: 77,
  arm64: 46,
});

/** Returns when a file's content and metadata are on disk. man 2 fsync. */
export const fsync = define<[fd: number]>('int fsync(int fd)', { x64: 74, arm64: 82 });

/** Returns when everything written to the file system of `fd` is on disk. man 2 syncfs. */
export const syncfs = define<[fd: number]>('int syncfs(int fd)', { x64: 306, arm64: 267 });

/** A file that has no name and lives in memory; `name` shows in /proc/PID/fd. man 2 memfd_create. */
export const memfd_create = define<[name: string, flags: number]>(
  'int memfd_create(const char *name, unsigned int flags)',
  { x64: 319, arm64: 279 },
  { flags: { MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_HUGETLB, MFD_NOEXEC_SEAL, MFD_EXEC } },
);

/**
 * Waits until a descriptor is ready, a signal that `sigmask` lets through, or `tmo_p` has passed; returns how
 * many are ready. `fds` is an array of {@link POLLFD}. The thread waits. man 2 ppoll.
 */
export const ppoll = define<
  [fds: Bytes, nfds: number, tmo_p: Bytes | null, sigmask: Uint8Array | null, sigsetsize: number]
>('int ppoll(struct pollfd *fds, nfds_t nfds, struct timespec *tmo_p, const sigset_t *sigmask, size_t sigsetsize)', {
  x64: 271,
  arm64: 73,
});
