/** Gives a file all that another has besides its content: owner, extended attributes, mode, times. */
import type { BigIntStats } from 'node:fs';
import { lstatSync } from 'node:fs';
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  fchmodat,
  hasCode,
  lgetxattr,
  llistxattr,
  lsetxattr,
  TIMESPEC,
  utimensat,
  XATTR_LIST_MAX,
  XATTR_SIZE_MAX,
} from '../../syscalls/index.ts';
import { attemptAsOwner, callAsOwner, giveTo } from '../ids/index.ts';
import { neutralCapability } from '../layer/capability.ts';

/** Which extended attributes are copied. */
export type AttributeFilter = (name: string) => boolean;

/** What overlayfs notes on the directory that is its upper one: not of its content, and not for another to have. */
export function isNoUpperNote(name: string): boolean {
  return !/^(?:trusted|user)\.overlay\./.test(name);
}

/**
 * Gives an upper directory what the root directory of the layer below has: overlay shows the attributes of the uppermost
 * one as those of `/`.
 */
export function inheritRoot(layer: string, upper: string): void {
  copyAttributes(Buffer.from(layer), Buffer.from(upper), isNoUpperNote);
}

/** Copies the attributes of what is at a path, a symbolic link too. */
export function copyAttributes(from: Buffer, to: Buffer, isWanted: AttributeFilter, stats = statOf(from)): void {
  const target = terminated(to);
  // Owners first: a change of them takes set-user-ID bits and capabilities away.
  const mine = lstatSync(to);
  if (stats.uid !== BigInt(mine.uid) || stats.gid !== BigInt(mine.gid)) {
    giveTo(target, Number(stats.uid), Number(stats.gid));
  }
  copyExtendedAttributes(terminated(from), target, isWanted);
  if (!stats.isSymbolicLink()) callAsOwner(fchmodat, AT_FDCWD, target, Number(stats.mode) & 0o7777);
  const times = [stats.atimeNs, stats.mtimeNs].map((time) => TIMESPEC.encode(splitTime(time)).bytes);
  callAsOwner(utimensat, AT_FDCWD, target, Buffer.concat(times), AT_SYMLINK_NOFOLLOW);
}

const list = Buffer.alloc(XATTR_LIST_MAX);
const value = Buffer.alloc(XATTR_SIZE_MAX);

function copyExtendedAttributes(from: Buffer, to: Buffer, isWanted: AttributeFilter): void {
  const length = attemptAsOwner(llistxattr, from, list, list.length);
  if (length <= 0) return;
  const names = list.toString('utf8', 0, length - 1).split('\0');
  for (const name of names.filter(isWanted)) {
    const size = attemptAsOwner(lgetxattr, from, name, value, value.length);
    if (size < 0) continue;
    try {
      // The kernel wants a capability without the user namespace it is for, and adds that.
      const found = value.subarray(0, size);
      const content = name === 'security.capability' ? neutralCapability(found) : found;
      callAsOwner(lsetxattr, to, name, content, content.length, 0);
    } catch (error) {
      // Of a kind that this user may not set: a label of this machine, which the copy has its own of.
      if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP')) throw error;
    }
  }
}

function statOf(path: Buffer): BigIntStats {
  return lstatSync(path, { bigint: true });
}

/** The kernel wants nanoseconds from 0, also before 1970. */
function splitTime(ns: bigint): { tv_sec: bigint; tv_nsec: bigint } {
  const second = 1_000_000_000n;
  const tv_nsec = ((ns % second) + second) % second;
  return { tv_sec: (ns - tv_nsec) / second, tv_nsec };
}

function terminated(path: Buffer): Buffer {
  return Buffer.concat([path, NUL]);
}

const NUL = Buffer.alloc(1);
