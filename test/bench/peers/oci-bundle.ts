/** The same container as an OCI bundle, for runtimes that take one. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasPrivateMounts } from '../private-mounts.ts';
import { type Command, runNow } from '../processes.ts';
import type { Setting } from '../setting.ts';

/** A bundle directory, and how to undo what stands behind it. */
export interface Bundle {
  readonly directory: string;
  close(): void;
}

const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP']
  .concat(['SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'])
  .map((name) => `CAP_${name}`);
const MASKED = ['acpi', 'asound', 'interrupts', 'kcore', 'keys', 'latency_stats', 'sched_debug', 'scsi', 'timer_list']
  .concat('timer_stats')
  .map((name) => `/proc/${name}`)
  .concat('/sys/firmware', '/sys/devices/virtual/powercap');
const READ_ONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`);

/**
 * Writes a bundle for containers that run `args`. Root's has an overlay, mounted here once for all its containers:
 * a runtime leaves that to the engine above it. It needs the private mount namespace of the bench.
 */
export function createBundle(setting: Setting, args: Command): Bundle {
  if (!setting.rootless && !hasPrivateMounts())
    throw new Error('no mount namespace of its own to mount the overlay in');
  const directory = mkdtempSync(join(setting.workspace[setting.upper], 'bundle-'));
  const overlay = setting.rootless ? undefined : mountOverlay(setting, directory);
  const root = overlay ?? setting.workspace.rootfs;
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config(setting, root, args)));
  return {
    directory,
    close: () => {
      // Lazily, because a container that was interrupted may still be ending in it.
      if (overlay !== undefined) runNow(['umount', '--lazy', overlay]);
    },
  };
}

function mountOverlay({ workspace }: Setting, directory: string): string {
  const root = join(directory, 'root');
  for (const name of ['root', 'upper', 'work']) mkdirSync(join(directory, name));
  const options = `lowerdir=${workspace.rootfs},upperdir=${directory}/upper,workdir=${directory}/work,volatile`;
  runNow(['mount', '-t', 'overlay', 'overlay', '-o', options, root]);
  return root;
}

function config({ network, rootless }: Setting, root: string, args: Command) {
  const types = ['mount', 'pid', 'ipc', 'uts', 'cgroup', ...(network === 'none' ? ['network'] : [])];
  const single = (hostID: number) => [{ containerID: 0, hostID, size: 1 }];
  const mappings = rootless
    ? { uidMappings: single(process.getuid?.() ?? 0), gidMappings: single(process.getgid?.() ?? 0) }
    : {};
  return {
    ociVersion: '1.0.2',
    process: {
      user: { uid: 0, gid: 0 },
      args,
      env: ['PATH=/bin'],
      cwd: '/',
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
    },
    root: { path: root, readonly: false },
    hostname: 'bench',
    mounts: mounts(network, rootless),
    linux: {
      namespaces: [...types, ...(rootless ? ['user'] : [])].map((type) => ({ type })),
      ...mappings,
      maskedPaths: MASKED,
      readonlyPaths: READ_ONLY,
    },
  };
}

function mounts(network: Setting['network'], rootless: boolean) {
  const safe = ['nosuid', 'noexec', 'nodev'];
  const pts = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...(rootless ? [] : ['gid=5'])];
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: safe },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: pts },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...safe, 'mode=1777', 'size=65536k'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: safe },
    network === 'none'
      ? { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...safe, 'ro'] }
      : { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', 'ro'] },
  ];
}
