/**
 * POSIX shared memory, which is files in /dev/shm: it goes with the IPC namespace, as System V's does by itself. Of a
 * namespace by its path nobody can tell which files go with it.
 */
import { type FindJoined, isOfContainer } from './namespaces.ts';
import type { ContainerOptions } from './options.ts';
import type { SpecMount } from './spec.ts';

/** The /dev/shm of a container that shares the host's or another container's; undefined where it has its own. */
export function sharedMemory(
  { namespaces: { ipc = 'private' } = {} }: Pick<ContainerOptions, 'namespaces'>,
  find: FindJoined,
): SpecMount | undefined {
  if (ipc === 'host') return HOST_SHARED_MEMORY;
  if (!isOfContainer(ipc)) return undefined;
  const { id, hasMounts } = find(ipc.container);
  return hasMounts ? { ...HOST_SHARED_MEMORY, container: id } : HOST_SHARED_MEMORY;
}

const HOST_SHARED_MEMORY: SpecMount = {
  destination: '/dev/shm',
  type: 'bind',
  source: '/dev/shm',
  kind: 'directory',
  options: ['rbind', 'rprivate', 'nosuid', 'nodev', 'noexec'],
};
