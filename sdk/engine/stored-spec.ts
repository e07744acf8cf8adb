/**
 * What is decided about a container that is not this thread's. Of a detached one it is written down when it starts; of
 * an attached one it is decided anew, from its record: its start must not take longer for those who look at it.
 */

import { readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import {
  type ContainerRecord,
  containerPaths,
  type Store,
  temporaryPath,
  whileRecordIsOurs,
} from '../../store/index.ts';
import { hasCode } from '../../syscalls/index.ts';
import type { Image } from '../image.ts';
import type { ContainerOptions } from '../spec/options.ts';
import type { IdMapping, Spec, SpecMount } from '../spec/spec.ts';
import { decideContainer } from './decide.ts';
import { findJoined } from './namespaces.ts';

/** The parts of a stored container. */
export interface StoredParts {
  readonly store: Store;
  readonly record: ContainerRecord;
  readonly image: Image;
  readonly options: ContainerOptions;
}

/** Writes down what was decided about a container that is being started. */
export function writeSpec(store: Store, id: string, spec: Spec): Promise<void> {
  return whileRecordIsOurs(store, id, () => replaceSpec(store, id, spec));
}

/**
 * Changes what is written down of a detached container's mounts; does nothing where nothing is. No change that another
 * process makes at the same time is lost.
 */
export function changeMounts(
  store: Store,
  id: string,
  change: (mounts: readonly SpecMount[]) => readonly SpecMount[],
): Promise<void> {
  return whileRecordIsOurs(store, id, () => {
    const spec = readSpec(store, id);
    if (spec !== undefined) replaceSpec(store, id, { ...spec, mounts: change(spec.mounts) });
  });
}

function replaceSpec(store: Store, id: string, spec: Spec): void {
  const temporary = temporaryPath(store);
  writeFileSync(temporary, JSON.stringify(spec), { mode: 0o600, flag: 'wx' });
  renameSync(temporary, containerPaths(store, id).spec);
}

/** What was decided about a container. @param pid its first process, if it runs: what ids it has is read there */
export function specOf({ store, record, image, options }: StoredParts, pid: number | null): Spec {
  const written = readSpec(store, record.id);
  if (written !== undefined) return written;
  const isHosts = pid !== null && readlinkSync(`/proc/${pid}/ns/user`) === readlinkSync('/proc/self/ns/user');
  // What became of 'auto' is seen by what it is in.
  const found = isHosts ? ({ ...options, userns: 'host' } as const) : options;
  const spec = decideContainer(image, found, record.id, store, 'describe', findJoined);
  if (pid === null || isHosts) return spec;
  const maps = { uidMappings: readMap(pid, 'uid_map'), gidMappings: readMap(pid, 'gid_map') };
  return { ...spec, linux: { ...spec.linux, ...maps } };
}

/** What was decided about a detached container when it was last started; undefined when it never was. */
export function readSpec(store: Store, id: string): Spec | undefined {
  try {
    return JSON.parse(readFileSync(containerPaths(store, id).spec, 'utf8')) as Spec;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** man 7 user_namespaces: lines of three numbers. */
function readMap(pid: number, name: 'uid_map' | 'gid_map'): IdMapping[] {
  const lines = readFileSync(`/proc/${pid}/${name}`, 'latin1').trim().split('\n');
  return lines.map((line) => {
    const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
    return { containerID, hostID, size };
  });
}
