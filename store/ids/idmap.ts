/**
 * Idmapped mounts: a file system shown with other owners than it has on disk, without changing one of them
 * (man 2 mount_setattr). The kernel takes the ids from a user namespace: what is mapped in it, to where.
 */
import { closeSync, statSync } from 'node:fs';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  close,
  FSCONFIG_CMD_CREATE,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  fsconfig,
  fsmount,
  fsopen,
  hasCode,
  MOUNT_ATTR,
  MOUNT_ATTR_IDMAP,
  mount_setattr,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  open_tree,
  SyscallError,
  shared,
} from '../../syscalls/index.ts';
import type { IdMapping, IdMappings } from './mapping.ts';
import { makeUserNamespace } from './namespace.ts';
import { findIds, type OwnIds } from './own-ids.ts';

/** The namespaces of ids that root maps, as descriptors. They are this thread's; nobody closes them. */
export interface IdNamespaces {
  /** What a container's processes are in. */
  readonly user: number;
  /**
   * What mounts are idmapped by. Besides the container's ids it maps the host's root, to an id on disk that no container
   * has: overlayfs makes its own files, whiteouts and the like, as who mounted it, and makes none for whom no id on disk
   * stands.
   */
  readonly idmap: number;
}

/** The id on disk that stands for the host's root, unless it is mapped. The greatest but two. */
const ROOT_ON_DISK = 0xffff_fffc;

/** How many mappings' namespaces are kept: those of ranges, and of maps that users think of. */
const MAX_KEPT = 256;

const kept = shared('id namespaces', () => new Map<string, IdNamespaces>());

/**
 * The namespaces for these ids, made at the first call of this thread.
 * @throws SyscallError when no user namespace can be made
 */
export function idNamespaces(mappings: IdMappings): IdNamespaces {
  const key = JSON.stringify(mappings);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const user = makeUserNamespace(mappings, 'root');
  let made: IdNamespaces;
  try {
    const { uid, gid } = mappings;
    made = { user, idmap: makeUserNamespace({ uid: withRoot(uid), gid: withRoot(gid) }, 'root') };
  } catch (error) {
    closeSync(user);
    throw error;
  }
  const oldest = kept.keys().next().value;
  if (kept.size >= MAX_KEPT && oldest !== undefined) closeKept(oldest);
  kept.set(key, made);
  return made;
}

/** Closes the namespaces for these ids, if there are any. */
export function forgetNamespaces(mappings: IdMappings): void {
  closeKept(JSON.stringify(mappings));
}

function closeKept(key: string): void {
  const namespaces = kept.get(key);
  if (namespaces === undefined) return;
  kept.delete(key);
  closeSync(namespaces.user);
  closeSync(namespaces.idmap);
}

function withRoot(mappings: readonly IdMapping[]): readonly IdMapping[] {
  const isMapped = mappings.some(({ hostID }) => hostID === 0);
  return isMapped ? mappings : [...mappings, { containerID: ROOT_ON_DISK, hostID: 0, size: 1 }];
}

/** The user namespaces of ordinary users' maps that are not what they have anyway. */
const own = shared('own id namespaces', () => new Map<string, number>());

/**
 * The user namespace of an ordinary user in which these of his ids are mapped.
 * @param ids what he has
 * @throws CaissonError IDS_NOT_MAPPED when newuidmap refuses
 */
export function userMappedNamespace(ids: Extract<OwnIds, { kind: 'subordinate' }>, mappings: IdMappings): number {
  const key = JSON.stringify(mappings);
  if (key === JSON.stringify(ids.mappings)) return ids.namespace;
  let namespace = own.get(key);
  if (namespace === undefined) {
    const found = findIds();
    namespace = makeUserNamespace(mappings, found.kind === 'subordinate' ? found.programs : 'self');
    own.set(key, namespace);
  }
  return namespace;
}

/** By device number: whether a file system can be idmapped, or why not. */
const answers = new Map<number | 'tmpfs', string | undefined>();

/**
 * Why the file system of a path cannot be shown with other ids; undefined when it can. It is tried, once for each.
 * @param path an existing one
 * @param namespace any that has ids, as a descriptor
 */
export function whyNotIdmapped(path: string, namespace: number): string | undefined {
  const { dev } = statSync(path);
  if (!answers.has(dev)) {
    answers.set(
      dev,
      tryIdmap(path, namespace, () => open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)),
    );
  }
  return answers.get(dev);
}

/** {@link whyNotIdmapped}, of memory (Linux ≥ 6.3). */
export function whyNoIdmappedMemory(namespace: number): string | undefined {
  if (!answers.has('tmpfs')) answers.set('tmpfs', tryIdmap('tmpfs', namespace, openMemory));
  return answers.get('tmpfs');
}

/** A mount that is attached nowhere, and gone when it is closed. */
function openMemory(): number {
  const context = fsopen('tmpfs', FSOPEN_CLOEXEC);
  try {
    fsconfig(context, FSCONFIG_CMD_CREATE, null, null, 0);
    return fsmount(context, FSMOUNT_CLOEXEC, 0);
  } finally {
    close(context);
  }
}

function tryIdmap(what: string, namespace: number, open: () => number): string | undefined {
  let mount: number | undefined;
  try {
    mount = open();
    const attributes = MOUNT_ATTR.encode({ attr_set: MOUNT_ATTR_IDMAP, userns_fd: namespace });
    mount_setattr(mount, '', AT_EMPTY_PATH, attributes, MOUNT_ATTR.size);
    return undefined;
  } catch (error) {
    if (!(error instanceof SyscallError) || hasCode(error, 'EMFILE', 'ENFILE', 'ENOMEM')) throw error;
    return `'${what}' cannot be shown with other ids: ${error.message}`;
  } finally {
    if (mount !== undefined) close(mount);
  }
}
