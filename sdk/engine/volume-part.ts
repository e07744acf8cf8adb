/** Looks at the part of a volume that is to be mounted. */
import { fstatSync } from 'node:fs';
import { callAsOwner } from '../../store/index.ts';
import {
  AT_FDCWD,
  CaissonError,
  close,
  hasCode,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW,
  openat,
  openat2,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../syscalls/index.ts';
import type { VolumeMount } from '../spec/mount-options.ts';
import { volumeName } from '../spec/mounts.ts';
import type { PartKind } from './resolve-mounts.ts';

const RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
const HOW = OPEN_HOW.encode({ flags: O_PATH | O_CLOEXEC, resolve: RESOLVE });

/**
 * What the part is. What is in a volume may be changing, and every container that has it is a stranger: no link in it is
 * followed.
 * @throws CaissonError SUBPATH_NOT_FOUND
 */
export const kindOfPart: PartKind = (mount, path) => {
  const top = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  let found: number | undefined;
  try {
    found = callAsOwner(openat2, top, mount.subpath ?? '.', HOW, OPEN_HOW.size);
    return fstatSync(found).isDirectory() ? 'directory' : 'file';
  } catch (cause) {
    throw notFound(mount, cause);
  } finally {
    if (found !== undefined) close(found);
    close(top);
  }
};

function notFound(mount: VolumeMount, cause: unknown): CaissonError {
  const { subpath, target } = mount;
  const where = `volume '${volumeName(mount) ?? target}'`;
  const [message, hint] = hasCode(cause, 'ELOOP')
    ? [`'${subpath}' in ${where} leads through a symbolic link`, 'give the path that it leads to']
    : hasCode(cause, 'EACCES')
      ? [`'${subpath}' in ${where} is closed to this user`, undefined]
      : [`there is no '${subpath}' in ${where}`, undefined];
  return new CaissonError('SUBPATH_NOT_FOUND', `${message} to mount at '${target}'`, { hint, cause });
}
