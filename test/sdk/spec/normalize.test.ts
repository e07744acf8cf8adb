import { describe, expect, test } from 'vitest';
import { normalizeContainer, normalizeProcess, type Resolved } from '../../../sdk/spec/normalize.ts';
import type { ContainerOptions } from '../../../sdk/spec/options.ts';
import type { Spec } from '../../../sdk/spec/spec.ts';

const CAPABILITIES = [
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
];

const MASKED = [
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

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The names that every /etc/hosts has. */
const LOCAL = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/** A container of root's, as decided from nothing but its command. */
const PRIVILEGED: Spec = {
  ociVersion: '1.2.0',
  hostname: '0123456789ab',
  root: { path: '/store/root', readonly: false, layers: ['/layers/1'], upper: 'disk', views: [] },
  process: {
    terminal: false,
    consoleSize: undefined,
    user: { uid: 0, gid: 0, additionalGids: [] },
    args: ['true'],
    env: [PATH, 'HOME=/root', 'HOSTNAME=0123456789ab'],
    cwd: '/',
    capabilities: CAPABILITIES as Spec['process']['capabilities'],
    lastCapability: 40,
    init: false,
  },
  mounts: [
    { destination: '/proc', type: 'proc', options: ['nosuid', 'nodev', 'noexec'], standard: true },
    {
      destination: '/dev',
      type: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
      standard: true,
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
      standard: true,
    },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      options: ['nosuid', 'nodev', 'noexec', 'mode=1777', 'size=65536k'],
      standard: true,
    },
    { destination: '/dev/mqueue', type: 'mqueue', options: ['nosuid', 'nodev', 'noexec'], standard: true },
    { destination: '/sys', type: 'sysfs', options: ['nosuid', 'nodev', 'noexec', 'ro'], standard: true },
    ...[
      ['/etc/hosts', `${LOCAL}127.0.0.1\t0123456789ab\n`],
      ['/etc/hostname', '0123456789ab\n'],
      ['/etc/resolv.conf', 'nameserver 192.0.2.1\n'],
    ].map(([destination = '', content]) => {
      return { destination, type: 'file', options: ['mode=644'], kind: 'file', content, standard: true } as const;
    }),
  ],
  linux: {
    namespaces: ['mount', 'pid', 'ipc', 'uts', 'cgroup', 'network'].map((type) => ({
      type,
    })) as Spec['linux']['namespaces'],
    uidMappings: [],
    gidMappings: [],
    devices: [
      { path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o666 },
      { path: '/dev/zero', type: 'c', major: 1, minor: 5, fileMode: 0o666 },
      { path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o666 },
      { path: '/dev/random', type: 'c', major: 1, minor: 8, fileMode: 0o666 },
      { path: '/dev/urandom', type: 'c', major: 1, minor: 9, fileMode: 0o666 },
      { path: '/dev/tty', type: 'c', major: 5, minor: 0, fileMode: 0o666 },
    ],
    maskedPaths: MASKED,
    readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
  },
};

test('a container of root is decided from its command alone', () => {
  expect(decide({ command: ['true'] })).toEqual(PRIVILEGED);
});

test('a container without privilege has a user namespace of one id, and no group of terminals', () => {
  const mappings = {
    uid: [{ containerID: 0, hostID: 1000, size: 1 }],
    gid: [{ containerID: 0, hostID: 100, size: 1 }],
  };
  const facts = { privileged: false, mappings, lastCapability: 40 };
  const withoutGroup = {
    ...PRIVILEGED.mounts[2],
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'],
  };
  expect(decide({ command: ['true'] }, { facts })).toEqual({
    ...PRIVILEGED,
    mounts: PRIVILEGED.mounts.map((mount) => (mount.destination === '/dev/pts' ? withoutGroup : mount)),
    linux: {
      ...PRIVILEGED.linux,
      namespaces: ['user', 'mount', 'pid', 'ipc', 'uts', 'cgroup', 'network'].map((type) => ({ type })),
      uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: 100, size: 1 }],
    },
  });
});

test('every option is in the spec', () => {
  const spec = decide({
    command: ['sh'],
    hostname: 'box',
    workdir: '/srv',
    tty: { columns: 100, rows: 30 },
    init: true,
    network: 'host',
    readOnly: true,
    upper: 'tmpfs',
    env: { A: '1' },
  });
  expect(spec.hostname).toBe('box');
  expect(spec.root).toEqual({ ...PRIVILEGED.root, readonly: true, upper: 'tmpfs' });
  expect(spec.process).toEqual({
    ...PRIVILEGED.process,
    terminal: true,
    consoleSize: { height: 30, width: 100 },
    args: ['sh'],
    env: [PATH, 'HOME=/root', 'TERM=xterm', 'HOSTNAME=box', 'A=1'],
    cwd: '/srv',
    init: true,
  });
  expect(spec.linux.namespaces.map(({ type }) => type)).toEqual(['mount', 'pid', 'ipc', 'uts', 'cgroup']);
});

test('a spec can be written as JSON and read again', () => {
  const spec = decide({ command: ['true'], tty: { columns: 80, rows: 24 } });
  expect(JSON.parse(JSON.stringify(spec))).toEqual(spec);
});

describe('the command line', () => {
  test.each<[string, ContainerOptions, Partial<Resolved['config']>, string[]]>([
    ["the image's command", {}, { Cmd: ['a'] }, ['a']],
    ["the image's entrypoint and command", {}, { Entrypoint: ['e'], Cmd: ['a'] }, ['e', 'a']],
    ['a command replaces the command', { command: ['b'] }, { Entrypoint: ['e'], Cmd: ['a'] }, ['e', 'b']],
    ['an entrypoint replaces both', { entrypoint: ['f'] }, { Entrypoint: ['e'], Cmd: ['a'] }, ['f']],
    ['both replace both', { entrypoint: ['f'], command: ['b'] }, { Entrypoint: ['e'], Cmd: ['a'] }, ['f', 'b']],
    ['an empty entrypoint removes it', { entrypoint: [], command: ['b'] }, { Entrypoint: ['e'] }, ['b']],
    ['an empty command removes it', { command: [] }, { Entrypoint: ['e'], Cmd: ['a'] }, ['e']],
  ])('%s', (_, options, config, expected) => {
    expect(decide(options, { config }).process.args).toEqual(expected);
  });

  test.each<[ContainerOptions, Partial<Resolved['config']>]>([
    [{}, {}],
    [{ command: [] }, { Cmd: ['a'] }],
    [{ entrypoint: [] }, { Cmd: ['a'] }],
  ])('that is empty is refused: %j of %j', (options, config) => {
    expect(() => decide(options, { config })).toThrow(expect.objectContaining({ code: 'NO_COMMAND' }));
  });
});

describe('the environment', () => {
  const environment = (options: ContainerOptions, env: readonly string[] = [], home = '/root') => {
    const user = { uid: 0, gid: 0, additionalGids: [], home };
    return decide({ command: ['true'], hostname: 'box', ...options }, { config: { Env: [...env] }, user }).process.env;
  };

  test("the image's variables replace the defaults, in their place", () => {
    expect(environment({}, ['PATH=/bin', 'LANG=C'])).toEqual(['PATH=/bin', 'HOME=/root', 'LANG=C', 'HOSTNAME=box']);
  });

  test("the user's variables replace the image's", () => {
    expect(environment({ env: { LANG: 'de', B: '2' } }, ['LANG=C', 'A=1'])).toEqual([
      PATH,
      'HOME=/root',
      'LANG=de',
      'A=1',
      'HOSTNAME=box',
      'B=2',
    ]);
  });

  test('a variable that is undefined is removed, a default too; an empty one is kept', () => {
    expect(environment({ env: { PATH: undefined, A: undefined, B: '' } }, ['A=1'])).toEqual([
      'HOME=/root',
      'HOSTNAME=box',
      'B=',
    ]);
  });

  test('HOME is that of the user, unless the image or the options say otherwise', () => {
    expect(environment({}, [], '/home/app')).toContain('HOME=/home/app');
    expect(environment({}, ['HOME=/image'], '/home/app')).toContain('HOME=/image');
    expect(environment({ env: { HOME: '/option' } }, ['HOME=/image'], '/home/app')).toContain('HOME=/option');
  });

  test('HOSTNAME is the hostname, unless the options say otherwise', () => {
    expect(environment({}, ['HOSTNAME=image'])).toContain('HOSTNAME=box');
    expect(environment({ env: { HOSTNAME: 'other' } })).toContain('HOSTNAME=other');
  });

  test('TERM is there with a terminal only, and what it says can be said otherwise', () => {
    expect(environment({}).join()).not.toContain('TERM');
    expect(environment({ tty: true })).toContain('TERM=xterm');
    expect(environment({ tty: true }, ['TERM=linux'])).toContain('TERM=linux');
  });

  test('a value with = is kept whole, and of two of one name the later one counts', () => {
    expect(environment({}, ['OPTIONS=a=b=c', 'TWICE=1', 'TWICE=2'])).toEqual(
      expect.arrayContaining(['OPTIONS=a=b=c', 'TWICE=2']),
    );
    expect(environment({}, ['TWICE=1', 'TWICE=2'])).not.toContain('TWICE=1');
  });
});

test.each([
  [undefined, undefined, '/'],
  [undefined, '', '/'],
  [undefined, '/image', '/image'],
  ['/option', '/image', '/option'],
])('the working directory of option %s and image %s is %s', (workdir, WorkingDir, expected) => {
  const config = WorkingDir === undefined ? {} : { WorkingDir };
  expect(decide({ command: ['true'], workdir }, { config }).process.cwd).toBe(expected);
});

test('the user is who was looked up', () => {
  const user = { uid: 1000, gid: 50, additionalGids: [4, 24], home: '/home/app' };
  const { process } = decide({ command: ['true'] }, { user });
  expect(process.user).toEqual({ uid: 1000, gid: 50, additionalGids: [4, 24] });
});

const BIND = ['rbind', 'rprivate'];

describe('mounts', () => {
  test('come behind the standard set, in their order, as an OCI runtime takes them', () => {
    const mounts = [
      { type: 'bind', source: '/data', target: '/srv/data' },
      { type: 'bind', source: '/etc/hosts', target: '/etc/hosts', readOnly: true },
      { type: 'tmpfs', target: '/tmp' },
      { type: 'tmpfs', target: '/cache', sizeBytes: 1_048_576, mode: 0o700, readOnly: true },
    ] as const;
    const kinds = ['directory', 'file', 'directory', 'directory'] as const;
    const resolved = mounts.map((mount, index) => ({ ...mount, kind: kinds[index] ?? 'directory' }));
    const spec = decide({ command: ['true'], mounts }, { mounts: resolved });
    const standard = PRIVILEGED.mounts.filter(({ destination }) => destination !== '/etc/hosts');
    expect(spec.mounts.slice(0, 8)).toEqual(standard);
    expect(spec.mounts.slice(8)).toEqual([
      { destination: '/tmp', type: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
      { destination: '/cache', type: 'tmpfs', options: ['nosuid', 'nodev', 'mode=700', 'size=1048576', 'ro'] },
      { destination: '/srv/data', type: 'bind', source: '/data', options: [...BIND, 'idmap'], kind: 'directory' },
      {
        destination: '/etc/hosts',
        type: 'bind',
        source: '/etc/hosts',
        options: [...BIND, 'rro', 'idmap'],
        kind: 'file',
      },
    ]);
  });

  test('come in the order of their depth, and else as they were given', () => {
    const targets = ['/a/b/c', '/z//y/', '/mnt', '/a/b', '/a'];
    const mounts = targets.map((target) => ({ type: 'tmpfs', target }) as const);
    const resolved = mounts.map((mount) => ({ ...mount, kind: 'directory' }) as const);
    const spec = decide({ command: ['true'], mounts }, { mounts: resolved });
    expect(spec.mounts.slice(-5).map(({ destination }) => destination)).toEqual([
      '/mnt',
      '/a',
      '/z//y/',
      '/a/b',
      '/a/b/c',
    ]);
  });

  test('bind the source that was looked at, where a relative one was given', () => {
    const mount = { type: 'bind', source: 'data', target: '/data' } as const;
    const resolved = { ...mount, source: '/work/data', kind: 'directory' } as const;
    const spec = decide({ command: ['true'], mounts: [mount] }, { mounts: [resolved] });
    expect(spec.mounts.at(-1)).toMatchObject({ source: '/work/data' });
  });
});

test('a process of a container has its own options, and the defaults it is given', () => {
  const user = { uid: 7, gid: 8, additionalGids: [], home: '/' };
  const defaults = { user, args: ['ls'], env: ['PATH=/bin', 'A=1'], cwd: '/srv', lastCapability: 40 };
  expect(normalizeProcess({ env: { A: '2' } }, defaults)).toEqual({
    terminal: false,
    consoleSize: undefined,
    user: { uid: 7, gid: 8, additionalGids: [] },
    args: ['ls'],
    env: ['PATH=/bin', 'HOME=/', 'A=2'],
    cwd: '/srv',
    capabilities: CAPABILITIES,
    lastCapability: 40,
    init: false,
  });
});

function decide(options: ContainerOptions, resolved: Partial<Resolved> = {}): Spec {
  return normalizeContainer(options, {
    id: `0123456789ab${'c'.repeat(52)}`,
    facts: { privileged: true, mappings: { uid: [], gid: [] }, lastCapability: 40 },
    config: {},
    user: { uid: 0, gid: 0, additionalGids: [], home: '/root' },
    mounts: [],
    devices: [],
    etc: { resolvConf: 'nameserver 192.0.2.1\nnameserver 127.0.0.1\n', isShared: false },
    rootPath: '/store/root',
    layers: ['/layers/1'],
    views: [],
    ...resolved,
  });
}
