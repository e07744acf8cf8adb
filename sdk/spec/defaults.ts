/** What a container has when nobody says otherwise: Docker's defaults (moby, daemon/pkg/oci/defaults.go), but for one. */
import { type IdMapping, isMapped } from '../../store/places.ts';
import type { SpecDevice, SpecMount } from './spec.ts';

/**
 * The capabilities that root in a container keeps. Docker's include CAP_MKNOD, and a control group then says which devices
 * are of use; without one, a node of the disk's number would be the disk.
 */
export const DEFAULT_CAPABILITIES = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
] as const;

/** The PATH of a container whose image says nothing. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The devices every container has. */
export const DEFAULT_DEVICES: readonly SpecDevice[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o666 },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5, fileMode: 0o666 },
  { path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o666 },
  { path: '/dev/random', type: 'c', major: 1, minor: 8, fileMode: 0o666 },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9, fileMode: 0o666 },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0, fileMode: 0o666 },
];

/** Hidden: they tell about the host or reach into it. */
export const MASKED_PATHS: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
];

/** Readable, never writable: the kernel asks only for uid 0 there, not for a capability. */
export const READONLY_PATHS: readonly string[] = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
];

/** The group of terminals, by Linux's convention. */
const TTY_GROUP = 5;

/**
 * The standard set of mounts.
 * @param groups which groups are mapped; none where all are the machine's. Terminals have theirs where it is
 * @param sharedMemory the /dev/shm of a container that shares somebody's. @default one of its own
 */
export function standardMounts(groups: readonly IdMapping[], sharedMemory: SpecMount = OWN_SHARED_MEMORY): SpecMount[] {
  const group = isMapped(TTY_GROUP, groups) ? [`gid=${TTY_GROUP}`] : [];
  const mounts: SpecMount[] = [
    { destination: '/proc', type: 'proc', options: ['nosuid', 'nodev', 'noexec'] },
    { destination: '/dev', type: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...group],
    },
    sharedMemory,
    { destination: '/dev/mqueue', type: 'mqueue', options: ['nosuid', 'nodev', 'noexec'] },
    { destination: '/sys', type: 'sysfs', options: ['nosuid', 'nodev', 'noexec', 'ro'] },
  ];
  return mounts.map((mount) => ({ ...mount, standard: true }));
}

const OWN_SHARED_MEMORY: SpecMount = {
  destination: '/dev/shm',
  type: 'tmpfs',
  options: ['nosuid', 'nodev', 'noexec', 'mode=1777', 'size=65536k'],
};
