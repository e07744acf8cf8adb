/** The order of the steps that bring a process into a running container. */
import { describe, expect, test } from 'vitest';
import { planContainer } from '../../../sdk/plan/container.ts';
import { planJoin } from '../../../sdk/plan/join.ts';
import { callsOf, first, last, PIPES, ROOTLESS, specOf, TERMINAL } from './specs.ts';

const spec = specOf({ workdir: '/image/work', command: ['image-command'] });
const { stub, launch } = planJoin(spec, spec.process, PIPES);

describe('a process that joins a container', () => {
  test('cannot be looked into from the moment it enters the namespaces on', () => {
    const hidden = first(stub, /^prctl\(PR_SET_DUMPABLE, 0,/);
    expect(hidden).toBeLessThan(first(stub, /^setns/));
    expect(() => first(stub, /^prctl\(PR_SET_DUMPABLE, 1,/)).toThrow();
  });

  test('enters all namespaces of the container at once, by a descriptor of its first process', () => {
    expect(callsOf(stub)[first(stub, /^setns/)]).toBe(
      'setns(5, CLONE_NEWNS|CLONE_NEWCGROUP|CLONE_NEWUTS|CLONE_NEWIPC|CLONE_NEWPID|CLONE_NEWNET)',
    );
    expect(callsOf(launch).at(-3)).toBe('dup3(descriptor 5, 5, 0)');
  });

  test('enters the user namespace too where there is one, and maps nothing', () => {
    const rootless = specOf({}, { facts: ROOTLESS });
    const plan = planJoin(rootless, rootless.process, PIPES);
    expect(callsOf(plan.stub)[first(plan.stub, /^setns/)]).toContain('CLONE_NEWUSER');
    expect(callsOf(plan.launch).join()).not.toMatch(/_map|CLONE_NEW/);
  });

  test("is cloned with Node as its parent, and never shares Node's memory in there", () => {
    const cloned = callsOf(stub)[first(stub, /^clone3/)];
    expect(cloned).toMatch(/CLONE_PARENT/);
    expect(first(stub, /^clone3/)).toBeGreaterThan(first(stub, /^setns/));
    expect(callsOf(launch).join()).not.toMatch(/setns/);
  });

  test('resolves no path until it is in the container, and holds no descriptor of the host when it does', () => {
    const closed = first(stub, /^close_range\(4, 4294967295, 0\)/);
    expect(callsOf(stub).slice(0, closed).join()).not.toMatch(/"\//);
    expect(callsOf(stub)[closed + 1]).toBe('chdir("/image/work")');
  });

  test('has given up as much as the first process of the container', () => {
    const identity = (steps: typeof stub) => {
      return callsOf(steps).filter((call) =>
        /^(prctl\(PR_CAP|setgroups|setresgid|setresuid|capset|umask\(0022|keyctl)/.test(call),
      );
    };
    expect(identity(stub)).toEqual(identity(planContainer(spec, PIPES).stub));
    expect(identity(stub).length).toBeGreaterThan(30);
  });

  test('dies with its owner, each of the two', () => {
    const cloned = first(stub, /^clone3/);
    const asked = callsOf(stub).flatMap((call, index) =>
      call.startsWith('prctl(PR_SET_PDEATHSIG') ? [index < cloned] : [],
    );
    expect(asked).toEqual([true, false]);
  });

  test('tells its pid last, by the one of the two that stays outside', () => {
    expect(callsOf(stub).slice(-2)).toEqual(['write(3, &pid of the process, 8)', 'exit_group(0)']);
    expect(last(stub, /^execve/)).toBe(stub.length - 3);
  });

  test("opens its terminal in the container's devpts", () => {
    const withTerminal = specOf({ tty: { columns: 132, rows: 43 } });
    const plan = planJoin(withTerminal, withTerminal.process, TERMINAL);
    const opened = first(plan.stub, /^openat2\(AT_FDCWD, "\/dev\/pts\/ptmx"/);
    expect(opened).toBeGreaterThan(first(plan.stub, /^clone3/));
    expect(callsOf(plan.stub).join('\n')).toContain('ioctl(10, TIOCSWINSZ, winsize{ws_row=43, ws_col=132})');
  });
});
