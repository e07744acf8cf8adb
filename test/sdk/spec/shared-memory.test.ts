/** Whose /dev/shm a container has: it goes with the IPC namespace. */
import { expect, test } from 'vitest';
import type { NamespaceOption } from '../../../sdk/spec/namespace-options.ts';
import { sharedMemory } from '../../../sdk/spec/shared-memory.ts';

const BOUND = {
  destination: '/dev/shm',
  type: 'bind',
  source: '/dev/shm',
  kind: 'directory',
  options: ['rbind', 'rprivate', 'nosuid', 'nodev', 'noexec'],
};

const of = (ipc?: NamespaceOption) => {
  return sharedMemory({ namespaces: { ipc } }, (reference) => {
    return { id: `id of ${reference}`, hasUser: false, hasMounts: reference !== 'in the host’s mounts' };
  });
};

test('it is one of its own, unless its IPC namespace is somebody’s that is known', () => {
  expect(of()).toBeUndefined();
  expect(of('private')).toBeUndefined();
  expect(of({ path: '/proc/1/ns/ipc' })).toBeUndefined();
});

test('it is the host’s, with the host’s', () => {
  expect(of('host')).toEqual(BOUND);
});

test('it is the other container’s, and the host’s where that one has no other', () => {
  expect(of({ container: 'a' })).toEqual({ ...BOUND, container: 'id of a' });
  expect(of({ container: 'in the host’s mounts' })).toEqual(BOUND);
});
