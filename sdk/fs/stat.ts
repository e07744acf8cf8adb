/** stat and what is like it. */
import { type BigIntStats, fstatSync, readlinkSync, type Stats } from 'node:fs';
import { AT_FDCWD, close, faccessat2, O_NOFOLLOW, O_PATH, readlinkat } from '../../syscalls/index.ts';
import type { IdMapping } from '../spec/spec.ts';
import { asked, assertLength } from './error.ts';
import { MAX_PATH_BYTES, type RawPath, toBytes } from './path.ts';
import { openInContainer, type Session } from './session.ts';

/** What a path leads to, with the ids that it has in the container. */
export async function stat(session: Session, path: RawPath, bigint: boolean): Promise<Stats | BigIntStats> {
  return statOpened(session, await openInContainer(session, path, { flags: O_PATH, syscall: 'stat' }), bigint);
}

/** What is at a path: a symbolic link is not followed. */
export async function lstat(session: Session, path: RawPath, bigint: boolean): Promise<Stats | BigIntStats> {
  const how = { flags: O_PATH | O_NOFOLLOW, syscall: 'lstat' };
  return statOpened(session, await openInContainer(session, path, how), bigint);
}

/** Node's own statistics of a descriptor, in the ids of the container. */
export function statDescriptor(
  { uids, gids }: Pick<Session, 'uids' | 'gids'>,
  descriptor: number,
  bigint: boolean,
): Stats | BigIntStats {
  const found = fstatSync(descriptor, { bigint });
  const convert = (id: number | bigint, mappings: readonly IdMapping[]) => {
    const inside = idInside(Number(id), mappings);
    return bigint ? BigInt(inside) : inside;
  };
  return Object.assign(found, { uid: convert(found.uid, uids), gid: convert(found.gid, gids) });
}

function statOpened(session: Session, descriptor: number, bigint: boolean): Stats | BigIntStats {
  try {
    return statDescriptor(session, descriptor, bigint);
  } finally {
    close(descriptor);
  }
}

/** What the kernel shows where an id has none in a namespace. */
const OVERFLOW_ID = 65_534;

function idInside(id: number, mappings: readonly IdMapping[]): number {
  if (mappings.length === 0) return id;
  const mapping = mappings.find(({ hostID, size }) => id >= hostID && id < hostID + size);
  return mapping === undefined ? OVERFLOW_ID : mapping.containerID + id - mapping.hostID;
}

/** Whether the container's root may use a file so. */
export async function access({ agent }: Session, path: RawPath, mode: number): Promise<void> {
  const question = { syscall: 'access', path };
  assertLength(question);
  await asked(question, agent.call(faccessat2, AT_FDCWD, toBytes(path), mode, 0));
}

/** What a symbolic link says. */
export async function readlink({ agent }: Session, path: RawPath): Promise<RawPath> {
  const question = { syscall: 'readlink', path };
  assertLength(question);
  const target = Buffer.alloc(MAX_PATH_BYTES);
  const length = await asked(question, agent.call(readlinkat, AT_FDCWD, toBytes(path), target, target.length));
  return target.toString('latin1', 0, length);
}

/** A path without links and dots. */
export async function realpath(session: Session, path: RawPath): Promise<RawPath> {
  const descriptor = await openInContainer(session, path, { flags: O_PATH, syscall: 'realpath' });
  try {
    // The kernel names a file of another mount namespace by its path in there.
    return readlinkSync(`/proc/self/fd/${descriptor}`, 'latin1');
  } finally {
    close(descriptor);
  }
}
