import { describe, expect, test } from 'vitest';
import { beginsAs, planAhead } from '../../../sdk/plan/beginning.ts';
import { planContainer } from '../../../sdk/plan/container.ts';
import { standardMounts } from '../../../sdk/spec/defaults.ts';
import type { Spec } from '../../../sdk/spec/spec.ts';
import { compile } from '../../../syscalls/index.ts';
import { callsOf, first, last, PIPES, ROOTLESS, SUBORDINATE, specOf, TERMINAL } from './specs.ts';

describe('a plan that is launched ahead', () => {
  const spec = specOf({}, { facts: ROOTLESS });
  const plan = planContainer(spec, PIPES, true);

  test('begins as what is launched before anything but namespaces and file systems is known', () => {
    const beginning = planAhead({ linux: spec.linux, mounts: standardMounts(spec.linux.gidMappings) }, PIPES);
    expect(callsOf(plan.launch)).toEqual(callsOf(beginning.launch));
    expect(callsOf(plan.stub.slice(0, plan.ahead))).toEqual(callsOf(beginning.stub));
    const [ready, launched] = [compile(plan), compile(beginning)];
    expect(ready.image).toEqual(launched.image);
    expect(ready.launcher.bytes).toEqual(launched.launcher.bytes);
  });

  test('makes the network namespace and its own file systems before it waits, and names nothing until after that', () => {
    const waits = first(plan.stub, /^read\(5, /);
    expect(first(plan.stub, /^unshare\(CLONE_NEWNET\)/)).toBeLessThan(first(plan.stub, /^fsopen\("sysfs"/));
    expect(last(plan.stub, /^(ioctl\(.*SIOCSIFFLAGS|fsopen|fsmount)/)).toBeLessThan(waits);
    expect(first(plan.stub, /^(mount|open|openat|open_tree|chdir|sethostname)\(/)).toBeGreaterThan(waits);
  });

  test('makes what the plan makes that is launched as a whole', () => {
    const made = (calls: readonly string[]) => calls.filter((call) => call !== '').sort();
    const [before, after] = [plan.stub.slice(0, first(plan.stub, /^read\(5, /)), plan.stub.slice(plan.ahead)];
    expect(made([...callsOf(before), ...callsOf(after)])).toEqual(made(callsOf(planContainer(spec, PIPES).stub)));
  });

  test('makes no file system ahead that is not a new one', () => {
    const shared = planContainer(specOf({ namespaces: { ipc: 'host' } }), PIPES, true);
    const ahead = callsOf(shared.stub.slice(0, shared.ahead));
    expect(ahead.filter((call) => call.startsWith('fsopen('))).toHaveLength(5);
    expect(ahead.filter((call) => call.startsWith('open_tree('))).toEqual([]);
  });

  test('has the pipe of the rest behind its other descriptors, and lets go of it', () => {
    expect(callsOf(plan.stub)).toContain('close(5)');
    expect(callsOf(planContainer(specOf({ tty: true }), TERMINAL, true).stub)).toContain('close(5)');
  });
});

describe('a spec begins as was foreseen', () => {
  const foreseen = ({ linux, mounts }: Spec) => ({ linux, mounts });
  const rootless = specOf({}, { facts: ROOTLESS });

  test('whatever else is decided', () => {
    const more = specOf({ hostname: 'box', readOnly: true, tty: true, env: { A: '1' } }, { facts: ROOTLESS });
    expect(beginsAs(more, foreseen(rootless))).toBe(true);
    const mounted = specOf({ mounts: [{ type: 'tmpfs', target: '/tmp' }] }, { facts: ROOTLESS });
    expect(beginsAs(mounted, foreseen(rootless))).toBe(true);
  });

  test.each([
    ['other namespaces', specOf({ network: 'host' }, { facts: ROOTLESS })],
    ['other ids', specOf({}, { facts: SUBORDINATE })],
    ['no ids of its own', specOf()],
    ["somebody else's shared memory", specOf({ namespaces: { ipc: 'host' } }, { facts: ROOTLESS })],
    ['mounts that are made with other rights', { ...rootless, root: { ...rootless.root, idmapped: ['/store'] } }],
  ])('but not with %s', (_, spec) => {
    expect(beginsAs(spec, foreseen(rootless))).toBe(false);
  });
});

test('with subordinate ids, the process comes into its user namespace before it begins', () => {
  const { launch, stub, ahead } = planContainer(specOf({}, { facts: SUBORDINATE }), PIPES, true);
  expect(callsOf(launch)).toContain('setns(user namespace, CLONE_NEWUSER)');
  expect(first(stub, /^unshare\(CLONE_NEWNET\)/)).toBeLessThan(ahead as number);
});
