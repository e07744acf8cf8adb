import { expect, test } from 'vitest';
import { findGroups, parseHierarchies } from '../../../sdk/engine/control-groups.ts';
import { ON_V1, UNIFIED, V1 } from '../../support/mounted-groups.ts';

test('hierarchies are found with their controllers, and the group of a process in each', () => {
  const first = (path: string, ...controllers: string[]) => {
    const mountPoint = /^\/sys\/fs\/cgroup\/[^/]+/.exec(path)?.[0];
    return { version: 1, mountPoint, root: '/', controllers, path };
  };
  expect(findGroups(parseHierarchies(V1 + UNIFIED), `${ON_V1}0::/b\n`)).toEqual([
    first('/sys/fs/cgroup/cpu,cpuacct/a', 'cpu', 'cpuacct'),
    first('/sys/fs/cgroup/memory/a', 'memory'),
    first('/sys/fs/cgroup/freezer', 'freezer'),
    first('/sys/fs/cgroup/pids/a', 'pids'),
    first('/sys/fs/cgroup/systemd', 'name=systemd'),
    {
      version: 2,
      mountPoint: '/sys/fs/cgroup/unified',
      root: '/',
      controllers: [],
      path: '/sys/fs/cgroup/unified/b',
    },
  ]);
});

test.each([
  ['/', '/', '/sys/fs/cgroup'],
  ['/', '/user.slice/x.scope', '/sys/fs/cgroup/user.slice/x.scope'],
  // Of an outer container without a namespace of groups: its own group is what is mounted.
  ['/docker/abc', '/docker/abc', '/sys/fs/cgroup'],
  ['/docker/abc', '/docker/abc/d', '/sys/fs/cgroup/d'],
  ['/docker/abc', '/docker/abcd', undefined],
  ['/docker/abc', '/', undefined],
  // Of a process outside of the namespace of groups.
  ['/', '/../b', undefined],
])('where %s is mounted, the group %s is %s', (root, group, path) => {
  const hierarchies = parseHierarchies(`30 23 0:26 ${root} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n`);
  expect(findGroups(hierarchies, `0::${group}\n`).map((found) => found.path)).toEqual(path === undefined ? [] : [path]);
});
