/** The descriptors of the namespaces that a container joins, for a launch. */
import { statSync } from 'node:fs';
import { type ContainerRecord, findContainer, readContainerState, type Store } from '../../store/index.ts';
import {
  AT_FDCWD,
  CaissonError,
  close,
  fstatfs,
  hasCode,
  ioctl,
  NS_GET_NSTYPE,
  NSFS_MAGIC,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDONLY,
  openat,
  pidfd_send_signal,
  STATFS,
} from '../../syscalls/index.ts';
import { cloneFlags, namespaceVariable } from '../plan/launch.ts';
import { OTHER_MOUNTS } from '../plan/other-mounts.ts';
import type { ContainerOptions } from '../spec/options.ts';
import type { NamespaceType, Spec } from '../spec/spec.ts';
import type { LaunchValues } from './child.ts';
import { holdFirst } from './held.ts';

/** Files below /proc/PID/ns whose names are not OCI's. */
const FILE_NAMES: Readonly<Partial<Record<NamespaceType, string>>> = { mount: 'mnt', network: 'net' };

/** Opened namespaces. */
export interface OpenNamespaces {
  /** By the variables of the launching part of plans. */
  readonly values: LaunchValues;
  /** Closes them: after the launch. */
  close(): void;
}

/**
 * Opens the namespaces that a spec joins.
 * @throws CaissonError NAMESPACE_GONE, NAMESPACE_CONFLICT for a path of another type; then nothing is open
 */
export function openNamespaces({ linux, mounts }: Pick<Spec, 'linux' | 'mounts'>, store: Store): OpenNamespaces {
  const values: Record<string, number> = {};
  const open = {
    values,
    close: () => {
      for (const descriptor of Object.values(values)) close(descriptor);
    },
  };
  try {
    for (const { type, path, container } of linux.namespaces) {
      if (path !== undefined) values[namespaceVariable(type).name] = openPath(type, path);
      else if (container !== undefined) values[namespaceVariable(type).name] = openOfContainer(type, container, store);
    }
    for (const { container } of mounts) {
      if (container !== undefined) values[OTHER_MOUNTS.name] = openOfContainer('mount', container, store);
    }
    return open;
  } catch (error) {
    open.close();
    throw error;
  }
}

/** By the process that is certainly the container's first: it is held, and still there when the file is open. */
function openOfContainer(type: NamespaceType, id: string, store: Store): number {
  const record = findContainer(store, id);
  const held = holdFirst(store, record);
  if (held === undefined) throw gone(record, store);
  let descriptor: number | undefined;
  try {
    if (type === 'mount' && !hasItsFiles(record, held.pid)) throw notMade(record);
    descriptor = openat(AT_FDCWD, fileOf(held.pid, type), O_RDONLY | O_CLOEXEC, 0);
    pidfd_send_signal(held.pidfd, 0, null, 0);
    return descriptor;
  } catch (error) {
    if (descriptor !== undefined) close(descriptor);
    throw hasCode(error, 'ENOENT', 'ESRCH') ? gone(record, store) : error;
  } finally {
    held.release();
  }
}

/**
 * Whether a container that is just being started has come so far that its mounts are its own. Until then they are a copy
 * of the host's: its root is ours, and then nothing is mounted on its own.
 */
function hasItsFiles({ options }: ContainerRecord, pid: number): boolean {
  const { namespaces } = options as ContainerOptions;
  if ((namespaces?.mount ?? 'private') !== 'private') return true;
  const [root, memory, host] = [`/proc/${pid}/root/`, `/proc/${pid}/root/dev/shm`, '/'].map((path) => {
    return statSync(path, { throwIfNoEntry: false });
  });
  // Of one that has ended meanwhile, who opens its namespace is told so.
  if (root === undefined) return true;
  return (root.dev !== host?.dev || root.ino !== host.ino) && memory?.dev !== root.dev;
}

function notMade({ name }: ContainerRecord): CaissonError {
  const message = `the mounts of container '${name}' cannot be joined: it is just being started`;
  return new CaissonError('NAMESPACE_GONE', message, { hint: 'wait until it runs' });
}

/**
 * Opens the namespace that a path stands for. Whatever it is, it is not waited for; and only what is a namespace is asked
 * which. The caller closes it.
 * @throws CaissonError NAMESPACE_GONE, NAMESPACE_CONFLICT, NAMESPACE_NOT_PERMITTED
 */
export function openPath(type: NamespaceType, path: string): number {
  let descriptor: number;
  try {
    descriptor = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  } catch (cause) {
    if (hasCode(cause, 'EACCES', 'EPERM')) throw closed(type, path, cause);
    if (!hasCode(cause, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ESRCH', 'ENXIO')) throw cause;
    const message = `there is no ${type} namespace at '${path}': ${(cause as { code?: string }).code}`;
    throw new CaissonError('NAMESPACE_GONE', message, { cause });
  }
  try {
    const found = new Uint8Array(STATFS.size);
    fstatfs(descriptor, found);
    if (Number(STATFS.decode(found).f_type) !== NSFS_MAGIC) {
      throw new CaissonError('NAMESPACE_GONE', `there is no ${type} namespace at '${path}': it is something else`, {
        hint: 'give a file of /proc/PID/ns, or one that such a file is bound on',
      });
    }
    const kind = ioctl(descriptor, NS_GET_NSTYPE, null);
    if (kind === cloneFlags([{ type }])) return descriptor;
    throw new CaissonError('NAMESPACE_CONFLICT', `'${path}' is a ${typeOf(kind)} namespace, not a ${type} one`);
  } catch (error) {
    close(descriptor);
    throw error;
  }
}

function closed(type: NamespaceType, path: string, cause: unknown): CaissonError {
  const message = `this user may not open the ${type} namespace at '${path}': ${(cause as { code?: string }).code}`;
  return new CaissonError('NAMESPACE_NOT_PERMITTED', message, {
    hint: 'namespaces of a process are open to who may trace it (man 2 ptrace): its user, and root',
    cause,
  });
}

function typeOf(flag: number): string {
  const types = ['mount', 'pid', 'ipc', 'uts', 'cgroup', 'network', 'user', 'time'] as const;
  return types.find((type) => cloneFlags([{ type }]) === flag) ?? 'other';
}

/** The file that stands for a process's namespace. */
export function fileOf(pid: number | 'self', type: NamespaceType): string {
  return `/proc/${pid}/ns/${FILE_NAMES[type] ?? type}`;
}

/** The error for namespaces that went with their container. */
export function gone({ id, name }: Pick<ContainerRecord, 'id' | 'name'>, store: Store): CaissonError {
  const state = readContainerState(store, id)?.phase ?? 'removed';
  const found = state === 'running' ? 'its process has ended' : `it is ${state}`;
  return new CaissonError('NAMESPACE_GONE', `the namespaces of container '${name}' cannot be joined: ${found}`, {
    hint: 'namespaces are there as long as the container runs',
  });
}
