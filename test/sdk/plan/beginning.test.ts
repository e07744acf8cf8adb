import { describe, expect, test } from 'vitest';
import { canBeLaunchedAhead, planAhead } from '../../../sdk/plan/beginning.ts';
import { isLaunchedAhead, planContainer } from '../../../sdk/plan/container.ts';
import { standardMounts } from '../../../sdk/spec/defaults.ts';
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

describe('what is launched ahead', () => {
  test.each([
    ['a container of root with the ids of the host', specOf()],
    ['a container without root', specOf({}, { facts: ROOTLESS })],
    ["one in the host's network", specOf({ network: 'host' })],
  ])('%s is', (_, spec) => {
    expect(isLaunchedAhead(spec)).toBe(true);
    expect(canBeLaunchedAhead(spec.linux)).toBe(true);
  });

  const other = { id: 'b'.repeat(64), hasUser: false, hasMounts: true };
  test.each([
    ['that enters a user namespace with many ids', specOf({}, { facts: SUBORDINATE })],
    ['that joins a namespace by its path', specOf({ namespaces: { ipc: { path: '/proc/1/ns/ipc' } } })],
    ['that joins another container', specOf({ namespaces: { uts: { container: 'x' } } }, { findJoined: () => other })],
  ])('one is not %s', (_, spec) => {
    expect(isLaunchedAhead(spec)).toBe(false);
  });
});
