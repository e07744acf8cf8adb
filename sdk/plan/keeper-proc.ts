/** What a keeper (keeper.ts) finds its children by, and the numbers of its descriptors. */
import {
  AT_FDCWD,
  CLONE_NEWNS,
  close,
  close_range,
  dup3,
  equal,
  label,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  openat,
  type Step,
  unshare,
  type Variable,
} from '../../syscalls/index.ts';
import { hasNamespace, joinsNamespace, type Spec } from '../spec/spec.ts';
import { openMount } from './detached.ts';
import type { KeeperOptions } from './keeper.ts';
import { FIRST_EXTRA_DESCRIPTOR } from './launch.ts';

/**
 * Opens a /proc that counts as a keeper does: this machine's where it shares its owner's PID namespace, else a new one of
 * the namespace that was joined. The latter is attached nowhere, but takes the right to mount in the present mount
 * namespace, and in a user namespace that is only in one of its own: a copy.
 *
 * @param ownsMounts whether the present mount namespace is the container's own
 */
export function openProc(spec: Pick<Spec, 'linux'>, into: Variable, ownsMounts: boolean): Step[] {
  if (!joinsNamespace(spec, 'pid')) {
    return [openat.step('opening /proc', [AT_FDCWD, '/proc', O_PATH | O_DIRECTORY | O_CLOEXEC, 0], { into })];
  }
  const needsCopy = !ownsMounts && hasNamespace(spec, 'user');
  return [
    ...(needsCopy ? [unshare.step('having mounts of its own', [CLONE_NEWNS])] : []),
    ...openMount({ type: 'proc', destination: 'the first process', options: [] }, into),
  ];
}

/** Gives a keeper its /proc by the number it knows, and leaves it nothing else. */
export function numberProc(proc: Variable, { proc: number, until }: KeeperOptions): Step[] {
  const first = until === undefined ? number + 1 : until + 1;
  return [...renumber(proc, number), close_range.step('closing all other descriptors', [first, 0xffff_ffff, 0])];
}

/** Where a keeper has its /proc. */
export const PROC_DESCRIPTOR = FIRST_EXTRA_DESCRIPTOR;

/** Gives a descriptor another number. */
export function renumber(descriptor: Variable, number: number): Step[] {
  const done = `numbered ${descriptor.name}`;
  return [
    equal(descriptor, number, { next: done }),
    dup3.step(`numbering ${descriptor.name}`, [descriptor, number, O_CLOEXEC]),
    close.step('closing a descriptor', [descriptor]),
    label(done),
  ];
}
