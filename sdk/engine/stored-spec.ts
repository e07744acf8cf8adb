/**
 * What is decided about a container that is not this thread's. Of a detached one it is written down when it starts; of
 * an attached one it is decided anew, from its record: its start must not take longer for those who look at it.
 */

import { readFileSync, readlinkSync, renameSync, writeFileSync } from 'node:fs';
import {
  type ContainerRecord,
  containerPaths,
  readContainerState,
  type Store,
  temporaryPath,
  whileRecordIsOurs,
} from '../../store/index.ts';
import { hasCode } from '../../syscalls/index.ts';
import type { Image } from '../image.ts';
import type { ContainerOptions } from '../spec/options.ts';
import type { Spec, SpecMount } from '../spec/spec.ts';
import { decideContainer } from './decide.ts';
import { LOOKS } from './looks.ts';
import { type Clock, readClock } from './lost.ts';
import { idsOfProcess } from './namespace-ids.ts';

/** The parts of a stored container. */
export interface StoredParts {
  readonly store: Store;
  readonly record: ContainerRecord;
  readonly image: Image;
  readonly options: ContainerOptions;
}

/** What is written down of a detached container: what was decided, when, and what has become of its mounts since. */
interface WrittenSpec extends Spec {
  readonly clock?: Clock;
  readonly remounted?: { readonly run: number; readonly mounts: readonly SpecMount[] };
}

/** Writes down what was decided about a container that is being started. */
export function writeSpec(store: Store, id: string, spec: Spec): Promise<void> {
  return whileRecordIsOurs(store, id, () => replaceSpec(store, id, { ...spec, clock: readClock() }));
}

/**
 * Changes what is written down of a detached container's mounts, for the run that it is in; does nothing where nothing is.
 * No change that another process makes at the same time is lost.
 */
export function changeMounts(
  store: Store,
  id: string,
  change: (mounts: readonly SpecMount[]) => readonly SpecMount[],
): Promise<void> {
  return whileRecordIsOurs(store, id, () => {
    const written = readWritten(store, id);
    if (written === undefined) return;
    const remounted = { run: runOf(store, id), mounts: change(mountsNow(store, id, written)) };
    replaceSpec(store, id, { ...written, remounted });
  });
}

/** A supervisor that starts the container again mounts what was decided, and knows nothing of what was written since. */
function mountsNow(store: Store, id: string, { mounts, remounted }: WrittenSpec): readonly SpecMount[] {
  return remounted?.run === runOf(store, id) ? remounted.mounts : mounts;
}

/** Which run a container is in: when it began. */
function runOf(store: Store, id: string): number {
  return Number(readContainerState(store, id)?.startedAt ?? 0);
}

function replaceSpec(store: Store, id: string, spec: WrittenSpec): void {
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
  const spec = decideContainer(image, found, record.id, store, 'describe', LOOKS);
  if (pid === null || isHosts) return spec;
  const { uid, gid } = idsOfProcess(pid);
  return { ...spec, linux: { ...spec.linux, uidMappings: uid, gidMappings: gid } };
}

/** What was decided about a detached container when it was last started, as it is now; undefined when it never was. */
export function readSpec(store: Store, id: string): Spec | undefined {
  const written = readWritten(store, id);
  if (written === undefined) return undefined;
  const { clock: _, remounted: __, ...spec } = written;
  return { ...spec, mounts: mountsNow(store, id, written) };
}

/** The clock when a detached container was last started, by which times in its state are to be understood. */
export function readClockOfStart(store: Store, id: string): Clock | undefined {
  return readWritten(store, id)?.clock;
}

function readWritten(store: Store, id: string): WrittenSpec | undefined {
  try {
    return JSON.parse(readFileSync(containerPaths(store, id).spec, 'utf8')) as WrittenSpec;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
