/**
 * man 2 setresuid, setgroups, capset, keyctl: who a process is and what it may do.
 *
 * Made directly, these act on the calling thread alone, unlike libc's wrappers, which act on all: Node's other
 * threads stay as they were. They are meant for plans.
 */
import { define } from './define.ts';
import type { Bytes, Memory } from './memory.ts';
import { oneOf } from './names.ts';
import { struct } from './struct.ts';

// include/uapi/linux/capability.h
export const _LINUX_CAPABILITY_VERSION_3 = 0x2008_0522;

/** Capabilities by the kernel's names; the number is the bit. The last three are of Linux 5.8, 5.8 and 5.9. */
export const CAPABILITIES = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_DAC_READ_SEARCH: 2,
  CAP_FOWNER: 3,
  CAP_FSETID: 4,
  CAP_KILL: 5,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
  CAP_LINUX_IMMUTABLE: 9,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_BROADCAST: 11,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_IPC_LOCK: 14,
  CAP_IPC_OWNER: 15,
  CAP_SYS_MODULE: 16,
  CAP_SYS_RAWIO: 17,
  CAP_SYS_CHROOT: 18,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_PACCT: 20,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_BOOT: 22,
  CAP_SYS_NICE: 23,
  CAP_SYS_RESOURCE: 24,
  CAP_SYS_TIME: 25,
  CAP_SYS_TTY_CONFIG: 26,
  CAP_MKNOD: 27,
  CAP_LEASE: 28,
  CAP_AUDIT_WRITE: 29,
  CAP_AUDIT_CONTROL: 30,
  CAP_SETFCAP: 31,
  CAP_MAC_OVERRIDE: 32,
  CAP_MAC_ADMIN: 33,
  CAP_SYSLOG: 34,
  CAP_WAKE_ALARM: 35,
  CAP_BLOCK_SUSPEND: 36,
  CAP_AUDIT_READ: 37,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
  CAP_CHECKPOINT_RESTORE: 40,
} as const;

/** The name of a capability. */
export type Capability = keyof typeof CAPABILITIES;

// include/uapi/linux/securebits.h
export const SECBIT_NOROOT = 0x1;
export const SECBIT_NOROOT_LOCKED = 0x2;
export const SECBIT_NO_SETUID_FIXUP = 0x4;
export const SECBIT_NO_SETUID_FIXUP_LOCKED = 0x8;
export const SECBIT_KEEP_CAPS = 0x10;
export const SECBIT_KEEP_CAPS_LOCKED = 0x20;
export const SECBIT_NO_CAP_AMBIENT_RAISE = 0x40;
export const SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED = 0x80;

// include/uapi/linux/keyctl.h
export const KEYCTL_GET_KEYRING_ID = 0;
export const KEYCTL_JOIN_SESSION_KEYRING = 1;
export const KEYCTL_UPDATE = 2;
export const KEYCTL_REVOKE = 3;
export const KEYCTL_CHOWN = 4;
export const KEYCTL_SETPERM = 5;
export const KEYCTL_DESCRIBE = 6;
export const KEYCTL_CLEAR = 7;
export const KEYCTL_LINK = 8;
export const KEYCTL_UNLINK = 9;
export const KEYCTL_SEARCH = 10;
export const KEYCTL_READ = 11;
export const KEY_SPEC_THREAD_KEYRING = -1;
export const KEY_SPEC_PROCESS_KEYRING = -2;
export const KEY_SPEC_SESSION_KEYRING = -3;
export const KEY_SPEC_USER_KEYRING = -4;
export const KEY_SPEC_USER_SESSION_KEYRING = -5;

/** include/uapi/linux/capability.h. `pid` 0 is the caller. */
export const USER_CAP_HEADER = struct('__user_cap_header_struct', { version: 'u32', pid: 'i32' });

/** include/uapi/linux/capability.h. Version 3 takes two: capabilities 0 to 31 and 32 to 63. */
export const USER_CAP_DATA = struct('__user_cap_data_struct', {
  effective: 'u32',
  permitted: 'u32',
  inheritable: 'u32',
});

/** The three sets of a thread that capget(2) and capset(2) carry. */
export interface CapabilitySets {
  readonly effective: readonly Capability[];
  readonly permitted: readonly Capability[];
  readonly inheritable: readonly Capability[];
}

/** The two {@link USER_CAP_DATA} of these sets. */
export function encodeCapabilities({ effective, permitted, inheritable }: CapabilitySets): Memory {
  const half = (index: number) => {
    const bits = (names: readonly Capability[]) => bitsOf(names.map((name) => CAPABILITIES[name] - index * 32));
    return { effective: bits(effective), permitted: bits(permitted), inheritable: bits(inheritable) };
  };
  return USER_CAP_DATA.array([half(0), half(1)]);
}

function bitsOf(bits: readonly number[]): number {
  return bits.filter((bit) => bit >= 0 && bit < 32).reduce((mask, bit) => (mask | (1 << bit)) >>> 0, 0);
}

/**
 * Sets the real, effective and saved user ID; 0xffff_ffff leaves one as it is.
 *
 * man 2 setresuid. Needs CAP_SETUID for IDs it has not. From 0 to others it clears the permitted capabilities (unless
 * PR_SET_KEEPCAPS), the effective and ambient ones, and PR_SET_PDEATHSIG. EAGAIN at RLIMIT_NPROC.
 */
export const setresuid = define<[ruid: number, euid: number, suid: number]>(
  'int setresuid(uid_t ruid, uid_t euid, uid_t suid)',
  { x64: 117, arm64: 147 },
);

/** Sets the real, effective and saved group ID; before the user ID, for it needs CAP_SETGID. man 2 setresgid. */
export const setresgid = define<[rgid: number, egid: number, sgid: number]>(
  'int setresgid(gid_t rgid, gid_t egid, gid_t sgid)',
  { x64: 119, arm64: 149 },
);

/**
 * Sets the supplementary groups, an array of 32-bit integers.
 *
 * man 2 setgroups. Needs CAP_SETGID. EPERM in a user namespace with `deny` in /proc/PID/setgroups.
 */
export const setgroups = define<[size: number, list: Bytes | null]>('int setgroups(size_t size, const gid_t *list)', {
  x64: 116,
  arm64: 159,
});

/** Reads a thread's capabilities into two {@link USER_CAP_DATA}. man 2 capget. */
export const capget = define<[hdrp: Bytes, datap: Bytes | null]>(
  'int capget(cap_user_header_t hdrp, cap_user_data_t datap)',
  { x64: 125, arm64: 90 },
);

/** Sets the caller's capabilities, {@link encodeCapabilities}. None can be added to the permitted ones. man 2 capset. */
export const capset = define<[hdrp: Bytes, datap: Bytes]>(
  'int capset(cap_user_header_t hdrp, const cap_user_data_t datap)',
  { x64: 126, arm64: 91 },
);

/**
 * Operates on keys and keyrings; unused arguments are 0. A new session keyring keeps a container from the keys of
 * whoever started it: keyrings have no namespace. man 2 keyctl. ENOSYS where the kernel has no keys.
 */
export const keyctl = define<
  [
    operation: number,
    arg2: number | bigint | string | Bytes | null,
    arg3: number | bigint | string | Bytes,
    arg4: number | bigint | string | Bytes,
    arg5: number | bigint | Bytes,
  ]
>(
  'long keyctl(int operation, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)',
  { x64: 250, arm64: 219 },
  {
    operation: oneOf({
      KEYCTL_GET_KEYRING_ID,
      KEYCTL_JOIN_SESSION_KEYRING,
      KEYCTL_UPDATE,
      KEYCTL_REVOKE,
      KEYCTL_CHOWN,
      KEYCTL_SETPERM,
      KEYCTL_DESCRIBE,
      KEYCTL_CLEAR,
      KEYCTL_LINK,
      KEYCTL_UNLINK,
      KEYCTL_SEARCH,
      KEYCTL_READ,
    }),
  },
);
