import { expect, test } from 'vitest';
import { findGroups, parseHierarchies } from '../../../sdk/engine/control-groups.ts';
import { type GroupFacts, judgeFreezer, judgeGroups } from '../../../sdk/probe/cgroups.ts';
import { ON_V1, UNIFIED, V1 } from '../../support/mounted-groups.ts';

const V2 =
  '30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n';
interface Machine {
  readonly mounts: string;
  readonly cgroup: string;
  readonly writable?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
}

function facts({ mounts, cgroup, writable = [], files = {} }: Machine): GroupFacts {
  return {
    groups: findGroups(parseHierarchies(mounts), cgroup),
    mayMake: (path) => writable.includes(path),
    read: (path) => files[path] ?? '',
  };
}

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

test('the freezer is that of v2 where groups can be made; elsewhere, that of v1 included, there are signals', () => {
  const cgroup = `${ON_V1}0::/\n`;
  const [unified, freezer] = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup/freezer'];
  const both = { mounts: V1 + UNIFIED, cgroup };
  const ok = { status: 'ok', summary: expect.stringContaining(`cgroup.freeze below '${unified}'`) };
  expect(judgeFreezer(facts({ ...both, writable: [unified, freezer] }))).toMatchObject(ok);
  const limited = { status: 'limited', summary: expect.stringContaining('SIGSTOP') };
  expect(judgeFreezer(facts({ ...both, writable: [freezer] }))).toMatchObject({
    ...limited,
    remedy: expect.stringContaining('Delegate'),
  });
  expect(judgeFreezer(facts({ mounts: V1, cgroup: ON_V1, writable: [freezer] }))).toMatchObject({
    ...limited,
    remedy: expect.stringContaining('mount -t cgroup2'),
  });
});
