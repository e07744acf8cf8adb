/**
 * Spec → plan: a mount that is added to a running container, or taken from it. A stub opens it among mounts of its own,
 * where it can see this machine's files, and takes it into the container's:
 *
 *     stub: own copy of the host's mounts ── opens, attached nowhere ──▶ enters the container's mounts ── attaches
 *
 * It is never in the container's PID namespace, and not dumpable, so nobody in there can see it.
 */
import {
  add,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  chdir,
  close_range,
  exit_group,
  fchdir,
  MNT_DETACH,
  mount,
  O_DIRECTORY,
  RESOLVE_NO_SYMLINKS,
  type Step,
  setns,
  UMOUNT_NOFOLLOW,
  umask,
  umount2,
  unshare,
  variable,
} from '../../syscalls/index.ts';
import { hasNamespace, type Spec, type SpecMount } from '../spec/spec.ts';
import { attachAt, makeFiles, unmountingPurpose } from './attach.ts';
import { becomeRoot } from './identity.ts';
import { FIRST_EXTRA_DESCRIPTOR, launchSteps } from './launch.ts';
import { openMounts } from './mounts.ts';
import { cutMounts, enterDirectory } from './overlay.ts';
import { openPlace } from './place.ts';
import { type Plan, planOf } from './plan.ts';
import { dieWithOwner, hideFromContainer } from './prelude.ts';
import { IDMAP_NAMESPACE, idmapInPlace } from './show-ids.ts';

/** Of the launch: the container's first process, as a pidfd. */
export const MOUNT_TARGET = variable('container to mount into');

const TARGET_DESCRIPTOR = FIRST_EXTRA_DESCRIPTOR;
const NOTHING_NEW = { namespaces: [], uidMappings: [], gidMappings: [] };

/** Where the stub has memory to make files in, among mounts of its own. */
const ROOM = '/proc';

/** Plans mounting into the running container of `spec`: mounts as the spec of a start has them. */
export function planMount(spec: Spec, mounts: readonly SpecMount[]): Plan {
  const isIdmapped = spec.root.idmapped !== undefined && !mounts.some(isOfMemory);
  const entersFirst = hasNamespace(spec, 'user') && !isIdmapped;
  const open = openMounts({ ...spec, mounts });
  const hasFiles = mounts.some(({ type }) => type === 'file');
  const hasOverlays = mounts.some(({ type }) => type === 'overlay');
  return planOf({
    launch: launchSteps(
      NOTHING_NEW,
      ['null', 'null', 'null'],
      [MOUNT_TARGET, ...(isIdmapped ? [IDMAP_NAMESPACE] : [])],
    ),
    stub: [
      ...begin(isIdmapped ? 2 : 1),
      ...(isIdmapped ? [add(TARGET_DESCRIPTOR + 1, 0, IDMAP_NAMESPACE)] : []),
      ...(entersFirst ? enterUser() : []),
      unshare.step('having mounts of its own', [CLONE_NEWNS]),
      umask.step('giving directories the modes they are made with', [0]),
      ...(isIdmapped ? open.outside.beforeCut : open.beforeCut),
      cutMounts(),
      ...(isIdmapped ? open.outside.binds : []),
      ...(hasOverlays ? enterDirectory(spec) : []),
      ...(isIdmapped && hasOverlays ? showIds(spec, mounts, open.outside.directories) : []),
      ...(isIdmapped ? open.outside.overlays : open.steps),
      ...(hasFiles ? [mount.step('mounting memory for files', ['tmpfs', ROOM, 'tmpfs', 0, 'mode=700'])] : []),
      ...makeFiles(open.opened, ROOM),
      ...enterMounts(hasNamespace(spec, 'user') && !entersFirst),
      ...open.opened.flatMap(attachAt),
      exit_group.step('leaving', [0]),
    ],
  });
}

/**
 * Plans unmounting.
 * @param mount `destination` is where it is (engine/find-mount.ts). Nothing on the way may be a symbolic link: whoever is in
 *   the container could have it lead to a mount that keeps something from him
 */
export function planUnmount(spec: Spec, mount: SpecMount): Plan {
  const { destination, kind } = mount;
  const place = variable('place');
  const purpose = unmountingPurpose(destination);
  const at = destination.lastIndexOf('/');
  const [parent, name] = [destination.slice(0, at) || '/', destination.slice(at + 1)];
  const isFile = kind === 'file';
  return planOf({
    launch: launchSteps(NOTHING_NEW, ['null', 'null', 'null'], [MOUNT_TARGET]),
    stub: [
      ...begin(1),
      ...enterMounts(hasNamespace(spec, 'user')),
      openPlace(purpose, isFile ? parent : destination, place, O_DIRECTORY, {}, RESOLVE_NO_SYMLINKS),
      fchdir.step(purpose, [place]),
      umount2.step(purpose, [isFile ? name : '.', MNT_DETACH | UMOUNT_NOFOLLOW]),
      exit_group.step('leaving', [0]),
    ],
  });
}

/** What is made new belongs to whose user namespace it is made in. */
function isOfMemory({ type }: SpecMount): boolean {
  return type === 'tmpfs' || type === 'file';
}

function begin(given: number): Step[] {
  return [
    ...dieWithOwner('mounting'),
    ...hideFromContainer(),
    close_range.step('closing all other descriptors', [TARGET_DESCRIPTOR + given, 0xffff_ffff, 0]),
  ];
}

function enterUser(): Step[] {
  return [
    setns.step("entering the container's user namespace", [TARGET_DESCRIPTOR, CLONE_NEWUSER]),
    ...becomeRoot(),
    ...dieWithOwner('mounting as root'),
  ];
}

function enterMounts(withUser: boolean): Step[] {
  const flags = CLONE_NEWNS + (withUser ? CLONE_NEWUSER : 0);
  return [
    setns.step("entering the container's mounts", [TARGET_DESCRIPTOR, flags]),
    ...(withUser ? [...becomeRoot(), ...dieWithOwner('mounting inside')] : []),
    chdir.step('entering the root', ['/']),
  ];
}

/** The directories that overlays are made of, in place, as of a start: those of the container and those that are new. */
function showIds(spec: Spec, mounts: readonly SpecMount[], directories: readonly Step[]): Step[] {
  const { path, idmapped = [], upper } = spec.root;
  const isKnown = (layer: string) => idmapped.some((known) => layer === known || layer.startsWith(`${known}/`));
  const added = mounts.flatMap(({ layers = [] }) => layers).filter((layer) => !isKnown(layer));
  return [
    ...directories,
    ...[...idmapped, ...new Set(added), ...(upper === 'tmpfs' ? [path] : [])].flatMap(idmapInPlace),
    chdir.step('entering it with its ids', [path]),
  ];
}
