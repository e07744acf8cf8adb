/**
 * What is copied out of a container, onto this machine. All of it comes from whoever runs in there, so no path is
 * resolved by its text: parents are opened below the target by a kernel that follows no link (openat2(2)), and what an
 * earlier copy has left there is no exception.
 */

import { posix } from 'node:path';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  CaissonError,
  close,
  fchmod,
  fchownat,
  fsetxattr,
  ftruncate,
  hasCode,
  linkat,
  mkdirat,
  mknodat,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  OPEN_HOW,
  openat,
  openat2,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFIFO,
  S_ISGID,
  S_ISUID,
  symlinkat,
  unlinkat,
  utimensat,
} from '../../../syscalls/index.ts';
import { writeAll } from '../content.ts';
import { type RawPath, toBytes, toText } from '../path.ts';
import type { CopyEntry, Sink, Tally } from './entry.ts';
import { timesOf } from './times.ts';

/** A sink to be closed. */
export interface OpenSink extends Sink {
  close(): void;
}

/**
 * What is put is made at and below `top`, whose parent directory is there.
 *
 * @param preserveOwner whether owners stay, and with them set-user-ID: programs that run as whoever owns them are else
 *   left without, since they would be this process's user's
 */
export function openHostSink(top: RawPath, preserveOwner: boolean, tally: Tally): OpenSink {
  const base = openat(AT_FDCWD, toBytes(posix.dirname(top)), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  return new HostSink(base, posix.basename(top) || '.', preserveOwner, tally);
}

class HostSink implements OpenSink {
  readonly #base: number;
  readonly #top: RawPath;
  readonly #preserveOwner: boolean;
  readonly #tally: Tally;
  readonly #directories: CopyEntry[] = [];
  /** The directory that was last put into. */
  #parent: { readonly path: RawPath; readonly descriptor: number } | undefined;

  constructor(base: number, top: RawPath, preserveOwner: boolean, tally: Tally) {
    this.#base = base;
    this.#top = top;
    this.#preserveOwner = preserveOwner;
    this.#tally = tally;
  }

  async put(entry: CopyEntry): Promise<void> {
    if (entry.type === 'device' || entry.type === 'socket') {
      this.#tally.lose(`${entry.type}s left out`);
      return;
    }
    const path = this.#pathOf(entry.path);
    const parent = this.#enter(posix.dirname(path));
    const name = toBytes(posix.basename(path));
    if (entry.type === 'directory') return this.#putDirectory(parent, name, entry);
    this.#remove(parent, name, path);
    if (entry.type === 'file') await this.#putFile(parent, name, entry);
    else if (entry.type === 'hardlink') this.#putHardlink(parent, name, entry);
    else this.#putOther(parent, name, entry);
    this.#tally.files++;
  }

  async finish(): Promise<void> {
    for (const entry of this.#directories.toReversed()) {
      const directory = this.#open(this.#pathOf(entry.path));
      try {
        this.#setAttributes(directory, entry);
      } finally {
        close(directory);
      }
    }
  }

  close(): void {
    if (this.#parent !== undefined) close(this.#parent.descriptor);
    this.#parent = undefined;
    close(this.#base);
  }

  #pathOf(path: RawPath): RawPath {
    return path === '' ? this.#top : `${this.#top}/${path}`;
  }

  #enter(path: RawPath): number {
    if (this.#parent?.path !== path) {
      const descriptor = this.#open(path);
      if (this.#parent !== undefined) close(this.#parent.descriptor);
      this.#parent = { path, descriptor };
    }
    return this.#parent.descriptor;
  }

  /** @throws CaissonError NOT_A_DIRECTORY for a link, wherever it leads, and for what is in the way */
  #open(path: RawPath): number {
    const resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const how = OPEN_HOW.encode({ flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC, resolve });
    for (;;) {
      try {
        return openat2(this.#base, toBytes(path), how, OPEN_HOW.size);
      } catch (error) {
        if (hasCode(error, 'EAGAIN')) continue;
        if (!hasCode(error, 'ELOOP', 'ENOTDIR')) throw error;
        const message = `'${toText(path)}' in the target is no directory, or is below a link, which is not followed`;
        throw new CaissonError('NOT_A_DIRECTORY', message, { cause: error });
      }
    }
  }

  #putDirectory(parent: number, name: Buffer, entry: CopyEntry): void {
    try {
      mkdirat(parent, name, 0o700);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      close(this.#open(this.#pathOf(entry.path)));
      return;
    }
    this.#directories.push(entry);
    this.#tally.files++;
  }

  async #putFile(parent: number, name: Buffer, entry: CopyEntry): Promise<void> {
    const file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600);
    try {
      let end = 0;
      for await (const { offset, bytes } of entry.content()) {
        await writeAll(file, bytes, offset);
        this.#tally.bytes += bytes.length;
        end = offset + bytes.length;
      }
      if (end < entry.size) ftruncate(file, entry.size);
      this.#setAttributes(file, entry);
    } finally {
      close(file);
    }
  }

  #putHardlink(parent: number, name: Buffer, entry: CopyEntry): void {
    const target = this.#pathOf(entry.target);
    const directory = this.#open(posix.dirname(target));
    try {
      linkat(directory, toBytes(posix.basename(target)), parent, name, 0);
    } finally {
      close(directory);
    }
  }

  #putOther(parent: number, name: Buffer, entry: CopyEntry): void {
    if (entry.type === 'symlink') symlinkat(toBytes(entry.target), parent, name);
    else mknodat(parent, name, S_IFIFO | (entry.mode & 0o777), 0);
    this.#own((uid, gid) => fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW), entry);
    utimensat(parent, name, timesOf(entry.mtimeNs), AT_SYMLINK_NOFOLLOW);
  }

  #remove(parent: number, name: Buffer, path: RawPath): void {
    try {
      unlinkat(parent, name, 0);
    } catch (error) {
      if (hasCode(error, 'EISDIR')) throw new CaissonError('TARGET_IS_DIRECTORY', `'${toText(path)}' is a directory`);
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }

  #setAttributes(descriptor: number, entry: CopyEntry): void {
    this.#own((uid, gid) => fchownat(descriptor, '', uid, gid, AT_EMPTY_PATH), entry);
    for (const [name, value] of entry.xattrs) this.#setAttribute(descriptor, name, value);
    fchmod(descriptor, this.#preserveOwner ? entry.mode : entry.mode & ~(S_ISUID | S_ISGID));
    utimensat(descriptor, null, timesOf(entry.mtimeNs), 0);
  }

  /** What a program may do belongs to who owns it. */
  #setAttribute(descriptor: number, name: string, value: Buffer): void {
    if (!this.#preserveOwner && !name.startsWith('user.')) return;
    const result = fsetxattr.attempt(descriptor, name, value, value.length, 0);
    if (result < 0) this.#tally.lose(`attributes '${name}' left out: they cannot be set there`);
  }

  #own(own: (uid: number, gid: number) => void, { uid, gid }: CopyEntry): void {
    if (!this.#preserveOwner) return;
    try {
      own(uid, gid);
    } catch (error) {
      if (!hasCode(error, 'EPERM')) throw error;
      this.#tally.lose('owners left out: only root can give files away');
    }
  }
}
