/** Mounts that are added to running containers, and taken from them. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { addContainerUses, containerPaths, type FillSource, fillDirectory, useVolume } from '../../store/index.ts';
import { CaissonError, close, compile, pidfd_open } from '../../syscalls/index.ts';
import { rootOf } from '../image-root.ts';
import { MOUNT_TARGET, planMount, planUnmount } from '../plan/live-mount.ts';
import type { Plan } from '../plan/plan.ts';
import type { Mount, VolumeMount } from '../spec/mount-options.ts';
import { plainPath, type ResolvedMount, specMount, volumeName } from '../spec/mounts.ts';
import { makesNamespace, type Spec, type SpecMount } from '../spec/spec.ts';
import { launchInit } from './child.ts';
import { explainMount } from './explain-mounts.ts';
import { findMountPoint } from './find-mount.ts';
import type { Life } from './life.ts';
import { resolveMounts } from './resolve-mounts.ts';
import type { FilesOnDisk } from './snapshot.ts';
import { userNamespaceOf } from './user-namespace.ts';
import { kindOfPart } from './volume-part.ts';
import { sourceOf } from './volumes.ts';

/**
 * Mounts something into a running container.
 * @throws CaissonError NOT_RUNNING, MOUNTS_NOT_OWN, MOUNT_TARGET_INVALID, BIND_SOURCE_NOT_FOUND …
 */
export async function mountInto(life: Life, mount: Mount): Promise<void> {
  await life.withFiles('mounted into', async (files) => {
    const { spec, pid } = runningSpec(life, files, 'mounted into');
    const resolved = await resolveMount(mount, files);
    const added = resolved.map((each) => specMount(each, newName()));
    await perform(planMount(spec, added), spec, pid, added);
    await life.remount((mounts) => [...mounts, ...added]);
  });
  await refresh(life);
}

/**
 * Takes a mount from a running container that it was made with, or that was added.
 * @throws CaissonError NOT_RUNNING, MOUNT_NOT_FOUND
 */
export async function unmountFrom(life: Life, target: string): Promise<void> {
  await life.withFiles('unmounted from', async (files) => {
    const { spec, pid } = runningSpec(life, files, 'unmounted from');
    const path = plainPath(target);
    const found = spec.mounts.findLast((each) => each.standard !== true && plainPath(each.destination) === path);
    if (found === undefined) throw notFound(spec, target);
    const point = findMountPoint(spec, pid, found);
    if (point === undefined) throw notThere(target);
    const mounted = { ...found, destination: point };
    await perform(planUnmount(spec, mounted), spec, pid, [mounted]);
    await life.remount((mounts) => without(mounts, found));
  });
  await refresh(life);
}

/** What is left without the last mount of this kind: other processes may have added some, and taken some away. */
function without(mounts: readonly SpecMount[], mount: SpecMount): SpecMount[] {
  const index = mounts.findLastIndex((each) => isDeepStrictEqual(each, mount));
  return mounts.filter((_, each) => each !== index);
}

/** Whoever is among the files has mounts of his own, which these are not in: the next to come has them. */
async function refresh({ files }: Life): Promise<void> {
  if (files.isUsed) await files.end();
}

function runningSpec(life: Life, { pid, label }: FilesOnDisk, done: string): { spec: Spec; pid: number } {
  if (pid === null || life.spec === null) throw life.notRunning(done);
  if (makesNamespace(life.spec, 'mount')) return { spec: life.spec, pid };
  throw new CaissonError('MOUNTS_NOT_OWN', `${label} cannot be ${done}: its mounts are not its own`, {
    hint: 'it was made with namespaces: { mount: … }',
  });
}

/** As when the container was made: what it uses is written down before it has it, and stays so until it is removed. */
async function resolveMount(mount: Mount, files: FilesOnDisk): Promise<ResolvedMount[]> {
  const { store, id, base } = files;
  const container = containerPaths(store, id).path;
  if (mount.type === 'image') {
    await addContainerUses(store, id, { mounted: rootOf(store, mount.image.origin, 'prepare').layers });
  }
  const places = { store, container, partKind: kindOfPart };
  if (mount.type !== 'volume') return resolveMounts([mount], places, 'prepare');
  const source = sourceOf(mount, rootOf(store, base.origin, 'prepare'));
  const name = volumeName(mount);
  if (name === undefined) return [await makeOwn(mount, container, source)];
  await addContainerUses(store, id, { volumes: [name] });
  await useVolume(store, name, source);
  return resolveMounts([mount], places, 'prepare');
}

/** A volume that goes with the container, beside those that it was made with. */
async function makeOwn(mount: VolumeMount, container: string, source: FillSource | undefined): Promise<ResolvedMount> {
  const directory = `${container}/volumes`;
  mkdirSync(directory, { mode: 0o700, recursive: true });
  const path = `${directory}/${newName()}`;
  await fillDirectory(path, source);
  return { ...mount, path, kind: 'directory' };
}

/** Another one in each process that mounts into the container. */
function newName(): string {
  return randomUUID();
}

/** @throws CaissonError, SyscallError when a step of the plan failed; then nothing of it is left */
async function perform(plan: Plan, spec: Spec, pid: number, mounts: readonly SpecMount[]): Promise<void> {
  const compiled = compile(plan);
  const target = pidfd_open(pid, 0);
  try {
    const ready = { compiled, image: compiled.image, program: () => compiled.program };
    const { child, started } = launchInit(ready, { ...userNamespaceOf(spec), [MOUNT_TARGET.name]: target });
    await started();
    await child.exited;
  } catch (error) {
    throw explainMount(error, mounts) ?? error;
  } finally {
    close(target);
  }
}

function notThere(target: string): CaissonError {
  const message = `what was mounted at '${target}' is not where that leads to now`;
  return new CaissonError('MOUNT_NOT_FOUND', message, { hint: 'the container has changed what is on the way to it' });
}

function notFound(spec: Spec, target: string): CaissonError {
  const known = spec.mounts.filter(({ standard }) => standard !== true).map(({ destination }) => `'${destination}'`);
  const mounts = known.length === 0 ? 'there is nothing' : `there are ${known.join(', ')}`;
  const message = `nothing that was asked for is mounted at '${target}': ${mounts}`;
  return new CaissonError('MOUNT_NOT_FOUND', message, { hint: 'what every container has is not unmounted' });
}
