/** The kernel: its version, its system calls, and the filters before them. */
import { release } from 'node:os';
import {
  clone3,
  close_range,
  errnoName,
  mount_setattr,
  open_tree,
  openat2,
  pidfd_open,
  SECCOMP_GET_ACTION_AVAIL,
  SECCOMP_RET_KILL_PROCESS,
  seccomp,
} from '../../syscalls/index.ts';
import type { Finding } from './fact.ts';

/** The oldest kernel that has all that every container needs: mount_setattr(2). */
const OLDEST = [5, 12] as const;

/** Kernels that add something, and what that is. */
const NEWER: readonly (readonly [major: number, minor: number, what: string])[] = [
  [5, 19, 'idmapped mounts of overlays'],
  [6, 3, 'idmapped memory'],
];

/** What a kernel's release says (uname -r). Pure. */
export function judgeKernel(text: string, platform: string, arch: string): Finding {
  const summary = `${platform === 'linux' ? 'Linux' : platform} ${text} on ${arch}`;
  const [major = 0, minor = 0] = text.split(/[.-]/).map(Number);
  const isBefore = (otherMajor: number, otherMinor: number) => {
    return major < otherMajor || (major === otherMajor && minor < otherMinor);
  };
  if (platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    return { status: 'missing', summary, remedy: 'run it on Linux on x64 or arm64, in a virtual machine or WSL 2' };
  }
  if (isBefore(...OLDEST)) return { status: 'missing', summary, remedy: `Linux ${OLDEST.join('.')} or later` };
  const lacking = NEWER.filter(([otherMajor, otherMinor]) => isBefore(otherMajor, otherMinor));
  if (lacking.length === 0) return { status: 'ok', summary };
  const later = lacking.map(([otherMajor, otherMinor, what]) => `Linux ${otherMajor}.${otherMinor} has ${what}`);
  return { status: 'limited', summary, remedy: later.join(', ') };
}

/** The kernel of this machine. */
export function probeKernel(): Finding {
  return judgeKernel(release(), process.platform, process.arch);
}

/** Calls that are made so that they can only fail: by which error, says whether they are there. */
const CALLS: readonly (readonly [name: string, attempt: () => number])[] = [
  ['clone3', () => clone3.attempt(new Uint8Array(8), 0)],
  ['openat2', () => openat2.attempt(-1, '', new Uint8Array(8), 0)],
  ['pidfd_open', () => pidfd_open.attempt(-1, 0)],
  ['close_range', () => close_range.attempt(1, 0, 0)],
  ['open_tree', () => open_tree.attempt(-1, '', 0)],
  ['mount_setattr', () => mount_setattr.attempt(-1, '', 0, new Uint8Array(8), 0)],
];

/** What the answers to such calls say: each a negative error number. Pure. */
export function judgeCalls(answers: readonly (readonly [name: string, result: number])[]): Finding {
  // EPERM: none of them says so to what they were given, but seccomp filters do.
  const refused = answers.filter(([, result]) => ['ENOSYS', 'EPERM', 'EACCES'].includes(errnoName(-result)));
  if (refused.length === 0) return { status: 'ok', summary: `${answers.map(([name]) => name).join(', ')} are there` };
  return {
    status: 'missing',
    summary: `${refused.map(([name]) => name).join(', ')}: refused`,
    detail: refused.map(([name, result]) => `${name}: ${errnoName(-result)}`).join(', '),
    remedy:
      'a newer kernel; in a container of Docker or Podman, --security-opt seccomp=unconfined, or a newer version of it',
  };
}

/** The system calls that every container needs. */
export function probeCalls(): Finding {
  return judgeCalls(CALLS.map(([name, attempt]) => [name, attempt()] as const));
}

/**
 * Whether there are filters, and one before this process already. Pure.
 * @param result of seccomp(SECCOMP_GET_ACTION_AVAIL)
 * @param status /proc/self/status
 */
export function judgeSeccomp(result: number, status: string): Finding {
  const filters = Number(/^Seccomp_filters:\s*(\d+)/m.exec(status)?.[1] ?? 0);
  if (result < 0) {
    return {
      status: 'missing',
      summary: `this kernel filters no system calls (${errnoName(-result)})`,
      remedy: 'a kernel built with CONFIG_SECCOMP_FILTER',
    };
  }
  if (filters === 0) return { status: 'ok', summary: 'filters can be set, and none is before this process' };
  return {
    status: 'limited',
    summary: `filters can be set; this process is behind ${filters} already, of an outer container or a service`,
    remedy: 'if something fails for it: --security-opt seccomp=unconfined, or SystemCallFilter= of the service',
  };
}

/** The filters of system calls. */
export function probeSeccomp(status: string): Finding {
  const action = new Uint8Array(Uint32Array.of(SECCOMP_RET_KILL_PROCESS).buffer);
  return judgeSeccomp(seccomp.attempt(SECCOMP_GET_ACTION_AVAIL, 0, action), status);
}
