/** Trees to copy from. */
import fs from 'node:fs';
import {
  AT_FDCWD,
  close,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  OPEN_HOW,
  openat,
  openat2,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
} from '../../../syscalls/index.ts';
import { type Entry, listBelow, UV_DIRENT } from '../directory.ts';
import { type RawPath, toBytes } from '../path.ts';
import { openInAgent, openInContainer, type Session } from '../session.ts';
import { statDescriptor } from '../stat.ts';
import type { Source } from './walk.ts';

/** A tree to copy from, to be closed. */
export interface OpenSource extends Source {
  close(): void;
}

/** What is at a path of a container. Its last component is not followed. */
export async function openContainerSource(session: Session, path: RawPath): Promise<OpenSource> {
  const { agent } = session;
  const top = openInAgent(session, path, { flags: O_PATH | O_NOFOLLOW });
  await top.opened;
  const below = { resolve: RESOLVE_NO_SYMLINKS, from: top.descriptor };
  return {
    open: async (name, flags) => {
      if (name !== '') return openInContainer(session, name, { ...below, flags });
      if ((flags & O_PATH) !== 0) return agent.take(top);
      return openInContainer(session, path, { flags });
    },
    list: (name) => listBelow(session, top, name === '' ? '.' : name),
    stat: (descriptor) => statDescriptor(session, descriptor, true) as fs.BigIntStats,
    close: () => void top.close(),
  };
}

/** What is at a path of this machine. Its last component is not followed. */
export function openHostSource(path: RawPath): OpenSource {
  const top = openat(AT_FDCWD, toBytes(path), O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
  const openBelow = (name: RawPath, flags: number) => {
    const how = OPEN_HOW.encode({ flags: flags | O_CLOEXEC, resolve: RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS });
    return openat2(top, toBytes(name), how, OPEN_HOW.size);
  };
  return {
    open: async (name, flags) => {
      if (name !== '') return openBelow(name, flags);
      return (flags & O_PATH) !== 0 || (flags & O_DIRECTORY) === 0
        ? openat(AT_FDCWD, toBytes(path), flags | O_CLOEXEC, 0)
        : openBelow('.', flags);
    },
    list: async (name) => {
      const directory = openBelow(name === '' ? '.' : name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      try {
        const found = fs.readdirSync(`/proc/self/fd/${directory}`, { withFileTypes: true, encoding: 'latin1' });
        return found.map((entry) => ({ name: entry.name, type: typeOf(entry) })).sort(byName);
      } finally {
        close(directory);
      }
    },
    stat: (descriptor) => fs.fstatSync(descriptor, { bigint: true }),
    close: () => void close(top),
  };
}

function typeOf(entry: fs.Dirent): number {
  if (entry.isFile()) return UV_DIRENT.FILE;
  return entry.isDirectory() ? UV_DIRENT.DIR : UV_DIRENT.UNKNOWN;
}

function byName(a: Entry, b: Entry): number {
  return a.name < b.name ? -1 : 1;
}
