/** What is copied into a container: made by its agent, so that every path is resolved inside. */
import { ftruncateSync } from 'node:fs';
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  CaissonError,
  close,
  fchmod,
  fchownat,
  fsetxattr,
  hasCode,
  linkat,
  mknodat,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  S_IFIFO,
  symlinkat,
  utimensat,
} from '../../../syscalls/index.ts';
import type { AgentFile } from '../../engine/agent.ts';
import { mkdir, unlink } from '../change.ts';
import { writeAll } from '../content.ts';
import { settled } from '../directory.ts';
import { asked } from '../error.ts';
import { type RawPath, toBytes, toText } from '../path.ts';
import { openInAgent, type Session } from '../session.ts';
import { stat } from '../stat.ts';
import type { CopyEntry, Sink, Tally } from './entry.ts';
import type { Owner } from './owner.ts';
import { timesOf } from './times.ts';

/**
 * What is put is made below `top`. What is there is replaced, but no directory by anything else; directories that are
 * there stay as they are, and links to directories are followed.
 */
export class ContainerSink implements Sink {
  readonly #session: Session;
  readonly #top: RawPath;
  readonly #owner: Owner | undefined;
  readonly #tally: Tally;
  /** Those made here, which get their attributes last: each thing put into one changes its time. */
  readonly #directories: CopyEntry[] = [];

  /** @param owner of all; undefined when each keeps its own */
  constructor(session: Session, top: RawPath, owner: Owner | undefined, tally: Tally) {
    this.#session = session;
    this.#top = top;
    this.#owner = owner;
    this.#tally = tally;
  }

  async put(entry: CopyEntry): Promise<void> {
    const path = this.#pathOf(entry.path);
    if (entry.type === 'device' || entry.type === 'socket') this.#tally.lose(`${entry.type}s left out`);
    else if (entry.type === 'directory') await this.#putDirectory(path, entry);
    else if (entry.type === 'file') await this.#putFile(path, entry);
    else await this.#putOther(path, entry);
  }

  async finish(): Promise<void> {
    const flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
    await Promise.all(
      this.#directories.map(async (entry) => {
        const path = this.#pathOf(entry.path);
        const directory = openInAgent(this.#session, path, { flags });
        const setting = this.#setAttributes(path, directory, entry);
        // Asked for in one go, so that the number is free for the next one.
        void directory.close();
        await setting;
      }),
    );
  }

  #pathOf(path: RawPath): RawPath {
    if (path === '') return this.#top;
    return this.#top === '/' ? `/${path}` : `${this.#top}/${path}`;
  }

  async #putDirectory(path: RawPath, entry: CopyEntry): Promise<void> {
    try {
      await mkdir(this.#session, path, 0o700);
    } catch (error) {
      if (!hasCode(error, 'EEXIST') || !(await stat(this.#session, path, false)).isDirectory()) throw error;
      return;
    }
    this.#directories.push(entry);
    this.#tally.files++;
  }

  async #putFile(path: RawPath, entry: CopyEntry): Promise<void> {
    const { agent } = this.#session;
    const file = await this.#replace(path);
    const descriptor = await agent.take(file).catch(async (error: unknown) => {
      await file.close();
      throw error;
    });
    try {
      let end = 0;
      for await (const { offset, bytes } of entry.content()) {
        await writeAll(descriptor, bytes, offset);
        this.#tally.bytes += bytes.length;
        end = offset + bytes.length;
      }
      // With a hole at its end.
      if (end < entry.size) ftruncateSync(descriptor, entry.size);
      await this.#setAttributes(path, file, entry);
      this.#tally.files++;
    } finally {
      close(descriptor);
      await file.close();
    }
  }

  /** A new file in place of what is there: a program that runs is not written into, and a link not followed. */
  async #replace(path: RawPath): Promise<AgentFile> {
    const question = { syscall: 'open', path };
    const removing = this.#remove(path);
    const flags = O_WRONLY | O_CREAT | O_NOFOLLOW;
    const file = openInAgent(this.#session, path, { flags: flags | O_EXCL, mode: 0o600 });
    try {
      const isMounted = await removing;
      if (isMounted) await file.close();
      const opened = isMounted ? openInAgent(this.#session, path, { flags: flags | O_TRUNC }) : file;
      await asked(question, opened.opened);
      return opened;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Removes what may be replaced; whether it is a mount, which can only be written to. */
  async #remove(path: RawPath): Promise<boolean> {
    try {
      await unlink(this.#session, path);
    } catch (error) {
      if (hasCode(error, 'EISDIR')) {
        throw new CaissonError('TARGET_IS_DIRECTORY', `'${toText(path)}' of the container is a directory`);
      }
      if (!hasCode(error, 'ENOENT', 'EBUSY')) throw error;
      return hasCode(error, 'EBUSY');
    }
    return false;
  }

  async #putOther(path: RawPath, entry: CopyEntry): Promise<void> {
    const { agent } = this.#session;
    const bytes = toBytes(path);
    const make = () => {
      if (entry.type === 'symlink') return agent.call(symlinkat, toBytes(entry.target), AT_FDCWD, bytes);
      if (entry.type === 'fifo') return agent.call(mknodat, AT_FDCWD, bytes, S_IFIFO | entry.mode, 0);
      return agent.call(linkat, AT_FDCWD, toBytes(this.#pathOf(entry.target)), AT_FDCWD, bytes, 0);
    };
    // The attributes of a hard link came with the file.
    const setting = (): Promise<unknown>[] => {
      if (entry.type === 'hardlink') return [];
      const { uid, gid } = this.#owner ?? entry;
      const times = timesOf(entry.mtimeNs);
      return [
        this.#own(agent.call(fchownat, AT_FDCWD, bytes, uid, gid, AT_SYMLINK_NOFOLLOW)),
        agent.call(utimensat, AT_FDCWD, bytes, times, AT_SYMLINK_NOFOLLOW),
      ];
    };
    await asked({ syscall: 'copy', path }, settled([this.#remove(path), make(), ...setting()]));
    this.#tally.files++;
  }

  /** Of what is open, so that nothing that was put in its place gets them. All are asked for before one is answered. */
  async #setAttributes(path: RawPath, file: AgentFile, entry: CopyEntry): Promise<void> {
    const { agent } = this.#session;
    const { descriptor } = file;
    const { uid, gid } = this.#owner ?? entry;
    const setting: Promise<unknown>[] = [
      file.opened,
      // Before the attributes and the mode: it clears file capabilities and set-user-ID.
      this.#own(agent.call(fchownat, descriptor, '', uid, gid, AT_EMPTY_PATH)),
      ...[...entry.xattrs].map(([name, value]) => this.#setAttribute(descriptor, name, value)),
      agent.call(fchmod, descriptor, entry.mode),
      agent.call(utimensat, descriptor, null, timesOf(entry.mtimeNs), 0),
    ];
    await asked({ syscall: 'copy', path }, settled(setting));
  }

  async #setAttribute(descriptor: number, name: string, value: Buffer): Promise<void> {
    try {
      await this.#session.agent.call(fsetxattr, descriptor, name, value, value.length, 0);
    } catch (error) {
      if (!hasCode(error, 'EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP')) throw error;
      this.#tally.lose(`attributes '${name}' left out: they cannot be set there`);
    }
  }

  /** An owner that was asked for by name or number must be; one that only came along need not. */
  async #own(owning: Promise<unknown>): Promise<void> {
    try {
      await owning;
    } catch (error) {
      if (this.#owner !== undefined || !hasCode(error, 'EINVAL')) throw error;
      this.#tally.lose('owners left out: the container does not have these ids');
    }
  }
}
