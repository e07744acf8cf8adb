/** The two ends of a copy: the paths that were given, and what is there. */
import fs from 'node:fs';
import { isAbsolute } from 'node:path';
import { hasCode } from '../../../syscalls/index.ts';
import { type RawPath, toRawPath } from '../path.ts';
import type { Session } from '../session.ts';
import { lstat, realpath, stat } from '../stat.ts';
import { directoryOf, type End } from './decide.ts';

/** What is copied: its end, and the path to open it by. */
export interface SourceEnd extends End {
  readonly opened: RawPath;
}

/** Something of this machine to be copied. A link is what it leads to only when that is asked for, or by a slash. */
export function hostSource(path: string, followLink: boolean): SourceEnd {
  const full = absoluteHere(path);
  const found = ifThere(() => (followLink ? fs.statSync : fs.lstatSync)(full));
  if (found === undefined) return { path: toRawPath(full), kind: 'missing', opened: '' };
  const opened = followLink ? fs.realpathSync(full) : full;
  return { path: toRawPath(full), kind: kindOf(found), opened: toRawPath(opened) };
}

/** Where on this machine something goes: links are followed, by whom the target is given. */
export function hostTarget(path: string): End {
  const full = absoluteHere(path);
  const found = ifThere(() => fs.statSync(full));
  // What the slash says of a file is that it is to be a directory.
  if (found === undefined) {
    const above = ifThere(() => fs.statSync(Buffer.from(directoryOf(toRawPath(full)), 'latin1')));
    return { path: toRawPath(full), kind: above === undefined ? 'nowhere' : 'missing' };
  }
  if (!found.isDirectory()) return { path: toRawPath(full), kind: 'other' };
  return { path: toRawPath(fs.realpathSync(full)), kind: 'directory' };
}

/** Something of a container to be copied. */
export async function containerSource(session: Session, path: string, followLink: boolean): Promise<SourceEnd> {
  const full = absoluteThere(path);
  const found = await ifThereSoon(() => (followLink ? stat : lstat)(session, full, false));
  if (found === undefined) return { path: full, kind: 'missing', opened: '' };
  return { path: full, kind: kindOf(found), opened: followLink ? await realpath(session, full) : full };
}

/** Where in a container something goes. */
export async function containerTarget(session: Session, path: string): Promise<End> {
  const full = absoluteThere(path);
  const found = await ifThereSoon(() => stat(session, full, false));
  if (found === undefined) {
    const above = await ifThereSoon(() => stat(session, directoryOf(full), false));
    return { path: full, kind: above === undefined ? 'nowhere' : 'missing' };
  }
  if (!found.isDirectory()) return { path: full, kind: 'other' };
  return { path: await realpath(session, full), kind: 'directory' };
}

function kindOf(found: { isDirectory(): boolean }): End['kind'] {
  return found.isDirectory() ? 'directory' : 'other';
}

/** Not resolved: what is at its end says what is meant. */
function absoluteHere(path: string): string {
  return isAbsolute(path) ? path : `${process.cwd()}/${path}`;
}

function absoluteThere(path: string): RawPath {
  const raw = toRawPath(path);
  return raw.startsWith('/') ? raw : `/${raw}`;
}

function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    return absence(error);
  }
}

async function ifThereSoon<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    return absence(error);
  }
}

/** A file with a slash behind it is not there as a directory, but there: ENOTDIR is for whoever opens it. */
function absence(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) throw error;
  return undefined;
}
