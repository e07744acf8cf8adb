import { expect, test } from 'vitest';
import { type GroupFacts, judgeFreezer, judgeGroups, ownGroups, parseHierarchies } from '../../../sdk/probe/cgroups.ts';

const V2 =
  '30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n';
const V1 = [
  '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct',
  '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory',
  '37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer',
  '39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids',
  '40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd',
  '',
].join('\n');
const UNIFIED = '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n';

const ON_V1 = '9:name=systemd:/\n8:pids:/a\n6:freezer:/\n4:memory:/a\n2:cpu,cpuacct:/a\n';

interface Machine {
  readonly mounts: string;
  readonly cgroup: string;
  readonly writable?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
}

function facts({ mounts, cgroup, writable = [], files = {} }: Machine): GroupFacts {
  return {
    groups: ownGroups(parseHierarchies(mounts), cgroup),
    mayMake: (path) => writable.includes(path),
    read: (path) => files[path] ?? '',
  };
}

test('hierarchies are found with their controllers, and the group of this process in each', () => {
  expect(ownGroups(parseHierarchies(V1 + UNIFIED), `${ON_V1}0::/b\n`)).toEqual([
    {
      version: 1,
      mountPoint: '/sys/fs/cgroup/cpu,cpuacct',
      controllers: ['cpu', 'cpuacct'],
      path: '/sys/fs/cgroup/cpu,cpuacct/a',
    },
    { version: 1, mountPoint: '/sys/fs/cgroup/memory', controllers: ['memory'], path: '/sys/fs/cgroup/memory/a' },
    { version: 1, mountPoint: '/sys/fs/cgroup/freezer', controllers: ['freezer'], path: '/sys/fs/cgroup/freezer' },
    { version: 1, mountPoint: '/sys/fs/cgroup/pids', controllers: ['pids'], path: '/sys/fs/cgroup/pids/a' },
    { version: 1, mountPoint: '/sys/fs/cgroup/systemd', controllers: ['name=systemd'], path: '/sys/fs/cgroup/systemd' },
    { version: 2, mountPoint: '/sys/fs/cgroup/unified', controllers: [], path: '/sys/fs/cgroup/unified/b' },
  ]);
});

const user = '/sys/fs/cgroup/user.slice/x.scope';
const controllers = { [`${user}/cgroup.controllers`]: 'cpu memory pids\n' };

test.each<[string, Machine, string, RegExp]>([
  ['nothing', { mounts: '', cgroup: '' }, 'missing', /none are mounted/],
  [
    'v1 as root',
    {
      mounts: V1,
      cgroup: ON_V1,
      writable: ['memory/a', 'pids/a', 'cpu,cpuacct/a'].map((each) => `/sys/fs/cgroup/${each}`),
    },
    'ok',
    /^v1.*memory, pids, cpu/,
  ],
  ['v1 as a user', { mounts: V1, cgroup: ON_V1 }, 'missing', /^v1.*nothing/],
  [
    'hybrid, one writable',
    { mounts: V1 + UNIFIED, cgroup: `${ON_V1}0::/\n`, writable: ['/sys/fs/cgroup/memory/a'] },
    'limited',
    /^hybrid.*limit memory$/,
  ],
  [
    'v2 delegated',
    { mounts: V2, cgroup: '0::/user.slice/x.scope\n', writable: [user], files: controllers },
    'ok',
    /^v2/,
  ],
  [
    'v2 delegated in part',
    {
      mounts: V2,
      cgroup: '0::/user.slice/x.scope\n',
      writable: [user],
      files: { [`${user}/cgroup.controllers`]: 'memory pids\n' },
    },
    'limited',
    /memory, pids$/,
  ],
  [
    'v2 not delegated',
    { mounts: V2, cgroup: '0::/user.slice/x.scope\n', files: controllers },
    'missing',
    /^v2.*nothing/,
  ],
])('%s', (_, machine, status, summary) => {
  const found = judgeGroups(facts(machine));
  expect(found).toMatchObject({ status, summary: expect.stringMatching(summary) });
  expect(found.remedy === undefined).toBe(status === 'ok');
});

test('the freezer is that of v2 where groups can be made, else of v1, else there are signals', () => {
  const cgroup = `${ON_V1}0::/\n`;
  const [unified, freezer] = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup/freezer'];
  const both = { mounts: V1 + UNIFIED, cgroup };
  expect(judgeFreezer(facts({ ...both, writable: [unified, freezer] })).summary).toContain('cgroup.freeze');
  expect(judgeFreezer(facts({ ...both, writable: [freezer] })).summary).toContain('the freezer of v1');
  expect(judgeFreezer(facts(both))).toMatchObject({ status: 'limited', summary: expect.stringContaining('SIGSTOP') });
});
