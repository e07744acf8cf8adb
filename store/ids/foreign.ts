/**
 * Files of subordinate ids, which their user has no right to but as root of the user namespace of these ids; and files
 * of his own that are closed to him, as root of a container may make them.
 */
import { constants } from 'node:os';
import {
  type Argument,
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  callInNamespace,
  type Declaration,
  fchownat,
  hasCode,
  type Path,
  pathsOf,
  type Syscall,
  SyscallError,
  shared,
} from '../../syscalls/index.ts';
import { idInside } from './mapping.ts';
import { makeUserNamespace } from './namespace.ts';
import { type OwnIds, ownIds } from './own-ids.ts';

const { EACCES, EPERM } = constants.errno;

/**
 * Makes a call, and where this user may not, makes it as root of the user namespace of his ids: what it opens is open
 * in this process.
 *
 * @returns its result, or the negative error number
 */
export function attemptAsOwner<Args extends readonly Argument[]>(call: Syscall<Args>, ...args: Args): number {
  const result = call.attempt(...args);
  if (result !== -EACCES && result !== -EPERM) return result;
  return attemptInNamespace(call, args) ?? result;
}

/** {@link attemptAsOwner}, and a refusal is an error. */
export function callAsOwner<Args extends readonly Argument[]>(call: Syscall<Args>, ...args: Args): number {
  const result = attemptAsOwner(call, ...args);
  if (result < 0) throw failure(call, args, result);
  return result;
}

/**
 * Makes a file this user's own that is a subordinate id's; an open one, O_PATH is enough. What is somebody else's stays
 * his: what is done with it next says so.
 */
export function takeBack(fd: number): void {
  attemptInNamespace(fchownat, [fd, '', 0, 0, AT_EMPTY_PATH]);
}

/**
 * Gives what is at a path, a symbolic link too, to owners by their ids on this machine.
 * @throws SyscallError EPERM where this user cannot
 */
export function giveTo(path: Path, uid: number, gid: number): void {
  const ids = ownIds();
  const [owner, group] =
    ids.kind === 'subordinate' ? [idInside(uid, ids.mappings.uid), idInside(gid, ids.mappings.gid)] : [];
  if (owner === undefined || group === undefined) {
    fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
    return;
  }
  const args: Parameters<typeof fchownat> = [AT_FDCWD, path, owner, group, AT_SYMLINK_NOFOLLOW];
  const result = attemptInNamespace(fchownat, args) ?? 0;
  if (result < 0) throw failure(fchownat, args, result);
}

function failure(call: Declaration, args: readonly Argument[], result: number): SyscallError {
  return new SyscallError({ errno: -result, syscall: call.syscall, ...pathsOf(call, args) });
}

function attemptInNamespace<Args extends readonly Argument[]>(call: Syscall<Args>, args: Args): number | undefined {
  const namespace = namespaceOf(ownIds());
  return namespace === undefined ? undefined : callInNamespace(namespace, [call.step(call.syscall, args)])[0];
}

/** That of the one id of a user who has no others, once it was needed; null where none can be made. */
const single = shared<{ namespace?: number | null }>('single id', () => ({}));

function namespaceOf(ids: OwnIds): number | undefined {
  if (ids.kind !== 'single') return ids.kind === 'subordinate' ? ids.namespace : undefined;
  if (single.namespace === undefined) {
    try {
      single.namespace = makeUserNamespace(ids.mappings);
    } catch (error) {
      // What the kernel has refused without a user namespace, it refuses.
      if (!hasCode(error, 'EPERM', 'EACCES', 'ENOSPC', 'EUSERS', 'EINVAL')) throw error;
      single.namespace = null;
    }
  }
  return single.namespace ?? undefined;
}
