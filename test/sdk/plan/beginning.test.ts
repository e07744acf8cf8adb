import { describe, expect, test } from 'vitest';
import { canBeLaunchedAhead, planAhead } from '../../../sdk/plan/beginning.ts';
import { isLaunchedAhead, planContainer } from '../../../sdk/plan/container.ts';
import { compile } from '../../../syscalls/index.ts';
import { callsOf, first, last, PIPES, ROOTLESS, SUBORDINATE, specOf, TERMINAL } from './specs.ts';

describe('a plan that is launched ahead', () => {
  const spec = specOf({}, { facts: ROOTLESS });
  const plan = planContainer(spec, PIPES, true);

  test('begins as what is launched before anything but the namespaces is known', () => {
    const beginning = planAhead(spec.linux, PIPES);
    expect(callsOf(plan.launch)).toEqual(callsOf(beginning.launch));
    expect(callsOf(plan.stub.slice(0, plan.ahead))).toEqual(callsOf(beginning.stub));
    const [ready, launched] = [compile(plan), compile(beginning)];
    expect(ready.image).toEqual(launched.image);
    expect(ready.launcher.bytes).toEqual(launched.launcher.bytes);
  });

  test('makes the network namespace before it waits, and all of the container after that', () => {
    const waits = first(plan.stub, /^read\(5, /);
    expect(first(plan.stub, /^unshare\(CLONE_NEWNET\)/)).toBeLessThan(waits);
    expect(last(plan.stub, /^ioctl\(.*SIOCSIFFLAGS/)).toBeLessThan(waits);
    expect(first(plan.stub, /^(mount|fsopen|chdir|sethostname)\(/)).toBeGreaterThan(waits);
  });

  test('is otherwise the plan that is launched as a whole', () => {
    const whole = callsOf(planContainer(spec, PIPES).stub).filter((call) => call !== '');
    const [before, after] = [plan.stub.slice(0, first(plan.stub, /^read\(5, /)), plan.stub.slice(plan.ahead)];
    expect([...callsOf(before), ...callsOf(after)].filter((call) => call !== '')).toEqual(whole);
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
  ])('%s is', (_, spec) => {
    expect(isLaunchedAhead(spec)).toBe(true);
    expect(canBeLaunchedAhead(spec.linux)).toBe(true);
  });

  const other = { id: 'b'.repeat(64), hasUser: false, hasMounts: true };
  test.each([
    ["that is in the host's network, as nothing takes long then", specOf({ network: 'host' })],
    ['that enters a user namespace with many ids', specOf({}, { facts: SUBORDINATE })],
    ['that joins a namespace by its path', specOf({ namespaces: { ipc: { path: '/proc/1/ns/ipc' } } })],
    ['that joins another container', specOf({ namespaces: { uts: { container: 'x' } } }, { findJoined: () => other })],
  ])('one is not %s', (_, spec) => {
    expect(isLaunchedAhead(spec)).toBe(false);
  });
});
