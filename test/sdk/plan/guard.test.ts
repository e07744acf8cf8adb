/** What a guard is asked by, what it keeps and how it ends, as data. */
import { describe, expect, test } from 'vitest';
import { FIRST_GUARDED, planGuard } from '../../../sdk/plan/guard.ts';
import { callsOf, first } from './specs.ts';

const { launch, stub } = planGuard();

describe('a guard', () => {
  test('is in no namespace but its owner’s, and becomes nothing else', () => {
    expect(callsOf(launch).find((call) => call.startsWith('clone3'))).not.toMatch(/CLONE_NEW/);
    expect(callsOf(stub).join()).not.toMatch(/setns|unshare|execve|clone3|set(res)?[ug]id/);
  });

  test('learns of the end of its owner’s thread by a signal that it has blocked before', () => {
    expect(first(stub, /^rt_sigprocmask\(SIG_SETMASK, ~\[\]/)).toBe(0);
    expect(callsOf(stub)[1]).toBe('prctl(PR_SET_PDEATHSIG, 64, 0, 0, 0)');
    expect(callsOf(stub)[first(stub, /^signalfd4/)]).toContain('(-1, [64], 8,');
  });

  test('cannot be looked into, and leaves the owner’s session and directory before it is ready', () => {
    const ready = first(stub, /^close\(3\)/);
    for (const step of [
      /^prctl\(PR_SET_DUMPABLE, 0,/,
      /^setsid/,
      /^chdir\("\/"\)/,
      /^close_range\(5, 4294967295, 0\)/,
    ]) {
      expect(first(stub, step)).toBeLessThan(ready);
      expect(first(stub, step)).toBeGreaterThan(0);
    }
  });

  test('reports nothing once it is ready: no failure ends it but by the end of its owner', () => {
    const ready = first(stub, /^close\(3\)/);
    const serving = stub.slice(ready + 1).filter((step) => step.kind === 'call' && step.onError === undefined);
    expect(callsOf(serving)).toEqual(['exit_group(0)']);
  });

  test('receives all that was sent before it acts on its owner’s end', () => {
    const [looked, received, ended] = [/^read\(5,/, /^recvmsg\(4,/, /^pidfd_send_signal/].map((call) =>
      first(stub, call),
    );
    expect(looked).toBeLessThan(received as number);
    expect(received).toBeLessThan(ended as number);
    const more = stub.find((step) => step.kind === 'equal' && step.label === 'nothing more');
    expect(more).toMatchObject({ left: { name: 'signal' }, right: -11, next: 'wait', otherwise: 'end' });
  });

  test('ends by SIGKILL what it holds, from the first slot on, and nothing when it was given nothing', () => {
    expect(callsOf(stub)[first(stub, /^pidfd_send_signal/)]).toBe('pidfd_send_signal(slot, SIGKILL, NULL, 0)');
    const begins = stub
      .slice(first(stub, /^mmap/))
      .filter((step) => step.kind === 'add' && step.left === FIRST_GUARDED && step.into.name !== 'iov_len');
    expect(begins.map((step) => step.kind === 'add' && step.into.name)).toEqual(['end of the slots', 'slot']);
  });
});
