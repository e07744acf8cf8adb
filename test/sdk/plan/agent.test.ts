/** The order of the steps that bring an agent among a container's files. */
import { describe, expect, test } from 'vitest';
import { planAgentInContainer, planAgentOfRoot } from '../../../sdk/plan/agent.ts';
import { planContainer } from '../../../sdk/plan/container.ts';
import { callsOf, first, last, PIPES, ROOTLESS, specOf } from './specs.ts';

const spec = specOf({
  mounts: [
    { type: 'bind', source: '/data', target: '/data' },
    { type: 'tmpfs', target: '/memory' },
  ],
});
const inside = planAgentInContainer(spec);
const ofRoot = planAgentOfRoot(spec);

describe('every agent', () => {
  test.each([inside, ofRoot])('dies with its owner and cannot be looked into', ({ stub }) => {
    expect(first(stub, /^prctl\(PR_SET_PDEATHSIG/)).toBe(0);
    expect(first(stub, /^prctl\(PR_SET_DUMPABLE, 0,/)).toBeLessThan(first(stub, /^(setns|mount|setresuid)/));
    // Changing ids clears the wish.
    expect(last(stub, /^prctl\(PR_SET_PDEATHSIG/)).toBeGreaterThan(last(stub, /^setresuid/));
  });

  test.each([inside, ofRoot])('executes nothing, and reports nothing once it serves', ({ stub }) => {
    expect(callsOf(stub).join()).not.toMatch(/execve|clone3/);
    const serving = first(stub, /^close\(3\)/);
    const open = stub.slice(serving + 1).filter((step) => step.kind === 'call' && step.onError === undefined);
    expect(open.map((step) => step.kind === 'call' && step.call.syscall)).toEqual([
      ...Array(3).fill('close'),
      'exit_group',
    ]);
  });
});

describe('an agent in a running container', () => {
  test('enters its mount and its network namespace and not its PID namespace', () => {
    expect(callsOf(inside.stub)[first(inside.stub, /^setns/)]).toBe('setns(5, CLONE_NEWNS|CLONE_NEWNET)');
    const rootless = planAgentInContainer(specOf({}, { facts: ROOTLESS }));
    expect(callsOf(rootless.stub)[first(rootless.stub, /^setns/)]).toBe(
      'setns(5, CLONE_NEWNS|CLONE_NEWUSER|CLONE_NEWNET)',
    );
    const onHost = planAgentInContainer(specOf({ network: 'host' }));
    expect(callsOf(onHost.stub)[first(onHost.stub, /^setns/)]).toBe('setns(5, CLONE_NEWNS)');
  });

  test('takes the devices away from mounts of its own, and then all capabilities but those over files', () => {
    const order = [/^setns/, /^unshare\(CLONE_NEWNS\)/, /^mount_setattr\(.*MOUNT_ATTR_NODEV/, /^capset/, /^mmap/];
    const places = order.map((pattern) => first(inside.stub, pattern));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(callsOf(inside.stub)[first(inside.stub, /^capset/)]).toContain(
      '{CAP_CHOWN|CAP_DAC_OVERRIDE|CAP_FOWNER|CAP_FSETID|CAP_SETFCAP}',
    );
  });
});

describe('an agent of a container that does not run', () => {
  test('mounts the root with the steps of a start, and only the user’s mounts', () => {
    const root = (steps: typeof ofRoot.stub) =>
      callsOf(steps).filter((call) =>
        /^(mount\((null|"overlay")|pivot_root|umount2|open_tree(?!\(file of))/.test(call),
      );
    expect(root(ofRoot.stub)).toEqual(root(planContainer(spec, PIPES).stub));
    expect(callsOf(ofRoot.stub).join()).not.toMatch(/"proc"|"sysfs"|\/dev/);
  });

  test('cannot write to memory that would be gone with it', () => {
    expect(
      callsOf(ofRoot.stub)
        .filter((call) => call.startsWith('fsmount'))
        .join(),
    ).toContain('MOUNT_ATTR_RDONLY');
    const made = callsOf(planContainer(spec, PIPES).stub).filter((call) => call.startsWith('fsmount'));
    expect(made.filter((call) => call.includes('RDONLY')).length).toBeLessThan(made.length);
  });

  test('has a mount namespace of its own, and a user namespace where the container has one', () => {
    expect(callsOf(ofRoot.launch).join()).toMatch(/CLONE_NEWNS(?!.*CLONE_NEWPID)/);
    expect(callsOf(planAgentOfRoot(specOf({}, { facts: ROOTLESS })).launch).join()).toMatch(/CLONE_NEWUSER/);
  });
});
