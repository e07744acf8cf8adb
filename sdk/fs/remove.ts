/** Removing trees. */
import { posix } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AT_REMOVEDIR,
  hasCode,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_NO_SYMLINKS,
  unlinkat,
} from '../../syscalls/index.ts';
import type { AgentFile } from '../engine/agent.ts';
import { unlink } from './change.ts';
import { listBelow, settled, UV_DIRENT } from './directory.ts';
import { asked, failure } from './error.ts';
import { type RawPath, toBytes, toText } from './path.ts';
import { openInAgent, type Session } from './session.ts';
import { lstat } from './stat.ts';

/** What node:fs calls the options of rm. */
export interface RmOptions {
  readonly force?: boolean | undefined;
  readonly recursive?: boolean | undefined;
  readonly maxRetries?: number | undefined;
  readonly retryDelay?: number | undefined;
}

/** As node:fs's. */
export async function rm(session: Session, path: RawPath, options: RmOptions = {}): Promise<void> {
  const { force = false, recursive = false, maxRetries = 0, retryDelay = 100 } = options;
  for (let attempt = 0; ; attempt++) {
    try {
      return await removeOnce(session, path, recursive);
    } catch (error) {
      if (force && hasCode(error, 'ENOENT')) return;
      const isBusy = recursive && hasCode(error, 'EBUSY', 'EMFILE', 'ENFILE', 'ENOTEMPTY', 'EPERM');
      if (!isBusy || attempt >= maxRetries) throw error;
      await delay((attempt + 1) * retryDelay);
    }
  }
}

async function removeOnce(session: Session, path: RawPath, recursive: boolean): Promise<void> {
  if (!(await asked({ syscall: 'rm', path }, lstat(session, path, false))).isDirectory()) {
    await asked({ syscall: 'rm', path }, unlink(session, path));
    return;
  }
  if (!recursive) {
    const message = `Path is a directory: rm returned EISDIR (is a directory) ${toText(path)}`;
    throw Object.assign(new Error(message), {
      code: 'ERR_FS_EISDIR',
      errno: failure('EISDIR', { syscall: 'rm' }).errno,
      syscall: 'rm',
      path: toText(path),
    });
  }
  const { dir, base } = posix.parse(posix.resolve('/', path));
  if (base === '') throw failure('EBUSY', { syscall: 'rm', path });
  const parent = openInAgent(session, dir, { flags: O_PATH | O_DIRECTORY });
  try {
    await asked({ syscall: 'rm', path }, removeTree(session, parent, base));
  } finally {
    void parent.close();
  }
}

/**
 * Removes a directory and what is in it, through no symbolic link, whoever puts one in the way meanwhile. It holds one
 * descriptor at a time, however deep the tree is.
 */
async function removeTree(session: Session, top: AgentFile, path: RawPath): Promise<void> {
  const entries = await listBelow(session, top, path);
  const others = entries.filter(({ type }) => type !== UV_DIRENT.DIR).map(({ name }) => name);
  const directories = entries.filter(({ type }) => type === UV_DIRENT.DIR).map(({ name }) => name);
  const found = others.length === 0 ? [] : await removeFrom(session, top, path, others, 0);
  for (const name of [...directories, ...found]) await removeTree(session, top, `${path}/${name}`);
  const { dir, base } = posix.parse(path);
  await removeFrom(session, top, dir === '' ? '.' : dir, [base], AT_REMOVEDIR);
}

/** Removes names from a directory, all in one go; returns those that turned out to be directories. */
async function removeFrom(session: Session, top: AgentFile, path: RawPath, names: RawPath[], flags: number) {
  const how = { flags: O_PATH | O_DIRECTORY | O_NOFOLLOW, resolve: RESOLVE_NO_SYMLINKS, from: top.descriptor };
  const directory = openInAgent(session, path, how);
  const removing = names.map(async (name) => {
    try {
      await session.agent.call(unlinkat, directory.descriptor, toBytes(name), flags);
    } catch (error) {
      if (hasCode(error, 'EISDIR')) return name;
      if (!hasCode(error, 'ENOENT')) throw error;
    }
    return undefined;
  });
  void directory.close();
  const [, ...found] = await settled([directory.opened, ...removing]);
  return found.filter((name) => name !== undefined);
}
