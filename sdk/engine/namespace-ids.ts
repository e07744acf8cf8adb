/** Which ids are mapped in user namespaces that are there already (man 7 user_namespaces). */
import { fstatSync, readFileSync, statSync } from 'node:fs';
import type { IdMapping, IdMappings } from '../../store/index.ts';
import {
  AT_FDCWD,
  CaissonError,
  callInNamespace,
  close,
  hasCode,
  ioctl,
  NS_GET_PARENT,
  O_CLOEXEC,
  O_RDONLY,
  openat,
  SyscallError,
} from '../../syscalls/index.ts';
import { assertMaps } from '../spec/id-maps.ts';
import { openPath } from './open-namespaces.ts';

/** The ids of the user namespace that a process is in, as this one counts. */
export function idsOfProcess(pid: number): IdMappings {
  const read = (name: string) => parseIdMap(readFileSync(`/proc/${pid}/${name}`, 'latin1'));
  return { uid: read('uid_map'), gid: read('gid_map') };
}

/**
 * The ids of the user namespace that a path stands for, which must be fit for a container of this user's.
 * @throws CaissonError NAMESPACE_GONE, NAMESPACE_CONFLICT, NAMESPACE_NOT_PERMITTED, ID_MAP_INVALID, ID_NOT_PERMITTED
 */
export function idsOfPath(path: string): IdMappings {
  const namespace = openPath('user', path);
  try {
    assertChild(namespace, path);
    const ids = { uid: readInside(namespace, 'uid_map'), gid: readInside(namespace, 'gid_map') };
    assertMaps(ids);
    assertRoot(ids, path);
    return ids;
  } catch (error) {
    if (!(error instanceof SyscallError) || !hasCode(error, 'EPERM')) throw error;
    const message = `this user may not join the user namespace at '${path}': he has no rights in it`;
    throw new CaissonError('NAMESPACE_NOT_PERMITTED', message, {
      hint: 'it is for who made it, and root',
      cause: error,
    });
  } finally {
    close(namespace);
  }
}

/** Lines of three numbers: the first id, the one that it stands for, how many. */
export function parseIdMap(text: string): IdMapping[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
    return { containerID, hostID, size };
  });
}

/** The second number counts in the parent, for who reads it in the namespace. */
function assertChild(namespace: number, path: string): void {
  const parent = ioctl(namespace, NS_GET_PARENT, null);
  try {
    if (fstatSync(parent).ino === statSync('/proc/self/ns/user').ino) return;
  } finally {
    close(parent);
  }
  throw new CaissonError('NAMESPACE_CONFLICT', `the user namespace at '${path}' is in another one than this process's`);
}

/** By the clone's own file: a path says nothing of a process that is in there. */
function readInside(namespace: number, name: string): IdMapping[] {
  const open = openat.step(`opening ${name}`, [AT_FDCWD, `/proc/self/${name}`, O_RDONLY | O_CLOEXEC, 0]);
  const [file = -1] = callInNamespace(namespace, [open]);
  if (file < 0) throw new SyscallError({ errno: -file, syscall: 'openat', path: `/proc/self/${name}` });
  try {
    return parseIdMap(readFileSync(file, 'latin1'));
  } finally {
    close(file);
  }
}

/** The container's files are this user's: root's, of the machine, can be shown with other ids. */
function assertRoot({ uid }: IdMappings, path: string): void {
  const own = process.geteuid?.() ?? 0;
  const root = uid.find(({ containerID }) => containerID === 0)?.hostID;
  if (own === 0 || root === own) return;
  const message = `0 must be ${own}, to whom the container's files belong, and is ${root} in the user namespace at '${path}'`;
  throw new CaissonError('ID_NOT_PERMITTED', message);
}
