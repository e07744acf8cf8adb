/** man 2 clone, clone3, unshare, setns, ioctl_ns: making and entering namespaces. */
import { define } from './define.ts';
import type { Bytes } from './memory.ts';
import { struct } from './struct.ts';

// include/uapi/linux/sched.h
export const CLONE_NEWTIME = 0x80;
export const CLONE_VM = 0x100;
export const CLONE_FS = 0x200;
export const CLONE_FILES = 0x400;
export const CLONE_SIGHAND = 0x800;
export const CLONE_PIDFD = 0x1000;
export const CLONE_VFORK = 0x4000;
export const CLONE_PARENT = 0x8000;
export const CLONE_THREAD = 0x1_0000;
export const CLONE_NEWNS = 0x2_0000;
export const CLONE_SYSVSEM = 0x4_0000;
export const CLONE_PARENT_SETTID = 0x10_0000;
export const CLONE_CHILD_CLEARTID = 0x20_0000;
export const CLONE_CHILD_SETTID = 0x100_0000;
export const CLONE_NEWCGROUP = 0x200_0000;
export const CLONE_NEWUTS = 0x400_0000;
export const CLONE_NEWIPC = 0x800_0000;
export const CLONE_NEWUSER = 0x1000_0000;
export const CLONE_NEWPID = 0x2000_0000;
export const CLONE_NEWNET = 0x4000_0000;
/** clone3 only. Linux 5.5. */
export const CLONE_CLEAR_SIGHAND = 0x1_0000_0000;
/** clone3 only. Linux 5.7. */
export const CLONE_INTO_CGROUP = 0x2_0000_0000;

// include/uapi/linux/nsfs.h: operations of ioctl(2) on a /proc/PID/ns file
export const NS_GET_USERNS = 0xb701;
export const NS_GET_PARENT = 0xb702;
export const NS_GET_NSTYPE = 0xb703;
export const NS_GET_OWNER_UID = 0xb704;

const NAMESPACE_FLAGS = {
  CLONE_NEWTIME,
  CLONE_NEWNS,
  CLONE_NEWCGROUP,
  CLONE_NEWUTS,
  CLONE_NEWIPC,
  CLONE_NEWUSER,
  CLONE_NEWPID,
  CLONE_NEWNET,
};

const CLONE_FLAGS = {
  CLONE_VM,
  CLONE_FS,
  CLONE_FILES,
  CLONE_SIGHAND,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_PARENT,
  CLONE_THREAD,
  CLONE_SYSVSEM,
  CLONE_PARENT_SETTID,
  CLONE_CHILD_CLEARTID,
  CLONE_CHILD_SETTID,
  ...NAMESPACE_FLAGS,
  CLONE_CLEAR_SIGHAND,
  CLONE_INTO_CGROUP,
};

/** include/uapi/linux/sched.h, as of Linux 5.7. `flags` takes no signal: that is `exit_signal`. */
export const CLONE_ARGS = struct(
  'clone_args',
  {
    flags: 'u64',
    pidfd: 'u64',
    child_tid: 'u64',
    parent_tid: 'u64',
    exit_signal: 'u64',
    stack: 'u64',
    stack_size: 'u64',
    tls: 'u64',
    set_tid: 'u64',
    set_tid_size: 'u64',
    cgroup: 'u64',
  },
  { flags: CLONE_FLAGS },
);

/**
 * Makes a process, in new namespaces where flags ask for them. For plans: a child of a direct call would be a
 * copy of Node with one thread left.
 *
 * man 2 clone3. Linux 5.3. New namespaces other than user ones need CAP_SYS_ADMIN, or CLONE_NEWUSER beside them.
 */
export const clone3 = define<[cl_args: Bytes, size: number]>(
  'long clone3(struct clone_args *cl_args, size_t size)',
  435,
);

/**
 * Makes a process where clone3 is missing or filtered; the low byte of `flags` is the signal at its exit. For
 * plans, as {@link clone3}.
 *
 * man 2 clone. The order of the arguments is x86-64's; arm64 has `tls` before `child_tid`.
 */
export const clone = define<
  [flags: number, stack: Bytes | null, parent_tid: Bytes | null, child_tid: Bytes | null, tls: number | bigint]
>(
  'long clone(unsigned long flags, void *stack, int *parent_tid, int *child_tid, unsigned long tls)',
  { x64: 56, arm64: 220 },
  { flags: CLONE_FLAGS },
);

/**
 * Moves the calling thread into new namespaces; CLONE_NEWPID and CLONE_NEWTIME only its later children.
 *
 * man 2 unshare. Needs CAP_SYS_ADMIN, but CLONE_NEWUSER does not. In Node CLONE_NEWUSER is EINVAL (a process with
 * threads cannot), and after CLONE_NEWPID no Worker can start.
 */
export const unshare = define<[flags: number]>(
  'int unshare(int flags)',
  { x64: 272, arm64: 97 },
  { flags: NAMESPACE_FLAGS },
);

/**
 * Moves the calling thread into the namespace of a /proc/PID/ns file (`nstype` 0 or its kind), or into those
 * namespaces of a pidfd's process that `nstype` names (Linux 5.8).
 *
 * man 2 setns. Needs CAP_SYS_ADMIN in the namespace. In Node a user namespace is EINVAL, and a mount namespace is
 * until `unshare(CLONE_FS)`.
 */
export const setns = define<[fd: number, nstype: number]>(
  'int setns(int fd, int nstype)',
  { x64: 308, arm64: 268 },
  { nstype: NAMESPACE_FLAGS },
);
