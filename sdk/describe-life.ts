/** Tells of a container what its life knows. */
import { readdirSync, readlinkSync } from 'node:fs';
import { containerPaths } from '../store/places.ts';
import { hasCode } from '../syscalls/index.ts';
import type { ContainerInfo, UserNamespaceInfo } from './container-info.ts';
import type { Life } from './engine/life.ts';
import type { Image } from './image.ts';
import type { Spec } from './spec/spec.ts';

/** What is known about a life. */
export function describeLife(life: Life, image: Image): ContainerInfo {
  const { id, name, labels, state, health, status, isLost, restarts, createdAt, startedAt, exitedAt, spec } = life;
  const pid = state === 'running' || state === 'paused' ? life.pid : null;
  const { path, upper } = containerPaths(life.store, id);
  return {
    id,
    name,
    image: image.name,
    imageDigest: image.digest ?? null,
    labels,
    detached: life.isDetached,
    state,
    pid,
    exitCode: status?.exitCode ?? null,
    signal: status?.signal ?? null,
    lost: isLost,
    restarts,
    restartPolicy: life.restartPolicy,
    health,
    createdAt,
    startedAt,
    exitedAt,
    paths: { directory: path, changes: upper },
    namespaces: pid === null ? {} : namespacesOf(pid),
    userns: spec && userNamespaceOf(spec),
    spec,
  };
}

function userNamespaceOf({ linux: { ids, uidMappings: uid, gidMappings: gid } }: Spec): UserNamespaceInfo {
  return { ...(ids ?? { mode: 'host' }), uid, gid };
}

function namespacesOf(pid: number): Record<string, string> {
  const found: Record<string, string> = {};
  try {
    for (const name of readdirSync(`/proc/${pid}/ns`)) found[name] = readlinkSync(`/proc/${pid}/ns/${name}`);
  } catch (error) {
    // It has ended meanwhile.
    if (!hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) throw error;
  }
  return found;
}
