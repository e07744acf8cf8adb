/** A mount of another container: how the stub gets a copy of it. */
import { describe, expect, test } from 'vitest';
import { planContainer } from '../../../sdk/plan/container.ts';
import { callsOf, first, PIPES, ROOTLESS, specOf } from './specs.ts';

const findJoined = () => ({ id: 'b', hasUser: true, hasMounts: true });
const SHARING = { namespaces: { ipc: { container: 'b' } } } as const;
const spec = specOf(SHARING, { findJoined, facts: ROOTLESS });

describe('the /dev/shm of another container', () => {
  const { stub, launch } = planContainer(spec, PIPES);
  const calls = callsOf(stub);

  test('is copied in that one’s mount namespace, by who is alone in his memory, and he comes back', () => {
    expect(callsOf(launch).join()).not.toMatch(/CLONE_NEWNS\)/);
    const gone = first(stub, /^setns\(mount namespace of the other, CLONE_NEWNS\)/);
    expect(calls.slice(gone - 2, gone + 10).map((call) => call.replace(/\(.*/, ''))).toEqual([
      'openat',
      'openat',
      'setns',
      'openat',
      'openat2',
      'open_tree',
      'close',
      'close',
      'setns',
      'fchdir',
      'chroot',
      'close',
    ]);
    expect(gone).toBeLessThan(first(stub, /^mount\(/));
  });

  test('is found without following what that one put in the way', () => {
    expect(calls[first(stub, /"dev\/shm"/)]).toMatch(/RESOLVE_NO_MAGICLINKS\|RESOLVE_NO_SYMLINKS\|RESOLVE_IN_ROOT/);
  });

  test('takes the place of a tmpfs of one’s own', () => {
    const shown = spec.mounts.filter(({ destination }) => destination === '/dev/shm');
    expect(shown).toMatchObject([{ type: 'bind', source: '/dev/shm', container: 'b', standard: true }]);
    expect(calls.filter((call) => call.includes('"/dev/shm"')).map((call) => call.replace(/\(.*/, ''))).toEqual([
      'mkdirat',
      'move_mount',
    ]);
  });

  test('is opened by the stub also where mounts are opened with the host’s rights', () => {
    const apart = planContainer(specOf(SHARING, { findJoined, facts: ROOTLESS, idmapped: ['/store'] }), PIPES);
    expect(callsOf(apart.launch).join()).not.toMatch(/dev\/shm/);
    expect(first(apart.stub, /^setns\(mount namespace of the other/)).toBeGreaterThan(0);
  });
});

test('a container with a /dev/shm of its own, or the host’s, goes nowhere', () => {
  for (const ipc of ['private', 'host'] as const) {
    const { stub } = planContainer(specOf({ namespaces: { ipc } }), PIPES);
    expect(callsOf(stub).join()).not.toMatch(/setns/);
  }
  const { stub } = planContainer(specOf({ namespaces: { ipc: 'host' } }), PIPES);
  expect(first(stub, /^open_tree\(AT_FDCWD, "\/dev\/shm", .*AT_RECURSIVE/)).toBeGreaterThan(0);
});
