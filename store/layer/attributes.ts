/** Owner, mode, extended attributes and time of what a layer holds. */
import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  fchmod,
  fchmodat,
  fchownat,
  fsetxattr,
  hasCode,
  lsetxattr,
  TIMESPEC,
  UTIME_OMIT,
  utimensat,
} from '../../syscalls/index.ts';
import type { TarEntry } from './read.ts';
import { type Directory, pathInDirectory, toBytes } from './tree.ts';

/** What is known of something besides its content. */
export type Attributes = Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'mtimeNs' | 'xattrs'>;

/** Something that was unpacked: open, or a name in an open directory. */
export type Target = { readonly fd: number } | { readonly directory: Directory; readonly name: string };

/** What could not be kept, counted: a layer of a hundred thousand files is one sentence, not as many. */
export class Losses {
  readonly #counts = new Map<string, number>();

  add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** `'2 devices left out: only root can make them'` */
  list(): string[] {
    return [...this.#counts].map(([what, count]) => `${count} ${what}`);
  }
}

/**
 * Gives something its attributes. Root keeps all of them; others become the only owner there can be and keep
 * `user.*` attributes.
 */
export function applyAttributes(
  target: Target,
  type: TarEntry['type'],
  of: Attributes,
  isRoot: boolean,
  losses: Losses,
): void {
  if (isRoot) own(target, of);
  else if (of.uid !== 0 || of.gid !== 0)
    losses.add('files now belong to you instead of their owners, which only root can give them');
  // Attributes come before the mode, since a file that nobody may write takes none from its owner; and after the
  // owner, since chown(2) takes file capabilities away.
  for (const [name, value] of of.xattrs) setAttribute(target, name, value, losses);
  if (type !== 'symlink') setMode(target, of.mode);
  setTime(target, of.mtimeNs);
}

/** Overlay's own would lead the mount elsewhere (CVE class: trusted.overlay.redirect); labels are this machine's. */
export function isForeignAttribute(name: string): boolean {
  return /^(?:trusted|user)\.overlay\./.test(name) || name === 'security.selinux' || name === 'system.nfs4_acl';
}

function own(target: Target, { uid, gid }: Attributes): void {
  if ('fd' in target) fchownat(target.fd, '', uid, gid, AT_EMPTY_PATH);
  else fchownat(target.directory.fd, toBytes(target.name), uid, gid, AT_SYMLINK_NOFOLLOW);
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

function setTime(target: Target, mtimeNs: bigint): void {
  const times = new Uint8Array(2 * TIMESPEC.size);
  times.set(TIMESPEC.encode({ tv_nsec: UTIME_OMIT }).bytes);
  times.set(TIMESPEC.encode(splitTime(mtimeNs)).bytes, TIMESPEC.size);
  if ('fd' in target) utimensat(target.fd, null, times, 0);
  else utimensat(target.directory.fd, toBytes(target.name), times, AT_SYMLINK_NOFOLLOW);
}

/** The kernel wants nanoseconds from 0, also before 1970. */
function splitTime(ns: bigint): { tv_sec: bigint; tv_nsec: bigint } {
  const second = 1_000_000_000n;
  const tv_nsec = ((ns % second) + second) % second;
  return { tv_sec: (ns - tv_nsec) / second, tv_nsec };
}
