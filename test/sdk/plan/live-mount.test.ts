/** The order of mounting into a running container: each claim is a way out, or a refusal of the kernel's. */
import { describe, expect, test } from 'vitest';
import { planContainer } from '../../../sdk/plan/container.ts';
import { planMount, planUnmount } from '../../../sdk/plan/live-mount.ts';
import type { SpecMount } from '../../../sdk/spec/spec.ts';
import { callsOf, first, last, PIPES, ROOTLESS, specOf } from './specs.ts';

const BIND: SpecMount = {
  destination: '/data',
  type: 'bind',
  source: '/host/data',
  options: ['rbind', 'rprivate'],
  kind: 'directory',
};
const FILE: SpecMount = { destination: '/given', type: 'file', options: ['mode=644'], kind: 'file', content: 'x' };

describe.each([
  ['of root', specOf()],
  ['without root', specOf({}, { facts: ROOTLESS })],
])('mounting into a container %s', (_, spec) => {
  const { stub } = planMount(spec, [BIND, FILE]);
  const entered = first(stub, /^setns\(5?4, .*CLONE_NEWNS/);

  test('opens what is mounted before it is where the container can lead it', () => {
    expect(first(stub, /^open_tree\(AT_FDCWD, "\/host\/data"/)).toBeLessThan(entered);
    expect(last(stub, /^open_tree\(/)).toBeLessThan(entered);
    expect(first(stub, /^prctl\(PR_SET_DUMPABLE, 0/)).toBeLessThan(entered);
  });

  test('resolves no path of the container before that, and attaches behind it', () => {
    const before = callsOf(stub).slice(0, entered).join('\n');
    expect(before).not.toMatch(/"\/data"|"\/given"/);
    expect(first(stub, /^move_mount\(/)).toBeGreaterThan(entered);
  });

  test('has mounts of its own, cut off from the host’s, before it opens anything', () => {
    const cut = first(stub, /^mount\(NULL, "\/", NULL, MS_REC\|MS_SLAVE, NULL\)/);
    expect(first(stub, /^unshare\(CLONE_NEWNS\)/)).toBeLessThan(cut);
    expect(cut).toBeLessThan(first(stub, /^open_tree\(/));
  });
});

test('without root it has the rights of the container’s user namespace before it makes a mount namespace', () => {
  const { stub } = planMount(specOf({}, { facts: ROOTLESS }), [BIND]);
  expect(first(stub, /^setns\(.*CLONE_NEWUSER\)/)).toBeLessThan(first(stub, /^unshare\(/));
});

test('unmounting follows no link, and takes the place it has found', () => {
  const { stub } = planUnmount(specOf(), BIND);
  const opened = callsOf(stub)[first(stub, /^openat2\(AT_FDCWD, "\/data"/)];
  expect(opened).toContain('RESOLVE_NO_SYMLINKS');
  expect(callsOf(stub)).toContain('umount2(".", MNT_DETACH|UMOUNT_NOFOLLOW)');
  expect(callsOf(planUnmount(specOf(), FILE).stub)).toContain('umount2("given", MNT_DETACH|UMOUNT_NOFOLLOW)');
});

test('devices that are asked for come besides those that all have, or in their place', () => {
  const device = { type: 'c', major: 10, minor: 200, mode: 0o600, uid: 0, gid: 44 } as const;
  const devices = [
    { ...device, option: { path: '/dev/net/tun' } },
    { ...device, option: { path: '/dev/sound', target: '/dev/./null', mode: 0o640 } },
  ];
  const calls = callsOf(planContainer(specOf({}, { devices }), PIPES).stub);
  expect(calls).toContain('mkdirat(AT_FDCWD, "/dev/net", 0755)');
  expect(calls).toContain('mknodat(AT_FDCWD, "/dev/net/tun", S_IFCHR|0600, 2760)');
  expect(calls).toContain('fchownat(AT_FDCWD, "/dev/net/tun", 0, 44, 0)');
  expect(calls.filter((call) => call.includes('"/dev/null", S_IF'))).toEqual([
    'mknodat(AT_FDCWD, "/dev/null", S_IFCHR|0640, 2760)',
  ]);
  const rootless = callsOf(planContainer(specOf({}, { devices, facts: ROOTLESS }), PIPES).stub);
  expect(rootless).toContain('open_tree(AT_FDCWD, "/dev/sound", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)');
  expect(rootless.join()).not.toContain('S_IFCHR');
});
