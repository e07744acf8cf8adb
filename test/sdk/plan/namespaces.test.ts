/** The order in which namespaces are made and joined. */
import { describe, expect, test } from 'vitest';
import { planAgentInContainer } from '../../../sdk/plan/agent.ts';
import { planContainer } from '../../../sdk/plan/container.ts';
import { planJoin } from '../../../sdk/plan/join.ts';
import type { SpecNamespace } from '../../../sdk/spec/spec.ts';
import { callsOf, first, last, PIPES, ROOTLESS, specOf } from './specs.ts';

const spec = specOf();

/** A spec with these namespaces instead of, or besides, what it makes. */
function withNamespaces(changed: readonly SpecNamespace[], removed: readonly string[] = [], base = spec) {
  const types = [...changed.map(({ type }) => type as string), ...removed];
  const namespaces = [...base.linux.namespaces.filter(({ type }) => !types.includes(type)), ...changed];
  return { ...base, linux: { ...base.linux, namespaces } };
}

describe('what is joined', () => {
  const plan = planContainer(
    withNamespaces([
      { type: 'network', path: '/run/netns/a' },
      { type: 'ipc', container: 'a' },
    ]),
    PIPES,
  );

  test('is joined by a helper, which makes the process with what is its own', () => {
    const calls = callsOf(plan.launch);
    const joined = calls.filter((call) => call.startsWith('setns'));
    expect(joined).toEqual(['setns(network namespace, CLONE_NEWNET)', 'setns(ipc namespace, CLONE_NEWIPC)']);
    expect(calls[last(plan.launch, /^clone3/)]).toMatch(/CLONE_PARENT/);
    expect(calls[last(plan.launch, /^clone3/)]).not.toMatch(/CLONE_NEWNET|CLONE_NEWIPC/);
    expect(calls[first(plan.launch, /^clone3/)]).not.toMatch(/CLONE_NEW/);
  });

  test('is left as it is: its loopback is somebody else’s', () => {
    expect(callsOf(plan.stub).join()).not.toMatch(/SIOCSIFFLAGS/);
  });

  test('belongs to a user namespace, which is entered after what belongs to the machine and before the rest', () => {
    const joined = planContainer(
      withNamespaces([
        { type: 'network', container: 'a' },
        { type: 'user', container: 'a' },
      ]),
      PIPES,
    );
    expect(callsOf(joined.launch).filter((call) => call.startsWith('setns'))).toEqual([
      'setns(network namespace, CLONE_NEWNET)',
      'setns(user namespace, CLONE_NEWUSER)',
      'setns(network namespace, CLONE_NEWNET)',
    ]);
  });

  test('an error number is never taken for a process to be ended', () => {
    const steps = plan.launch;
    const clone = steps[last(steps, /^clone3/)];
    expect(clone).toMatchObject({ onError: 'no second' });
    expect(steps.find((step) => step.label === 'no second')).toMatchObject({
      kind: 'add',
      left: 0,
      right: 0,
      next: 'report',
    });
  });
});

describe('a mount namespace that is not its own', () => {
  test.each([
    ["the host's", withNamespaces([], ['mount'])],
    ['joined', withNamespaces([{ type: 'mount', container: 'a' }])],
  ])('has nothing mounted in it: %s', (_, changed) => {
    const { stub, launch } = planContainer(changed, PIPES);
    expect(callsOf([...launch, ...stub]).join('\n')).not.toMatch(
      /^(mount|umount2|move_mount|pivot_root|mkdirat|mknodat)\(/m,
    );
    expect(callsOf([...launch, ...stub]).join('\n')).not.toMatch(/clone3\([^)]*CLONE_NEWNS/);
  });

  test('is entered by the stub, and not where memory is shared with Node', () => {
    const { stub, launch } = planContainer(withNamespaces([{ type: 'mount', container: 'a' }]), PIPES);
    expect(callsOf(launch).join()).not.toMatch(/setns/);
    expect(callsOf(stub)[first(stub, /^setns/)]).toBe('setns(5, CLONE_NEWNS)');
  });
});

describe('a PID namespace that is not its own', () => {
  const joined = withNamespaces([{ type: 'pid', container: 'a' }]);

  test('has a keeper: a subreaper that is told when its owner ends, and only then makes the command', () => {
    const { stub } = planContainer(withNamespaces([], ['pid']), PIPES);
    const order = [
      /^prctl\(PR_SET_CHILD_SUBREAPER, 1/,
      /^prctl\(PR_SET_DUMPABLE, 0/,
      /^prctl\(PR_SET_PDEATHSIG, 64/,
      /^clone3/,
      /^execve/,
    ];
    const found = order.map((pattern) => first(stub, pattern));
    expect(found).toEqual(found.toSorted((a, b) => a - b));
  });

  test('is entered by a process with memory of its own, and nothing is mounted before', () => {
    const { stub, launch } = planContainer(joined, PIPES);
    expect(callsOf(launch).join()).not.toMatch(/setns/);
    const second = first(stub, /^clone3/);
    expect(callsOf(stub)[second]).toMatch(/flags=CLONE_PARENT[,}]/);
    expect(first(stub, /^setns\(5, CLONE_NEWPID\)/)).toBeLessThan(second);
    expect(first(stub, /^prctl\(PR_SET_DUMPABLE, 0/)).toBeLessThan(first(stub, /^setns/));
    expect(first(stub, /^(mount|fsopen|open_tree)\(/)).toBeGreaterThan(second);
  });

  test('shows the host’s /proc in a user namespace, which may not mount that one', () => {
    const rootless = withNamespaces([], ['pid'], specOf({}, { facts: ROOTLESS }));
    const calls = callsOf(planContainer(rootless, PIPES).stub).join('\n');
    expect(calls).toMatch(/open_tree\(AT_FDCWD, "\/proc"/);
    expect(calls).not.toMatch(/fsopen\("proc"/);
    expect(callsOf(planContainer(withNamespaces([], ['pid']), PIPES).stub).join()).toMatch(/fsopen\("proc"/);
  });

  test('what is executed is kept too, until the container has ended', () => {
    for (const each of [joined, withNamespaces([], ['pid'])]) {
      const { stub } = planJoin(each, each.process, PIPES);
      expect(first(stub, /^prctl\(PR_SET_CHILD_SUBREAPER, 1/)).toBeGreaterThan(first(stub, /^clone3/));
      expect(callsOf(stub).join('\n')).toMatch(/^signalfd4/m);
    }
  });
});

test('who enters a container enters what is not the host’s, and no more', () => {
  const few = withNamespaces([], ['mount', 'ipc', 'network']);
  expect(callsOf(planJoin(few, few.process, PIPES).stub).join('\n')).toMatch(
    /^setns\(5, CLONE_NEWCGROUP\|CLONE_NEWUTS\|CLONE_NEWPID\)$/m,
  );
  expect(callsOf(planAgentInContainer(few).stub).join()).not.toMatch(/setns/);
});

describe('time', () => {
  const moved = { ...withNamespaces([{ type: 'time' }]) };
  const { stub, launch } = planContainer(
    { ...moved, linux: { ...moved.linux, timeOffsets: { boottime: { secs: 7, nanosecs: 5 } } } },
    PIPES,
  );

  test('is made by the stub, and set in one write before anybody is in it', () => {
    expect(callsOf(launch).join()).not.toMatch(/CLONE_NEWTIME/);
    const order = [
      /^unshare\(CLONE_NEWTIME\)/,
      /^openat\(AT_FDCWD, "\/proc\/self\/timens_offsets"/,
      /^write\(.*"boottime 7 5", 12\)/,
      /^setns\(time namespace, CLONE_NEWTIME\)/,
    ];
    const found = order.map((pattern) => first(stub, pattern));
    expect(found).toEqual(found.toSorted((a, b) => a - b));
  });
});

test('only a host name of one’s own is set', () => {
  expect(callsOf(planContainer(withNamespaces([], ['uts']), PIPES).stub).join()).not.toMatch(/sethostname/);
});

test('mounts travel as they do on the host where nobody says how: they are opened before they are cut off', () => {
  const mounts = [{ type: 'bind', source: '/data', target: '/data' }] as const;
  const { stub } = planContainer(specOf({ mounts, propagation: 'unchanged' }), PIPES);
  const opened = first(stub, /^open_tree\(AT_FDCWD, "\/data"/);
  expect(opened).toBeLessThan(first(stub, /^mount\(NULL, "\/", NULL, MS_REC\|MS_SLAVE/));
  expect(callsOf(stub).join('\n')).not.toMatch(/mount_attr\{[^}]*propagation/);
  const shared = planContainer(specOf({ propagation: 'shared' }), PIPES);
  expect(last(shared.stub, /^mount\(NULL, "\/", NULL, MS_REC\|MS_SHARED, NULL\)/)).toBeGreaterThan(
    last(shared.stub, /^move_mount/),
  );
});
