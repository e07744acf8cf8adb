/** bwrap, the sandbox of Flatpak: one process, no images, no overlay in the versions that distributions have. */
import { findProgram } from '../processes.ts';
import type { Peer } from './peer.ts';

export const bubblewrap: Peer = {
  name: 'bwrap',
  note: 'bwrap: no overlay (the root file system is bound), no masked or read-only paths, no cleanup afterwards',
  prepareRun({ network, rootless, workspace }, args) {
    const command = [
      ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup'],
      ...(rootless ? ['--unshare-user', '--uid', '0', '--gid', '0'] : []),
      ...(network === 'none' ? ['--unshare-net'] : []),
      ...['--die-with-parent', '--hostname', 'bench', '--bind', workspace.rootfs, '/'],
      ...['--proc', '/proc', '--dev', '/dev', '--mqueue', '/dev/mqueue', '--ro-bind', '/sys', '/sys'],
    ];
    const file = findProgram('bwrap');
    return { next: () => [file, ...command, '--', ...args] };
  },
};
