import { expect, test } from 'vitest';
import { planContainer } from '../../../sdk/plan/container.ts';
import { planJoin } from '../../../sdk/plan/join.ts';
import type { ContainerOptions } from '../../../sdk/spec/options.ts';
import type { Spec } from '../../../sdk/spec/spec.ts';
import { callsOf, first, last, PIPES, ROOT, specOf } from './specs.ts';

const RANGE = [{ containerID: 0, hostID: 1_879_048_192, size: 65_536 }];
const FACTS = { ...ROOT, privileged: false, mappings: { uid: RANGE, gid: RANGE } };

/** A container of root's with ids of its own. */
function idmapped(options: ContainerOptions = {}): Spec {
  const views = [{ source: '/usr', target: '/usr' }];
  const mounts = (options.mounts ?? []).map((mount) => ({ ...mount, kind: 'directory' as const }));
  return specOf(options, { facts: FACTS, idmapped: ['/store', '/usr'], views, mounts });
}

test('with ids of its own, a root is put together by the launcher’s helper before it enters the user namespace', () => {
  const { launch, stub } = planContainer(idmapped(), PIPES);
  const order = [
    /unshare\(CLONE_NEWNS\)/,
    /mount\(NULL, "\/", NULL, MS_REC\|MS_SLAVE/,
    /mkdirat\(AT_FDCWD, "upper\/usr"/,
    /mount_setattr\(idmapped \/store, .*MOUNT_ATTR_IDMAP.*namespace of the ids on disk/,
    /move_mount\(idmapped \/usr, "", AT_FDCWD, "\/usr"/,
    /mount\("overlay", "\/store\/containers\/1"/,
    /open_tree\(AT_FDCWD, "\/store\/containers\/1", OPEN_TREE_CLONE/,
    /mount\("overlay", "views\/usr"/,
    /setns\(user namespace, CLONE_NEWUSER\)/,
    /capset/,
    /execveat/,
  ].map((pattern) => first(launch, pattern));
  expect(order).toEqual(order.toSorted((one, other) => one - other));
  // What the stub mounts is what belongs to the container's namespaces.
  expect(callsOf(stub).filter((call) => /^mount\("overlay"|lowerdir|\/store/.test(call))).toEqual([]);
});

test('what the kernel notes of overlays is noted as root of the machine does', () => {
  const overlays = callsOf(planContainer(idmapped(), PIPES).launch).filter((call) => call.includes('lowerdir'));
  expect(overlays.length).toBe(2);
  expect(overlays.filter((call) => call.includes('userxattr'))).toEqual([]);
});

test('the stub becomes root of its user namespace before it makes anything, and attaches the root where no path leads', () => {
  const { stub } = planContainer(idmapped(), PIPES);
  expect(first(stub, /setresuid\(0, 0, 0\)/)).toBeLessThan(first(stub, /PR_SET_PDEATHSIG/));
  expect(first(stub, /setresuid\(0, 0, 0\)/)).toBeLessThan(first(stub, /fsopen|mkdirat|open_tree/));
  expect(first(stub, /move_mount\(root, "", AT_FDCWD, "\/"/)).toBeLessThan(first(stub, /pivot_root/));
  expect(last(stub, /prctl\(PR_CAP_AMBIENT, 4/)).toBeLessThan(last(stub, /execve\(/));
});

test('binds are opened with the host’s rights, and shown with the container’s ids unless it is refused', () => {
  const mounts = [
    { type: 'bind', source: '/data', target: '/data' },
    { type: 'bind', source: '/plain', target: '/plain', idmap: false },
    { type: 'tmpfs', target: '/tmp' },
  ] as const;
  const { launch, stub } = planContainer(idmapped({ mounts }), PIPES);
  const shown = callsOf(launch).filter((call) => /mount_setattr\(mount .*IDMAP/.test(call));
  expect(shown.length).toBe(2);
  expect(shown.every((call) => call.includes('(/data)'))).toBe(true);
  expect(first(launch, /open_tree\(AT_FDCWD, "\/plain"/)).toBeLessThan(first(launch, /idmapped \/store/));
  expect(callsOf(stub).filter((call) => /"\/(data|plain)", OPEN_TREE/.test(call))).toEqual([]);
  expect(first(stub, /fsopen\("tmpfs"/)).toBeLessThan(first(stub, /pivot_root/));
});

test('pipes are given to the user before the user namespace is entered', () => {
  const { launch } = planContainer(idmapped({ user: 5 }), PIPES);
  expect(last(launch, /fchownat\(stderr, "", user on this machine, /)).toBeLessThan(first(launch, /setns/));
  const spec = idmapped();
  const user = { uid: 7, gid: 7, additionalGids: [] };
  const { stub } = planJoin(spec, { ...spec.process, user }, PIPES);
  expect(first(stub, /fchownat\(1, "", 1879048199, /)).toBeLessThan(first(stub, /setns/));
});

test('without ids of its own, a root is mounted by the stub, and nothing is idmapped', () => {
  const bind = { type: 'bind', source: '/data', target: '/data' } as const;
  const { launch, stub } = planContainer(specOf({ mounts: [bind] }), PIPES);
  expect(callsOf([...launch, ...stub]).filter((call) => /IDMAP|CLONE_NEWUSER|capability/.test(call))).toEqual([]);
  expect(first(stub, /mount\("overlay", "\/store\/containers\/1"/)).toBeGreaterThan(0);
});
