/** man 2 execve, kill, pidfd_open, waitid, prctl, rt_sigaction, prlimit, mmap …: processes, signals, limits, memory. */
import { constants } from 'node:os';
import { define } from './define.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from './files.ts';
import type { Bytes, Memory, Path } from './memory.ts';
import { oneOf } from './names.ts';
import { struct } from './struct.ts';

// include/uapi/linux/wait.h
export const WNOHANG = 0x1;
export const WUNTRACED = 0x2;
export const WSTOPPED = 0x2;
export const WEXITED = 0x4;
export const WCONTINUED = 0x8;
export const WNOWAIT = 0x100_0000;
export const __WALL = 0x4000_0000;
export const __WCLONE = 0x8000_0000;
export const P_ALL = 0;
export const P_PID = 1;
export const P_PGID = 2;
/** Linux 5.4. */
export const P_PIDFD = 3;

// include/uapi/asm-generic/siginfo.h
export const CLD_EXITED = 1;
export const CLD_KILLED = 2;
export const CLD_DUMPED = 3;
export const CLD_TRAPPED = 4;
export const CLD_STOPPED = 5;
export const CLD_CONTINUED = 6;

// include/uapi/asm-generic/signal-defs.h
export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;
export const SIG_DFL = 0;
export const SIG_IGN = 1;

// include/uapi/linux/pidfd.h
/** `O_NONBLOCK`: waitid of the descriptor is EAGAIN while the process lives. Linux 5.10. */
export const PIDFD_NONBLOCK = 0o4000;
/** For pidfd_send_signal. Linux 6.9. */
export const PIDFD_SIGNAL_PROCESS_GROUP = 1 << 2;

// include/uapi/linux/prctl.h
export const PR_SET_PDEATHSIG = 1;
export const PR_GET_PDEATHSIG = 2;
export const PR_GET_DUMPABLE = 3;
export const PR_SET_DUMPABLE = 4;
export const PR_GET_KEEPCAPS = 7;
export const PR_SET_KEEPCAPS = 8;
export const PR_SET_NAME = 15;
export const PR_GET_NAME = 16;
export const PR_GET_SECCOMP = 21;
export const PR_CAPBSET_READ = 23;
export const PR_CAPBSET_DROP = 24;
export const PR_GET_SECUREBITS = 27;
export const PR_SET_SECUREBITS = 28;
export const PR_SET_CHILD_SUBREAPER = 36;
export const PR_GET_CHILD_SUBREAPER = 37;
export const PR_SET_NO_NEW_PRIVS = 38;
export const PR_GET_NO_NEW_PRIVS = 39;
export const PR_CAP_AMBIENT = 47;
export const PR_CAP_AMBIENT_IS_SET = 1;
export const PR_CAP_AMBIENT_RAISE = 2;
export const PR_CAP_AMBIENT_LOWER = 3;
export const PR_CAP_AMBIENT_CLEAR_ALL = 4;

// include/uapi/asm-generic/resource.h
export const RLIMIT_CPU = 0;
export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_STACK = 3;
export const RLIMIT_CORE = 4;
export const RLIMIT_RSS = 5;
export const RLIMIT_NPROC = 6;
export const RLIMIT_NOFILE = 7;
export const RLIMIT_MEMLOCK = 8;
export const RLIMIT_AS = 9;
export const RLIMIT_LOCKS = 10;
export const RLIMIT_SIGPENDING = 11;
export const RLIMIT_MSGQUEUE = 12;
export const RLIMIT_NICE = 13;
export const RLIMIT_RTPRIO = 14;
export const RLIMIT_RTTIME = 15;
export const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

// include/uapi/linux/resource.h
export const PRIO_PROCESS = 0;
export const PRIO_PGRP = 1;
export const PRIO_USER = 2;

// include/uapi/linux/mman.h, include/uapi/asm-generic/mman-common.h
export const PROT_NONE = 0x0;
export const PROT_READ = 0x1;
export const PROT_WRITE = 0x2;
export const PROT_EXEC = 0x4;
export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;

// include/uapi/linux/personality.h
export const PER_LINUX = 0;
export const PER_LINUX32 = 0x8;
export const ADDR_NO_RANDOMIZE = 0x4_0000;

const WAIT_FLAGS = { WNOHANG, WSTOPPED, WEXITED, WCONTINUED, WNOWAIT, __WALL, __WCLONE };
const PROTECTION = { PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC };
const SIGNAL = oneOf(constants.signals);
const RESOURCE = oneOf({
  RLIMIT_CPU,
  RLIMIT_FSIZE,
  RLIMIT_DATA,
  RLIMIT_STACK,
  RLIMIT_CORE,
  RLIMIT_RSS,
  RLIMIT_NPROC,
  RLIMIT_NOFILE,
  RLIMIT_MEMLOCK,
  RLIMIT_AS,
  RLIMIT_LOCKS,
  RLIMIT_SIGPENDING,
  RLIMIT_MSGQUEUE,
  RLIMIT_NICE,
  RLIMIT_RTPRIO,
  RLIMIT_RTTIME,
});

/**
 * include/uapi/asm-generic/siginfo.h: what waitid(2) says of a child. `si_code` is CLD_*; `si_status` the exit
 * code, or the signal. `si_pid` is 0 when WNOHANG found nothing.
 */
export const SIGINFO_CHILD = struct('siginfo_t', {
  si_signo: 'i32',
  si_errno: 'i32',
  si_code: 'i32',
  _pad: 'i32',
  si_pid: 'i32',
  si_uid: 'u32',
  si_status: 'i32',
  _rest: 'u8[100]',
});

/** include/uapi/asm-generic/signal.h: the kernel's `struct sigaction`, not libc's. All zero is SIG_DFL. */
export const SIGACTION = struct('sigaction', {
  sa_handler: 'pointer',
  sa_flags: 'u64',
  sa_restorer: 'pointer',
  sa_mask: 'u64',
});

/** include/uapi/linux/resource.h. */
export const RLIMIT64 = struct('rlimit64', { rlim_cur: 'u64', rlim_max: 'u64' });

/** The size of the kernel's `sigset_t` in bytes, libc's is longer: `sigsetsize` of the rt_sig calls and of ppoll. */
export const SIGSET_SIZE = 8;

/** A kernel `sigset_t` of these signals. */
export function signalSet(signals: readonly number[]): Uint8Array {
  const set = new Uint8Array(SIGSET_SIZE);
  for (const signal of signals) {
    if (!Number.isInteger(signal) || signal < 1 || signal > 64)
      throw new TypeError(`a signal must be from 1 to 64, got ${signal}`);
    const index = (signal - 1) >> 3;
    set[index] = (set[index] as number) | (1 << ((signal - 1) & 7));
  }
  return set;
}

/** Replaces the program of the process. For plans: a direct call would replace Node. man 2 execve. */
export const execve = define<[pathname: Path, argv: Memory, envp: Memory]>(
  'int execve(const char *pathname, char *const argv[], char *const envp[])',
  { x64: 59, arm64: 221 },
);

/** {@link execve} of a file by descriptor: `('', AT_EMPTY_PATH)` executes `dirfd` itself. man 2 execveat. Linux 3.19. */
export const execveat = define<[dirfd: number, pathname: Path, argv: Memory, envp: Memory, flags: number]>(
  'int execveat(int dirfd, const char *pathname, char *const argv[], char *const envp[], int flags)',
  { x64: 322, arm64: 281 },
  { dirfd: oneOf({ AT_FDCWD }), flags: { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } },
);

/** Ends the process and all its threads. For plans: a direct call ends Node without its exit handlers. man 2 exit_group. */
export const exit_group = define<[status: number]>('void exit_group(int status)', { x64: 231, arm64: 94 });

/** The process's own ID in its PID namespace. man 2 getpid. */
export const getpid = define<[]>('pid_t getpid(void)', { x64: 39, arm64: 172 });

/** The parent's process ID; 0 when the parent is outside of the PID namespace. man 2 getppid. */
export const getppid = define<[]>('pid_t getppid(void)', { x64: 110, arm64: 173 });

/** Makes a session with the caller as its leader, without a terminal. EPERM for a process group leader. man 2 setsid. */
export const setsid = define<[]>('pid_t setsid(void)', { x64: 112, arm64: 157 });

/** Sends a signal to a process (`pid` > 0) or to the group -`pid`; 0 only asks whether that could be done. man 2 kill. */
export const kill = define<[pid: number, sig: number]>(
  'int kill(pid_t pid, int sig)',
  { x64: 62, arm64: 129 },
  { sig: SIGNAL },
);

/** A descriptor of a process, which no later process with its number can be mistaken for; close-on-exec. man 2 pidfd_open. Linux 5.3. */
export const pidfd_open = define<[pid: number, flags: number]>('int pidfd_open(pid_t pid, unsigned int flags)', 434, {
  flags: { PIDFD_NONBLOCK },
});

/** Sends a signal to the process of a pidfd; ESRCH when it has ended and been waited for. man 2 pidfd_send_signal. Linux 5.1. */
export const pidfd_send_signal = define<[pidfd: number, sig: number, info: Bytes | null, flags: number]>(
  'int pidfd_send_signal(int pidfd, int sig, siginfo_t *info, unsigned int flags)',
  424,
  { sig: SIGNAL, flags: { PIDFD_SIGNAL_PROCESS_GROUP } },
);

/**
 * A copy of another process's descriptor, close-on-exec.
 *
 * man 2 pidfd_getfd. Linux 5.6. Needs the right to ptrace(2) it.
 */
export const pidfd_getfd = define<[pidfd: number, targetfd: number, flags: number]>(
  'int pidfd_getfd(int pidfd, int targetfd, unsigned int flags)',
  438,
);

/**
 * Waits for a child and says how it ended, in a {@link SIGINFO_CHILD}. The thread waits too, unless WNOHANG is
 * given. Node waits for the children that it spawned itself, and for no others.
 *
 * man 2 waitid. P_PIDFD since Linux 5.4. The kernel's call has a fifth argument, `struct rusage`.
 */
export const waitid = define<[idtype: number, id: number, infop: Bytes | null, options: number, rusage: Bytes | null]>(
  'int waitid(idtype_t idtype, id_t id, siginfo_t *infop, int options, struct rusage *rusage)',
  { x64: 247, arm64: 95 },
  { idtype: oneOf({ P_ALL, P_PID, P_PGID, P_PIDFD }), options: WAIT_FLAGS },
);

/** Waits for a child; returns its process ID, and writes its status as one 32-bit integer. man 2 wait4. */
export const wait4 = define<[pid: number, wstatus: Bytes | null, options: number, rusage: Bytes | null]>(
  'pid_t wait4(pid_t pid, int *wstatus, int options, struct rusage *rusage)',
  { x64: 61, arm64: 260 },
  { options: { WNOHANG, WUNTRACED, WCONTINUED, __WALL, __WCLONE } },
);

/** Reads or changes a property of the calling thread or process; unused arguments are 0. man 2 prctl. */
export const prctl = define<
  [
    option: number,
    arg2: number | bigint | string | Bytes,
    arg3: number | bigint,
    arg4: number | bigint,
    arg5: number | bigint,
  ]
>(
  'int prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)',
  { x64: 157, arm64: 167 },
  {
    option: oneOf({
      PR_SET_PDEATHSIG,
      PR_GET_PDEATHSIG,
      PR_GET_DUMPABLE,
      PR_SET_DUMPABLE,
      PR_GET_KEEPCAPS,
      PR_SET_KEEPCAPS,
      PR_SET_NAME,
      PR_GET_NAME,
      PR_GET_SECCOMP,
      PR_CAPBSET_READ,
      PR_CAPBSET_DROP,
      PR_GET_SECUREBITS,
      PR_SET_SECUREBITS,
      PR_SET_CHILD_SUBREAPER,
      PR_GET_CHILD_SUBREAPER,
      PR_SET_NO_NEW_PRIVS,
      PR_GET_NO_NEW_PRIVS,
      PR_CAP_AMBIENT,
    }),
  },
);

/** Blocks or unblocks signals of the calling thread; sets are {@link signalSet}s. man 2 rt_sigprocmask. */
export const rt_sigprocmask = define<
  [how: number, set: Uint8Array | null, oldset: Uint8Array | null, sigsetsize: number]
>(
  'int rt_sigprocmask(int how, const kernel_sigset_t *set, kernel_sigset_t *oldset, size_t sigsetsize)',
  { x64: 14, arm64: 135 },
  { how: oneOf({ SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK }) },
);

/**
 * Sets what a signal does, a {@link SIGACTION}. For plans, with SIG_DFL or SIG_IGN: ignored signals survive
 * execve, and Node ignores SIGPIPE and SIGXFSZ. man 2 rt_sigaction.
 */
export const rt_sigaction = define<[signum: number, act: Bytes | null, oldact: Bytes | null, sigsetsize: number]>(
  'int rt_sigaction(int signum, const struct sigaction *act, struct sigaction *oldact, size_t sigsetsize)',
  { x64: 13, arm64: 134 },
  { signum: SIGNAL },
);

/** Waits for one of the (blocked) signals in `set` and takes it; returns its number. man 2 rt_sigtimedwait. */
export const rt_sigtimedwait = define<[set: Uint8Array, info: Bytes | null, timeout: Bytes | null, sigsetsize: number]>(
  'int rt_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout, size_t sigsetsize)',
  { x64: 128, arm64: 137 },
);

/** close-on-exec, and `O_NONBLOCK`. include/uapi/linux/signalfd.h */
export const SFD_CLOEXEC = 0o2000000;
export const SFD_NONBLOCK = 0o4000;

/**
 * A descriptor that can be read while one of the (blocked) signals in `mask` is pending; -1 makes a new one.
 * man 2 signalfd. Linux 2.6.27.
 */
export const signalfd4 = define<[fd: number, mask: Uint8Array, sizemask: number, flags: number]>(
  'int signalfd4(int fd, const kernel_sigset_t *mask, size_t sizemask, int flags)',
  { x64: 289, arm64: 74 },
  { flags: { SFD_CLOEXEC, SFD_NONBLOCK } },
);

/**
 * Sets and reads a limit of a process (0: the caller), as {@link RLIMIT64}s.
 *
 * man 2 prlimit. Raising the hard limit needs CAP_SYS_RESOURCE in the initial user namespace.
 */
export const prlimit64 = define<[pid: number, resource: number, new_limit: Bytes | null, old_limit: Bytes | null]>(
  'int prlimit64(pid_t pid, int resource, const struct rlimit64 *new_limit, struct rlimit64 *old_limit)',
  { x64: 302, arm64: 261 },
  { resource: RESOURCE },
);

/** Sets the nice value, -20 (first) to 19 (last). Lowering it needs CAP_SYS_NICE. man 2 setpriority. */
export const setpriority = define<[which: number, who: number, prio: number]>(
  'int setpriority(int which, id_t who, int prio)',
  { x64: 141, arm64: 140 },
  { which: oneOf({ PRIO_PROCESS, PRIO_PGRP, PRIO_USER }) },
);

/** Names the machine in the calling thread's UTS namespace; `len` is in bytes, 64 at most. Needs CAP_SYS_ADMIN. man 2 sethostname. */
export const sethostname = define<[name: string | Uint8Array, len: number]>(
  'int sethostname(const char *name, size_t len)',
  { x64: 170, arm64: 161 },
);

/** Sets the NIS domain name, as {@link sethostname} does the host's. man 2 setdomainname. */
export const setdomainname = define<[name: string | Uint8Array, len: number]>(
  'int setdomainname(const char *name, size_t len)',
  { x64: 171, arm64: 162 },
);

/** Sets how the thread executes programs, and returns what was; 0xffff_ffff only asks. man 2 personality. */
export const personality = define<[persona: number]>(
  'int personality(unsigned int persona)',
  { x64: 135, arm64: 92 },
  { persona: oneOf({ PER_LINUX, PER_LINUX32, ADDR_NO_RANDOMIZE }) },
);

/** Maps memory or a file; returns the address, which the caller unmaps. man 2 mmap. */
export const mmap = define<
  [addr: bigint | null, length: number, prot: number, flags: number, fd: number, offset: number]
>(
  'void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)',
  { x64: 9, arm64: 222 },
  { prot: PROTECTION, flags: { MAP_SHARED, MAP_PRIVATE, MAP_FIXED, MAP_ANONYMOUS } },
);

/** Sets what may be done with mapped pages. man 2 mprotect. */
export const mprotect = define<[addr: bigint, size: number, prot: number]>(
  'int mprotect(void *addr, size_t size, int prot)',
  { x64: 10, arm64: 226 },
  { prot: PROTECTION },
);

/** Unmaps pages: what still points to them crashes. man 2 munmap. */
export const munmap = define<[addr: bigint, length: number]>('int munmap(void *addr, size_t length)', {
  x64: 11,
  arm64: 215,
});
