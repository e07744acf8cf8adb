/**
 * man 2 getxattr, setxattr, listxattr, removexattr: extended attributes. `l…` does not follow a symbolic link at
 * the end of the path, `f…` takes a descriptor. A `size` of 0 asks how many bytes there are.
 *
 * `security.*` and `trusted.*` need CAP_SYS_ADMIN (`security.capability` CAP_SETFCAP); `user.*` exist on files
 * and directories only (man 7 xattr).
 */
import { define } from './define.ts';
import type { Path } from './memory.ts';

// include/uapi/linux/xattr.h
export const XATTR_CREATE = 0x1;
export const XATTR_REPLACE = 0x2;

// include/uapi/linux/limits.h, in bytes
export const XATTR_NAME_MAX = 255;
export const XATTR_SIZE_MAX = 65_536;
export const XATTR_LIST_MAX = 65_536;

const FLAGS = { flags: { XATTR_CREATE, XATTR_REPLACE } };

type GetArguments<Target> = [target: Target, name: string, value: Uint8Array | null, size: number];
type SetArguments<Target> = [target: Target, name: string, value: Uint8Array, size: number, flags: number];
type ListArguments<Target> = [target: Target, list: Uint8Array | null, size: number];
type RemoveArguments<Target> = [target: Target, name: string];

/** Reads an attribute of the file a path leads to; returns its length in bytes. man 2 getxattr. */
export const getxattr = define<GetArguments<Path>>(
  'ssize_t getxattr(const char *path, const char *name, void *value, size_t size)',
  { x64: 191, arm64: 8 },
);

/** Reads an attribute of what is at a path, a symbolic link too. man 2 lgetxattr. */
export const lgetxattr = define<GetArguments<Path>>(
  'ssize_t lgetxattr(const char *path, const char *name, void *value, size_t size)',
  { x64: 192, arm64: 9 },
);

/** Reads an attribute of an open file. EBADF for O_PATH descriptors. man 2 fgetxattr. */
export const fgetxattr = define<GetArguments<number>>(
  'ssize_t fgetxattr(int fd, const char *name, void *value, size_t size)',
  { x64: 193, arm64: 10 },
);

/** Sets an attribute of the file a path leads to. man 2 setxattr. */
export const setxattr = define<SetArguments<Path>>(
  'int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)',
  { x64: 188, arm64: 5 },
  FLAGS,
);

/** Sets an attribute of what is at a path, a symbolic link too. man 2 lsetxattr. */
export const lsetxattr = define<SetArguments<Path>>(
  'int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)',
  { x64: 189, arm64: 6 },
  FLAGS,
);

/** Sets an attribute of an open file. EBADF for O_PATH descriptors. man 2 fsetxattr. */
export const fsetxattr = define<SetArguments<number>>(
  'int fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)',
  { x64: 190, arm64: 7 },
  FLAGS,
);

/** Lists the names of the attributes, each with a NUL behind it; returns the length in bytes. man 2 listxattr. */
export const listxattr = define<ListArguments<Path>>('ssize_t listxattr(const char *path, char *list, size_t size)', {
  x64: 194,
  arm64: 11,
});

/** {@link listxattr} of what is at a path, a symbolic link too. man 2 llistxattr. */
export const llistxattr = define<ListArguments<Path>>('ssize_t llistxattr(const char *path, char *list, size_t size)', {
  x64: 195,
  arm64: 12,
});

/** {@link listxattr} of an open file. man 2 flistxattr. */
export const flistxattr = define<ListArguments<number>>('ssize_t flistxattr(int fd, char *list, size_t size)', {
  x64: 196,
  arm64: 13,
});

/** Removes an attribute of the file a path leads to; ENODATA when it has none of that name. man 2 removexattr. */
export const removexattr = define<RemoveArguments<Path>>('int removexattr(const char *path, const char *name)', {
  x64: 197,
  arm64: 14,
});

/** Removes an attribute of what is at a path, a symbolic link too. man 2 lremovexattr. */
export const lremovexattr = define<RemoveArguments<Path>>('int lremovexattr(const char *path, const char *name)', {
  x64: 198,
  arm64: 15,
});

/** Removes an attribute of an open file. man 2 fremovexattr. */
export const fremovexattr = define<RemoveArguments<number>>('int fremovexattr(int fd, const char *name)', {
  x64: 199,
  arm64: 16,
});
