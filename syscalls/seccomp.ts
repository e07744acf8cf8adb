/** man 2 seccomp: filters that decide about every later system call of a thread. */
import { define } from './define.ts';
import type { Bytes } from './memory.ts';
import { oneOf } from './names.ts';
import { struct } from './struct.ts';

// include/uapi/linux/seccomp.h
export const SECCOMP_SET_MODE_STRICT = 0;
export const SECCOMP_SET_MODE_FILTER = 1;
export const SECCOMP_GET_ACTION_AVAIL = 2;
export const SECCOMP_GET_NOTIF_SIZES = 3;

export const SECCOMP_FILTER_FLAG_TSYNC = 0x1;
export const SECCOMP_FILTER_FLAG_LOG = 0x2;
export const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 0x4;
/** Linux 5.0. */
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 0x8;
/** Linux 5.7. */
export const SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 0x10;
/** Linux 5.19. */
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 0x20;

export const SECCOMP_RET_KILL_PROCESS = 0x8000_0000;
export const SECCOMP_RET_KILL_THREAD = 0;
export const SECCOMP_RET_TRAP = 0x3_0000;
export const SECCOMP_RET_ERRNO = 0x5_0000;
export const SECCOMP_RET_USER_NOTIF = 0x7fc0_0000;
export const SECCOMP_RET_TRACE = 0x7ff0_0000;
export const SECCOMP_RET_LOG = 0x7ffc_0000;
export const SECCOMP_RET_ALLOW = 0x7fff_0000;
export const SECCOMP_RET_ACTION_FULL = 0xffff_0000;
export const SECCOMP_RET_DATA = 0xffff;

// include/uapi/linux/audit.h
export const AUDIT_ARCH_X86_64 = 0xc000_003e;
export const AUDIT_ARCH_I386 = 0x4000_0003;
export const AUDIT_ARCH_AARCH64 = 0xc000_00b7;
export const AUDIT_ARCH_ARM = 0x4000_0028;

// include/uapi/linux/bpf_common.h: the instructions of a filter
export const BPF_LD = 0x00;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_RET = 0x06;
export const BPF_W = 0x00;
export const BPF_ABS = 0x20;
export const BPF_AND = 0x50;
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;
export const BPF_K = 0x00;
/** The most instructions a filter may have. */
export const BPF_MAXINSNS = 4096;

/** include/uapi/linux/filter.h: one instruction. */
export const SOCK_FILTER = struct('sock_filter', { code: 'u16', jt: 'u8', jf: 'u8', k: 'u32' });

/** include/uapi/linux/filter.h: a filter, `len` instructions at `filter`. */
export const SOCK_FPROG = struct('sock_fprog', { len: 'u16', filter: 'pointer' });

/** include/uapi/linux/seccomp.h: what a filter reads. The low half of an argument is at its offset. */
export const SECCOMP_DATA = struct('seccomp_data', {
  nr: 'i32',
  arch: 'u32',
  instruction_pointer: 'u64',
  args: 'u8[48]',
});

/**
 * Puts a filter ({@link SOCK_FPROG}) before every later system call of this thread and its children, for good.
 *
 * man 2 seccomp. Linux 3.17. Needs CAP_SYS_ADMIN or `PR_SET_NO_NEW_PRIVS`. For plans: in Node it would bind one
 * thread, and with SECCOMP_FILTER_FLAG_TSYNC all of them.
 */
export const seccomp = define<[operation: number, flags: number, args: Bytes | null]>(
  'int seccomp(unsigned int operation, unsigned int flags, void *args)',
  { x64: 317, arm64: 277 },
  {
    operation: oneOf({
      SECCOMP_SET_MODE_STRICT,
      SECCOMP_SET_MODE_FILTER,
      SECCOMP_GET_ACTION_AVAIL,
      SECCOMP_GET_NOTIF_SIZES,
    }),
    flags: {
      SECCOMP_FILTER_FLAG_TSYNC,
      SECCOMP_FILTER_FLAG_LOG,
      SECCOMP_FILTER_FLAG_SPEC_ALLOW,
      SECCOMP_FILTER_FLAG_NEW_LISTENER,
      SECCOMP_FILTER_FLAG_TSYNC_ESRCH,
      SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
    },
  },
);
