import { expect, test } from 'vitest';
import { type HostEntry, type HostFacts, hostImageSource } from '../../../sdk/host/index.ts';

const directory = (path: string): HostEntry => ({ path, kind: 'directory', stamp: '1 2 3' });
const link = (path: string, target: string): HostEntry => ({ path, kind: 'symlink', target, stamp: '1 2 3' });

const MERGED: HostFacts = {
  programs: [directory('/usr'), link('/bin', 'usr/bin'), link('/lib64', 'usr/lib64')],
  etc: [directory('/etc/ssl/certs'), link('/etc/localtime', '/usr/share/zoneinfo/Etc/UTC')],
  watched: [],
  shell: '/bin/bash',
  bootId: '',
};

test('with a merged /usr, it is the one view, and the links into it are made again', () => {
  const { nodes, views } = hostImageSource(MERGED);
  expect(views).toEqual([{ source: '/usr', target: '/usr' }]);
  expect(nodes.filter(({ kind }) => kind === 'symlink')).toEqual([
    { kind: 'symlink', path: '/bin', target: 'usr/bin' },
    { kind: 'symlink', path: '/lib64', target: 'usr/lib64' },
    { kind: 'symlink', path: '/etc/mtab', target: '/proc/self/mounts' },
    { kind: 'symlink', path: '/var/run', target: '/run' },
  ]);
});

test('directories outside of /usr are views of their own, the stores of Nix and Guix too', () => {
  const paths = ['/usr', '/bin', '/lib', '/nix/store'];
  const { nodes, views } = hostImageSource({ ...MERGED, programs: paths.map(directory) });
  expect(views).toEqual(paths.map((path) => ({ source: path, target: path })));
  for (const path of [...paths, '/nix']) expect(nodes).toContainEqual({ kind: 'directory', path, mode: 0o755 });
});

test('the directories, in the order they are made', () => {
  const { nodes } = hostImageSource(MERGED);
  const directories = nodes.filter((node) => node.kind === 'directory');
  const line = directories.map(({ path, mode }) => (mode === 0o755 ? path : `${path} ${mode.toString(8)}`)).join(' ');
  expect(line).toBe(
    '/dev /etc /home /mnt /opt /proc /run /srv /sys /root 700 /tmp 1777 /usr /var /var/cache /var/lib /var/log ' +
      '/var/tmp 1777 /etc/ssl',
  );
});

test('the files of /etc that are written new', () => {
  const files = hostImageSource(MERGED).nodes.filter((node) => node.kind === 'file');
  expect(Object.fromEntries(files.map(({ path, content }) => [path, content]))).toEqual({
    '/etc/passwd':
      'root:x:0:0:root:/root:/bin/bash\n' +
      'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n' +
      'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
    '/etc/group': 'root:x:0:\ndaemon:x:1:\ntty:x:5:\nnogroup:x:65534:\n',
    '/etc/hostname': '',
    '/etc/hosts': '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n',
    '/etc/host.conf': 'multi on\n',
    '/etc/nsswitch.conf':
      'passwd: files\ngroup: files\nnetworks: files\nprotocols: files\nservices: files\nethers: files\nrpc: files\n' +
      'hosts: files dns\n',
    '/etc/resolv.conf': '',
  });
});

test('a machine without programs is an error', () => {
  expect(() => hostImageSource({ ...MERGED, programs: [] })).toThrow(
    expect.objectContaining({ code: 'NO_HOST_PROGRAMS' }),
  );
});
