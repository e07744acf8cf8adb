/** unshare and nsenter of util-linux: the namespaces alone. */
import { type Command, findProgram } from '../processes.ts';
import type { Peer } from './peer.ts';

export const unshare: Peer = {
  name: 'unshare',
  note: 'unshare: chroot and /proc only; no overlay, no other mounts, no dropped capabilities',
  prepareRun({ network, rootless, workspace }, args) {
    const command = [
      ...(rootless ? ['--user', '--map-root-user'] : []),
      ...['--mount', '--pid', '--ipc', '--uts', '--cgroup', '--fork'],
      ...(network === 'none' ? ['--net'] : []),
      ...[`--root=${workspace.rootfs}`, '--mount-proc=/proc'],
    ];
    const file = findProgram('unshare');
    return { next: () => [file, ...command, ...args] };
  },
};

/** The command that enters all namespaces of a process with nsenter. */
export function nsenterCommand(pid: number, rootless: boolean, args: Command): Command {
  const user = rootless ? ['--user', '--preserve-credentials'] : [];
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup'];
  return [findProgram('nsenter'), '--target', String(pid), ...user, ...namespaces, '--', ...args];
}
