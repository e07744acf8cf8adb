/**
 * A container whose files have other ids on disk than it has on this machine: they are shown idmapped (man 2
 * mount_setattr). Only who may mount the file system itself may say so: a helper, before it enters the container's user
 * namespace, in mounts of its own.
 *
 *     launcher ──▶ helper: its own mounts, the host's directories idmapped in place, the overlays upon them
 *                    └─ enters the user namespace ──▶ stub: gets the finished mounts as descriptors
 */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  add,
  CLONE_NEWNS,
  chdir,
  fchdir,
  fchownat,
  MOVE_MOUNT_F_EMPTY_PATH,
  move_mount,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  open_tree,
  type Step,
  umask,
  unshare,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import { joinsNamespace, type Spec } from '../spec/spec.ts';
import { openOwnDevices } from './host-devices.ts';
import { isPipe } from './identity.ts';
import type { Wiring } from './launch.ts';
import type { OpeningMounts } from './mounts.ts';
import { cutMounts, enterDirectory, makeViewDirectories, mountRootOverlay, type OpeningViews } from './overlay.ts';
import { idmapInPlace } from './show-ids.ts';

/** The id on this machine of the user that the command is run as: of the same plans. */
export const HOST_USER = variable('user on this machine');

/** The root, not attached yet. */
const ROOT = variable('root');

/** What is made with the host's rights, and what the stub gets of it. */
export interface Outside {
  readonly steps: readonly Step[];
  /** Mounts that are attached nowhere. */
  readonly opened: readonly Variable[];
}

/** Whether a process comes into the container's user namespace with an id that may be none there. */
export function arrivesWithoutId(spec: Spec): boolean {
  return spec.root.idmapped !== undefined || joinsNamespace(spec, 'user');
}

/** Puts the root together, and opens the mounts that need the host's rights. */
export function mountOutside(
  spec: Spec,
  views: OpeningViews,
  { outside }: OpeningMounts,
  stdio: Wiring['stdio'],
): Outside {
  const [inMemory, idmapped] = [spec.root.upper === 'tmpfs', spec.root.idmapped ?? []];
  const directories = [...makeViewDirectories(spec), ...outside.directories];
  const devices = openOwnDevices(spec, spec.root.path);
  return {
    steps: [
      ...giveDescriptors(stdio),
      unshare.step('having mounts of its own', [CLONE_NEWNS]),
      umask.step('giving files the modes they are made with', [0]),
      ...outside.beforeCut,
      cutMounts(),
      ...outside.binds,
      ...devices.steps,
      // Made before the ids are others: the owners of directories are those that the disk has.
      ...(inMemory ? [] : [...enterDirectory(spec), ...directories]),
      ...idmapped.flatMap(idmapInPlace),
      ...(inMemory ? [...enterDirectory(spec), ...directories, ...idmapInPlace(spec.root.path)] : []),
      chdir.step('entering it with its ids', [spec.root.path]),
      ...mountRootOverlay(spec),
      open_tree.step('taking the root along', [AT_FDCWD, spec.root.path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], {
        into: ROOT,
      }),
      ...views.steps,
      ...outside.overlays,
    ],
    opened: [ROOT, ...views.views.map(({ mount }) => mount), ...outside.opened, ...devices.opened],
  };
}

/**
 * In the stub: its descriptors of what was made outside, by the same names.
 * @param first the number of the first one
 */
export function takeDescriptors(opened: readonly Variable[], first: number): Step[] {
  return opened.map((mount, index) => add(first + index, 0, mount));
}

/** Enters the finished root. It is attached where nothing must be looked for: the host's directories are closed to it. */
export function enterOpenedRoot(): Step[] {
  return [
    move_mount.step('attaching the root', [ROOT, '', AT_FDCWD, '/', MOVE_MOUNT_F_EMPTY_PATH]),
    fchdir.step('entering the root', [ROOT]),
  ];
}

/** Pipes belong to the host's root who made them; the container's users could not open them again, as /dev/stdout. */
function giveDescriptors(stdio: Wiring['stdio']): Step[] {
  return stdio.flatMap((descriptor, number) =>
    isPipe(descriptor) ? [giveDescriptor(number, descriptor, HOST_USER)] : [],
  );
}

/** Gives a pipe to a user by his id on this machine. */
export function giveDescriptor(number: number, descriptor: Variable | number, user: Variable | number): Step {
  return fchownat.step(`giving descriptor ${number} to the user`, [descriptor, '', user, UNCHANGED, AT_EMPTY_PATH]);
}

/** The group id that fchownat(2) takes for the one that is. */
const UNCHANGED = 0xffff_ffff;
