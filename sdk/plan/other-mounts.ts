/**
 * A mount of another container. The kernel copies mounts only of the mount namespace that one is in (man 2 open_tree), so
 * the stub goes there and comes back, while it is alone in its memory and its files are not the container's yet.
 */
import {
  AT_FDCWD,
  AT_RECURSIVE,
  CLONE_NEWNS,
  chroot,
  close,
  fchdir,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  openat,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  type Step,
  setns,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import type { Spec, SpecMount } from '../spec/spec.ts';
import { setBindAttributes } from './binds.ts';
import { openBelow } from './overlay.ts';

/** The mount namespace of the other container, as a descriptor: of plans whose spec has a mount of such a one. */
export const OTHER_MOUNTS = variable('mount namespace of the other');

/** What a launch has to be given for the mounts of a spec. */
export function otherMounts({ mounts }: Pick<Spec, 'mounts'>): Variable[] {
  return mounts.some(({ container }) => container !== undefined) ? [OTHER_MOUNTS] : [];
}

/** A copy of another container's mount, attached nowhere. What that container put in the way is not followed. */
export function openOtherMount(specMount: SpecMount, into: Variable): Step[] {
  const { container, source = '', destination, options } = specMount;
  const purpose = `preparing ${source} of container ${container} for ${destination}`;
  const [mounts, root] = [variable('own mounts'), variable('own root')];
  const below = { directory: '/', subpath: source.slice(1), resolve: RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS };
  const open = (path: string, flags: number, into: Variable) =>
    openat.step(purpose, [AT_FDCWD, path, flags | O_CLOEXEC, 0], { into });
  return [
    open('/proc/self/ns/mnt', O_RDONLY, mounts),
    open('/', O_PATH | O_DIRECTORY, root),
    setns.step(purpose, [OTHER_MOUNTS, CLONE_NEWNS]),
    ...openBelow(purpose, below, into, AT_RECURSIVE),
    setns.step(purpose, [mounts, CLONE_NEWNS]),
    // The namespace's root is another one where the owner's had been changed.
    fchdir.step(purpose, [root]),
    chroot.step(purpose, ['.']),
    ...[root, mounts].map((each) => close.step(purpose, [each])),
    ...setBindAttributes(purpose, options, into, AT_RECURSIVE),
  ];
}
