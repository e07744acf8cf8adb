/** Parts of this machine's files, or of a volume, shown in a container. */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  MS_SLAVE,
  mount_setattr,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  open_tree,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  type Step,
  type Variable,
} from '../../syscalls/index.ts';
import type { SpecMount } from '../spec/spec.ts';
import { attributesOf, setAttributes } from './detached.ts';
import { openBelow } from './overlay.ts';

/**
 * Of mount(8): how mounts travel. One that is shared stays in the group of the mount that it is a copy of; one that is
 * unchanged does when that has a group.
 */
const PROPAGATION: Readonly<Record<string, number>> = { private: MS_PRIVATE, slave: MS_SLAVE, shared: 0, unchanged: 0 };

/**
 * Whether mounts below this one are to reach the host: then it must be opened while the mounts here are still the
 * host's peers.
 */
export function isShared({ options }: SpecMount): boolean {
  return ['shared', 'rshared', 'unchanged', 'runchanged'].some((each) => options.includes(each));
}

/** A copy of a mount of the host, attached nowhere: its attributes are set before anyone can use it. */
export function openBind({ type, source = '', destination, subpath, options }: SpecMount, into: Variable): Step[] {
  const purpose = `preparing the bind of ${source} for ${destination}`;
  const recursive = options.includes('rbind') ? AT_RECURSIVE : 0;
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive;
  // Of an image, links are followed inside; in a volume, they are other containers'.
  const resolve = type === 'bind' ? RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS : RESOLVE_IN_ROOT;
  const below = { directory: source, subpath: subpath ?? '', resolve };
  return [
    ...(subpath === undefined
      ? [open_tree.step(purpose, [AT_FDCWD, source, flags], { into })]
      : openBelow(purpose, below, into, recursive)),
    ...setBindAttributes(purpose, options, into, recursive),
  ];
}

/** Sets what options ask for. Only adds: what a user namespace may not take away (man 7 mount_namespaces) is never in the way. */
export function setBindAttributes(
  purpose: string,
  options: readonly string[],
  into: Variable,
  recursive: number,
): Step[] {
  const isTopOnly = recursive !== 0 && options.includes('ro');
  const attr_set = attributesOf(isTopOnly ? options.filter((option) => option !== 'ro') : options);
  const propagation = options.map((option) => PROPAGATION[option.replace(/^r/, '')]).find((each) => each !== undefined);
  const top = isTopOnly ? [setAttributes(purpose, into, '', MOUNT_ATTR_RDONLY, AT_EMPTY_PATH)] : [];
  if (attr_set === 0 && (propagation ?? 0) === 0) return top;
  const attr = MOUNT_ATTR.encode({ attr_set, propagation: propagation ?? 0 });
  return [mount_setattr.step(purpose, [into, '', AT_EMPTY_PATH | recursive, attr, MOUNT_ATTR.size]), ...top];
}
