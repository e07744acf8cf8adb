/** Mounts whose files are shown with a container's ids (man 2 mount_setattr, MOUNT_ATTR_IDMAP). */
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  close,
  label,
  MOUNT_ATTR,
  MOUNT_ATTR_IDMAP,
  MOVE_MOUNT_F_EMPTY_PATH,
  mount_setattr,
  move_mount,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  open_tree,
  type Step,
  type Variable,
  variable,
} from '../../syscalls/index.ts';

/** The user namespace that mounts are idmapped by, as a descriptor: of plans whose spec has `root.idmapped`. */
export const IDMAP_NAMESPACE = variable('namespace of the ids on disk');

const IDMAP = MOUNT_ATTR.encode({ attr_set: MOUNT_ATTR_IDMAP, userns_fd: IDMAP_NAMESPACE });

/**
 * Shows the files of a mount that is attached nowhere with the container's ids. What shows its files with other ids
 * already does so to the container, too (EPERM); and of what is mounted below it, not all file systems can.
 */
export function idmapMount(purpose: string, mount: Variable, recursive: boolean): Step[] {
  const setOne = (flags: number, onError: Record<string, string>) => {
    return mount_setattr.step(purpose, [mount, '', AT_EMPTY_PATH | flags, IDMAP, MOUNT_ATTR.size], { onError });
  };
  const done = `idmapped ${mount.name}`;
  const [all, alone] = [setOne(AT_RECURSIVE, { EINVAL: 'next', EPERM: 'next' }), setOne(0, { EPERM: 'next' })];
  return [...(recursive ? [{ ...all, next: done }] : []), alone, label(done)];
}

/** Shows all of a mount that is attached nowhere with the container's ids, or goes elsewhere where that cannot be. */
export function shareIds(purpose: string, mount: Variable, otherwise: string): Step {
  const onError = { EINVAL: otherwise };
  return mount_setattr.step(purpose, [mount, '', AT_EMPTY_PATH, IDMAP, MOUNT_ATTR.size], { onError });
}

/** Covers a directory with itself, idmapped: for who looks at it by its path. */
export function idmapInPlace(path: string): Step[] {
  const mount = variable(`idmapped ${path}`);
  const purpose = `showing '${path}' with the container's ids`;
  return [
    open_tree.step(purpose, [AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC], { into: mount }),
    // EPERM: it lies in one that is idmapped already.
    mount_setattr.step(purpose, [mount, '', AT_EMPTY_PATH, IDMAP, MOUNT_ATTR.size], { onError: { EPERM: 'next' } }),
    move_mount.step(purpose, [mount, '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH]),
    close.step(purpose, [mount]),
  ];
}
