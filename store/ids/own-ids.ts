/**
 * Which ids this process can give to files and to the users of containers: the one place where that is decided.
 *
 * - `all`: root of the machine gives any.
 * - `subordinate`: a user with ranges in /etc/subuid and /etc/subgid has those, in a user namespace.
 * - `single`: any other user has the one id that is his own, which is 0 in his containers.
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { hasCode, isError, SyscallError, shared } from '../../syscalls/index.ts';
import { findProgram, readHostFile } from '../host-files.ts';
import { type IdMappings, type IdRange, mapIds, parseSubordinateIds } from './mapping.ts';
import { type MappingPrograms, makeUserNamespace } from './namespace.ts';

/** The ids of this process. */
export type OwnIds =
  | { readonly kind: 'all' }
  | {
      readonly kind: 'subordinate';
      /** What is mapped in the user namespace: 0 is the user's own id, from 1 on come his subordinate ones. */
      readonly mappings: IdMappings;
      /** The user namespace, as a descriptor. It is this thread's; nobody closes it. */
      readonly namespace: number;
    }
  | SingleId;

/** The one id of a user, and why there are no more. */
interface SingleId {
  readonly kind: 'single';
  readonly mappings: IdMappings;
  readonly reason: string;
}

/** What could be mapped, and with which programs, by what the machine's files say. */
export type FoundIds =
  | { readonly kind: 'all' }
  | { readonly kind: 'subordinate'; readonly mappings: IdMappings; readonly programs: MappingPrograms }
  | SingleId;

const thread = shared<{ own?: OwnIds }>('own ids', () => ({}));

/** The ids of this process. The first call of a thread that has subordinate ones makes the user namespace for them. */
export function ownIds(): OwnIds {
  thread.own ??= openIds(findIds());
  return thread.own;
}

/** What {@link ownIds} is going to be: nothing is made. */
export function findIds(): FoundIds {
  if (isMachineRoot()) return { kind: 'all' };
  const names = [String(effectiveUid()), ...userName()];
  const rangesIn = (file: string) => parseSubordinateIds(readHostFile(file), names);
  const mappings = ownMappings(rangesIn('/etc/subuid'), rangesIn('/etc/subgid'));
  if (mappings.uid.length === 1 || mappings.gid.length === 1) {
    const file = mappings.uid.length === 1 ? '/etc/subuid' : '/etc/subgid';
    return singleId(`${file} has no ids for user ${names.at(-1)}`);
  }
  const [newuidmap, newgidmap] = ['newuidmap', 'newgidmap'].map((name) => findProgram(name));
  if (newuidmap === undefined || newgidmap === undefined) {
    return singleId('newuidmap and newgidmap are not on the PATH (Debian has them in the package uidmap)');
  }
  return { kind: 'subordinate', mappings, programs: { newuidmap, newgidmap } };
}

/**
 * Whether this process is root of the machine, who may give any owner, make devices and set `trusted.*` attributes.
 * Root of a user namespace may not. Only the first one maps all ids to themselves.
 */
export function isMachineRoot(): boolean {
  if (effectiveUid() !== 0) return false;
  return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8'));
}

/** What a process can map without help (man 7 user_namespaces): its own id, which becomes 0. */
export function singleMappings(): IdMappings {
  return ownMappings([], []);
}

function ownMappings(uids: readonly IdRange[], gids: readonly IdRange[]): IdMappings {
  return { uid: mapIds(effectiveUid(), uids), gid: mapIds(process.getegid?.() ?? 0, gids) };
}

function singleId(reason: string): SingleId {
  return { kind: 'single', mappings: singleMappings(), reason };
}

function effectiveUid(): number {
  return process.geteuid?.() ?? 0;
}

/** That the programs refuse is no error: with its one id, a user can run most containers. */
function openIds(found: FoundIds): OwnIds {
  if (found.kind !== 'subordinate') return found;
  const { mappings, programs } = found;
  try {
    return { kind: 'subordinate', mappings, namespace: makeUserNamespace(mappings, programs) };
  } catch (error) {
    if (!(error instanceof SyscallError || hasCode(error, 'IDS_NOT_MAPPED'))) throw error;
    return singleId((error as Error).message);
  }
}

/** Who has no entry in /etc/passwd has no name. */
function userName(): string[] {
  try {
    return [userInfo().username];
  } catch (error) {
    if (isError(error) && 'syscall' in error) return [];
    throw error;
  }
}
