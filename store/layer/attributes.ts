/** Owner, mode, extended attributes and time of what a layer holds. */
import {
  AT_SYMLINK_NOFOLLOW,
  fchmod,
  fchmodat,
  fsetxattr,
  hasCode,
  lsetxattr,
  TIMESPEC,
  UTIME_OMIT,
  utimensat,
} from '../../syscalls/index.ts';
import type { Owners } from './owners.ts';
import type { TarEntry } from './read.ts';
import { type Directory, pathInDirectory, toBytes } from './tree.ts';

/** What is known of something besides its content. */
export type Attributes = Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'mtimeNs' | 'xattrs'>;

/** Something that was unpacked: open, or a name in an open directory. */
export type Target = { readonly fd: number } | { readonly directory: Directory; readonly name: string };

/** What could not be kept, counted: a layer of a hundred thousand files is one sentence, not as many. */
export class Losses {
  readonly #counts = new Map<string, number>();
  readonly #owners = new Map<string, Map<string, number>>();

  /** @param what begins with what is counted, as several: `'devices left out: …'` */
  add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** Of something that does not belong to whom it should. */
  addOwner({ uid, gid }: Pick<TarEntry, 'uid' | 'gid'>, why: string): void {
    const owners = this.#owners.get(why) ?? new Map<string, number>();
    this.#owners.set(why, owners);
    owners.set(`${uid}:${gid}`, (owners.get(`${uid}:${gid}`) ?? 0) + 1);
  }

  /** `'2 devices left out: only root can make them'` */
  list(): string[] {
    return [
      ...[...this.#owners].map(([why, owners]) => describeOwners(owners, why)),
      ...[...this.#counts].map(([what, count]) => `${count} ${count === 1 ? what.replace('s ', ' ') : what}`),
    ];
  }
}

/** How many owners are named; the others are counted. */
const MAX_OWNERS = 10;

/** `'5 files belong to you instead of 0:42 (4) and 33:33 (1): …'`, those of most files first. */
function describeOwners(owners: ReadonlyMap<string, number>, why: string): string {
  const sorted = [...owners].sort(([, one], [, other]) => other - one);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const named = sorted.slice(0, MAX_OWNERS).map(([owner, count]) => `${owner} (${count})`);
  const others = sorted.length > MAX_OWNERS ? ` and ${sorted.length - MAX_OWNERS} others` : '';
  return `${total} ${total === 1 ? 'file belongs' : 'files belong'} to you instead of ${named.join(', ')}${others}: ${why}`;
}

/**
 * Gives something its attributes: root keeps all of them, others what is theirs to set.
 * @param hasMode whether it was made with its mode
 */
export function applyAttributes(
  target: Target,
  type: TarEntry['type'],
  of: Attributes,
  owners: Owners,
  losses: Losses,
  hasMode = false,
): void {
  owners.before(target, of);
  // Attributes come before the mode, since a file that nobody may write takes none from its owner; and after the
  // owner, since chown(2) takes file capabilities away.
  for (const [name, value] of of.xattrs) {
    if (!owners.defers(name)) setAttribute(target, name, value, losses);
  }
  if (type !== 'symlink' && !hasMode) setMode(target, of.mode);
  setTime(target, of.mtimeNs);
  owners.after(target, of);
}

/** Overlay's own would lead the mount elsewhere (CVE class: trusted.overlay.redirect); labels are this machine's. */
export function isForeignAttribute(name: string): boolean {
  return /^(?:trusted|user)\.overlay\./.test(name) || name === 'security.selinux' || name === 'system.nfs4_acl';
}

function setMode(target: Target, mode: number): void {
  if ('fd' in target) fchmod(target.fd, mode);
  else fchmodat(target.directory.fd, toBytes(target.name), mode);
}

const NUL = Buffer.alloc(1);

/** There is no setxattrat(2) before Linux 6.13, so a name in a directory is made a path. */
function setAttribute(target: Target, name: string, value: Buffer, losses: Losses): void {
  if (isForeignAttribute(name)) {
    losses.add(`attributes '${name}' left out: images do not decide them`);
    return;
  }
  try {
    if ('fd' in target) fsetxattr(target.fd, name, value, value.length, 0);
    else lsetxattr(Buffer.concat([pathInDirectory(target.directory, target.name), NUL]), name, value, value.length, 0);
  } catch (error) {
    // user.* is for files and directories only; others need privileges, or a file system that has them.
    if (!hasCode(error, 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP')) throw error;
    losses.add(`attributes '${name}' left out: they cannot be set here`);
  }
}

/** Two timespecs: the time of the last access is left as it is, and only the other is written, again and again. */
const times = new Uint8Array(2 * TIMESPEC.size);
times.set(TIMESPEC.encode({ tv_nsec: UTIME_OMIT }).bytes);
const mtime = new DataView(times.buffer, TIMESPEC.size);
const SECOND_NS = 1_000_000_000n;

function setTime(target: Target, mtimeNs: bigint): void {
  // The kernel wants nanoseconds from 0, also before 1970.
  const rest = mtimeNs % SECOND_NS;
  const nanoseconds = rest < 0n ? rest + SECOND_NS : rest;
  mtime.setBigInt64(TIMESPEC.offsets.tv_sec, (mtimeNs - nanoseconds) / SECOND_NS, true);
  mtime.setBigInt64(TIMESPEC.offsets.tv_nsec, nanoseconds, true);
  if ('fd' in target) utimensat(target.fd, null, times, 0);
  else utimensat(target.directory.fd, toBytes(target.name), times, AT_SYMLINK_NOFOLLOW);
}
