/** The volumes of containers: made and filled before the first process of any sees them. */
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import {
  type ContainerUses,
  containerPaths,
  type FillSource,
  fillDirectory,
  removeTree,
  type Store,
  useVolume,
} from '../../store/index.ts';
import type { Image } from '../image.ts';
import { usesOf } from '../image-origin.ts';
import { type ImageRoot, rootOf } from '../image-root.ts';
import type { Mount, VolumeMount } from '../spec/mount-options.ts';
import { anonymousVolumes, mountsOf, volumeName, volumeNames } from '../spec/mounts.ts';
import type { ContainerOptions } from '../spec/options.ts';

/** A container that is being made. */
export interface NewContainer {
  readonly id: string;
  readonly image: Image;
  readonly options: ContainerOptions;
  readonly store: Store;
}

/**
 * What a container uses of the store: it is not removed before the container is. Volumes that are not there yet are made
 * when the container is.
 */
export function usesOfContainer(image: Image, options: ContainerOptions, store: Store): ContainerUses {
  const mounts = mountsOf(options, image.config);
  const mounted = mounts.flatMap((mount) =>
    mount.type === 'image' ? rootOf(store, mount.image.origin, 'describe').layers : [],
  );
  return { ...usesOf(image.origin), mounted, volumes: volumeNames(mounts) };
}

/**
 * Makes the volumes of a new container fit for it.
 * @param remove removes the container, when this fails
 */
export async function prepareVolumes(
  { id, image, options, store }: NewContainer,
  remove: () => Promise<void>,
): Promise<void> {
  const mounts = mountsOf(options, image.config);
  if (!mounts.some(({ type }) => type === 'volume')) return;
  try {
    await fillVolumes(store, containerPaths(store, id).path, mounts, rootOf(store, image.origin, 'prepare'));
  } catch (error) {
    await remove();
    throw error;
  }
}

/**
 * Fills the volumes that no container has had yet, and makes those that are the container's own, as far as that was not
 * done before. The container's record
 * says already that it uses them: nobody removes them meanwhile.
 *
 * @param container its directory
 * @throws CaissonError STORE_FULL …; what has been made is the container's
 */
export async function fillVolumes(
  store: Store,
  container: string,
  mounts: readonly Mount[],
  root: ImageRoot,
): Promise<void> {
  for (const mount of mounts) {
    const name = mount.type === 'volume' ? volumeName(mount) : undefined;
    if (mount.type === 'volume' && name !== undefined) await useVolume(store, name, sourceOf(mount, root));
  }
  const own = anonymousVolumes(mounts);
  if (own.length === 0) return;
  mkdirSync(`${container}/volumes`, { mode: 0o700, recursive: true });
  for (const { directory, mount } of own) {
    const path = `${container}/${directory}`;
    if (existsSync(path)) continue;
    const filling = `${path}.filling`;
    await removeTree(filling);
    await fillDirectory(filling, sourceOf(mount, root));
    renameSync(filling, path);
  }
}

/** What a volume is filled with: of a part of one, what the image has at its place is no part. */
export function sourceOf(
  { noCopy, subpath, target }: VolumeMount,
  { layers, views }: ImageRoot,
): FillSource | undefined {
  return noCopy === true || subpath !== undefined ? undefined : { layers, views, path: target };
}
