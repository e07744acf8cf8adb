/** Names, owners, modes and times: what changes without content being read or written. */
import { randomBytes } from 'node:crypto';
import type { TimeLike } from 'node:fs';
import { posix } from 'node:path';
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  fchmodat,
  fchownat,
  hasCode,
  linkat,
  mkdirat,
  renameat2,
  symlinkat,
  TIMESPEC,
  unlinkat,
  utimensat,
} from '../../syscalls/index.ts';
import { type Asked, asked, assertLength } from './error.ts';
import { UMASK } from './flags.ts';
import { type RawPath, toBytes } from './path.ts';
import type { Session } from './session.ts';
import { stat } from './stat.ts';

/** Gives a file another name, or takes another one's. */
export async function rename({ agent }: Session, from: RawPath, to: RawPath): Promise<void> {
  await call({ syscall: 'rename', path: from, dest: to }, () =>
    agent.call(renameat2, AT_FDCWD, toBytes(from), AT_FDCWD, toBytes(to), 0),
  );
}

/** Gives a file one more name. */
export async function link({ agent }: Session, existing: RawPath, path: RawPath): Promise<void> {
  await call({ syscall: 'link', path: existing, dest: path }, () =>
    agent.call(linkat, AT_FDCWD, toBytes(existing), AT_FDCWD, toBytes(path), 0),
  );
}

/** Makes a symbolic link that says `target`. */
export async function symlink({ agent }: Session, target: RawPath, path: RawPath): Promise<void> {
  await call({ syscall: 'symlink', path: target, dest: path }, () =>
    agent.call(symlinkat, toBytes(target), AT_FDCWD, toBytes(path)),
  );
}

/** Removes the name of a file. */
export async function unlink({ agent }: Session, path: RawPath): Promise<void> {
  await call({ syscall: 'unlink', path }, () => agent.call(unlinkat, AT_FDCWD, toBytes(path), 0));
}

/** Removes an empty directory. */
export async function rmdir({ agent }: Session, path: RawPath): Promise<void> {
  await call({ syscall: 'rmdir', path }, () => agent.call(unlinkat, AT_FDCWD, toBytes(path), AT_REMOVEDIR));
}

/** Makes a directory. */
export async function mkdir({ agent }: Session, path: RawPath, mode: number): Promise<undefined> {
  await call({ syscall: 'mkdir', path }, () => agent.call(mkdirat, AT_FDCWD, toBytes(path), mode & ~UMASK));
  return undefined;
}

/** Makes a directory and those that lead to it; tells the first one that was made. */
export async function mkdirAll(session: Session, path: RawPath, mode: number): Promise<RawPath | undefined> {
  try {
    await mkdir(session, path, mode);
    return path;
  } catch (error) {
    if (hasCode(error, 'EEXIST') && (await stat(session, path, false)).isDirectory()) return undefined;
    if (!hasCode(error, 'ENOENT') || posix.dirname(path) === path) throw error;
  }
  const first = await mkdirAll(session, posix.dirname(path), mode);
  const made = await mkdirAll(session, path, mode);
  return first ?? made;
}

/** Makes a directory whose name begins so and is nobody else's. */
export async function mkdtemp(session: Session, prefix: RawPath): Promise<RawPath> {
  const question = { syscall: 'mkdtemp', path: `${prefix}XXXXXX` };
  for (;;) {
    const path = prefix + randomBytes(8).toString('base64url').replace(/[-_]/g, '0').slice(0, 6);
    try {
      await asked(question, mkdir(session, path, 0o700));
      return path;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
  }
}

/** Sets the mode of what a path leads to. */
export async function chmod({ agent }: Session, path: RawPath, mode: number): Promise<void> {
  await call({ syscall: 'chmod', path }, () => agent.call(fchmodat, AT_FDCWD, toBytes(path), mode));
}

/** Sets the owner of what a path leads to, by the container's ids. */
export async function chown({ agent }: Session, path: RawPath, uid: number, gid: number): Promise<void> {
  await call({ syscall: 'chown', path }, () => agent.call(fchownat, AT_FDCWD, toBytes(path), uid, gid, 0));
}

/** Sets the owner of what is at a path. */
export async function lchown({ agent }: Session, path: RawPath, uid: number, gid: number): Promise<void> {
  const flags = AT_SYMLINK_NOFOLLOW;
  await call({ syscall: 'lchown', path }, () => agent.call(fchownat, AT_FDCWD, toBytes(path), uid, gid, flags));
}

/** Sets the times of what a path leads to. */
export async function utimes({ agent }: Session, path: RawPath, atime: TimeLike, mtime: TimeLike): Promise<void> {
  const times = encodeTimes(atime, mtime);
  await call({ syscall: 'utime', path }, () => agent.call(utimensat, AT_FDCWD, toBytes(path), times, 0));
}

/** Sets the times of what is at a path. */
export async function lutimes({ agent }: Session, path: RawPath, atime: TimeLike, mtime: TimeLike): Promise<void> {
  const times = encodeTimes(atime, mtime);
  const flags = AT_SYMLINK_NOFOLLOW;
  await call({ syscall: 'lutime', path }, () => agent.call(utimensat, AT_FDCWD, toBytes(path), times, flags));
}

/** Before anything is sent, since a request has only so much room. */
function call(question: Asked, make: () => Promise<number>): Promise<number> {
  assertLength(question);
  return asked(question, make());
}

function encodeTimes(...times: [TimeLike, TimeLike]): Uint8Array {
  return TIMESPEC.array(
    times.map((time) => {
      const seconds = time instanceof Date ? time.getTime() / 1000 : Number(time);
      if (!Number.isFinite(seconds)) {
        const message = `a time must be a Date, or a number of seconds since 1970, got ${String(time)}`;
        throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_TYPE' });
      }
      const whole = Math.floor(seconds);
      return { tv_sec: whole, tv_nsec: Math.min(Math.round((seconds - whole) * 1e6) * 1000, 999_999_999) };
    }),
  ).bytes;
}
