/** Turns what the kernel says of a mount into what the user can do about it. */
import { CaissonError, SyscallError } from '../../syscalls/index.ts';
import { mountingPurpose, unmountingPurpose } from '../plan/attach.ts';
import type { SpecMount } from '../spec/spec.ts';

/** Why there is no place for a mount, by what the kernel says. */
const NO_PLACE: Readonly<Record<string, string>> = {
  ENOTDIR: 'a name on the way to it is that of a file',
  ELOOP: 'links on the way to it lead in a circle, or are those of /proc that lead out of it',
  ENOENT: 'a symbolic link on the way to it leads nowhere',
  EROFS: 'it would have to be made where the container may not write',
  EACCES: 'it would have to be made where the container may not write',
  ENAMETOOLONG: 'a name in it is too long',
};

/**
 * The error for a mount that failed; undefined where it is not about one.
 * @param mounts those that were to be mounted
 */
export function explainMount(error: unknown, mounts: readonly SpecMount[]): CaissonError | undefined {
  if (!(error instanceof SyscallError)) return undefined;
  const asked = mounts.filter(({ standard }) => standard !== true);
  const { purpose = '' } = error;
  const placed = asked.find(({ destination }) => purpose === mountingPurpose(destination));
  if (placed !== undefined) return explainPlace(error, placed);
  const opened = [...asked, ...mounts.filter(isShown)].find(({ destination }) => {
    return purpose.endsWith(` for ${destination}`);
  });
  if (opened?.type === 'bind') return explainBind(error, opened);
  if (opened?.type === 'overlay') return explainOverlay(error, opened);
  const unmounted = asked.some(({ destination }) => purpose === unmountingPurpose(destination));
  if (unmounted) return new CaissonError('MOUNT_NOT_FOUND', `${purpose}: ${error.code}`, { cause: error });
  const device = /^opening the host's (.*)$/.exec(purpose)?.[1];
  if (device === undefined) return undefined;
  return new CaissonError('DEVICE_REFUSED', `the device '${device}' cannot be given: ${error.code}`, { cause: error });
}

/** One of the standard set that is somebody's: it may not be there. */
function isShown({ standard, type }: SpecMount): boolean {
  return standard === true && type === 'bind';
}

function explainPlace(error: SyscallError, { destination, kind = 'directory' }: SpecMount): CaissonError {
  const other = kind === 'directory' ? 'file' : 'directory';
  const isMismatch = error.syscall === 'move_mount' && ['EINVAL', 'ENOTDIR'].includes(error.code);
  const why = isMismatch
    ? `a ${kind} cannot be mounted on what is a ${other} there`
    : isRefusedEntry(error)
      ? 'nothing can be made in the directory that it would be in'
      : (NO_PLACE[error.code] ?? error.message);
  const message = `'${destination}' is no place in the container to mount a ${kind} at: ${why}`;
  return new CaissonError('MOUNT_TARGET_INVALID', message, { cause: error });
}

/** Of /proc, which has what it has: the directory was there, and open. */
function isRefusedEntry({ syscall, code }: SyscallError): boolean {
  return code === 'ENOENT' && (syscall === 'mkdirat' || syscall === 'mknodat');
}

function explainBind(error: SyscallError, specMount: SpecMount): CaissonError {
  const { destination, source, subpath, options, container } = specMount;
  if (subpath !== undefined && ['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV'].includes(error.code)) {
    const message = `there is no '${subpath}' in '${source}' to mount at '${destination}'`;
    return new CaissonError('SUBPATH_NOT_FOUND', message, { cause: error });
  }
  if (error.code === 'ENOENT') {
    const where = container === undefined ? 'on this machine' : `in container ${container}`;
    const message = `there is no '${source}' ${where} to mount at '${destination}'`;
    return new CaissonError('BIND_SOURCE_NOT_FOUND', message, { cause: error });
  }
  const isAlone = error.syscall === 'open_tree' && error.code === 'EINVAL' && !options.includes('rbind');
  const message = `'${source}' cannot be mounted at '${destination}': ${error.code}`;
  return new CaissonError('BIND_REFUSED', message, {
    hint: isAlone
      ? 'in a user namespace it comes only with what is mounted below it: leave { recursive: false } out'
      : error.code === 'EACCES'
        ? 'a directory that leads to it is closed to this user'
        : undefined,
    cause: error,
  });
}

function explainOverlay(error: SyscallError, { destination, layers = [], changes, subpath }: SpecMount): CaissonError {
  if (subpath !== undefined && error.syscall === 'openat2') {
    const message = `there is no '${subpath}' in the image to mount at '${destination}'`;
    return new CaissonError('SUBPATH_NOT_FOUND', message, { cause: error });
  }
  const shown = layers.map((layer) => `'${layer}'`).slice(-3);
  const message = `an overlay of ${shown.join(', ')} cannot be mounted at '${destination}': ${error.code}`;
  const hint = changes === undefined ? undefined : 'overlays lie on local file systems, and not upon two others';
  return new CaissonError('OVERLAY_REFUSED', message, { hint, cause: error });
}
