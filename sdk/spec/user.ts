/**
 * Who a process is, from the container's own files. They are the container's: opened inside its root, read only when
 * they are ordinary files, and only to a limit (CVE-2024-9676, CVE-2026-47262).
 */
import { fstatSync, readSync, statSync } from 'node:fs';
import { formatIds, isMapped } from '../../store/places.ts';
import {
  AT_FDCWD,
  CaissonError,
  close,
  hasCode,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  OPEN_HOW,
  openat,
  openat2,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from '../../syscalls/index.ts';
import type { ResolvedUser } from './normalize.ts';
import type { ProcessFacts } from './process-facts.ts';
import type { SpecUser } from './spec.ts';

/** Longer files are not read: a passwd file of 1 MiB has some 15,000 users. */
const MAX_BYTES = 1_048_576;

/** The greatest id; the one above it means "unchanged" to the kernel. */
const MAX_ID = 0xffff_fffe;

/** The lines of passwd(5) and group(5) that matter. */
export interface UserFiles {
  readonly passwd: readonly { name: string; uid: number; gid: number; home: string }[];
  readonly group: readonly { name: string; gid: number; members: readonly string[] }[];
}

/**
 * Reads /etc/passwd and /etc/group of a root.
 * @param roots directories that the root is put together from; the first that has the file decides
 */
export function readUserFiles(roots: readonly string[]): UserFiles {
  return parseUserFiles(readFirst(roots, 'etc/passwd'), readFirst(roots, 'etc/group'));
}

/** Reads the text of /etc/passwd and /etc/group. */
export function parseUserFiles(passwd: string, group: string): UserFiles {
  return {
    passwd: parseColons(passwd).flatMap(([name = '', , uid, gid, , home = '']) => {
      const ids = [parseId(uid), parseId(gid)];
      const [id, group] = ids;
      return id === undefined || group === undefined ? [] : [{ name, uid: id, gid: group, home }];
    }),
    group: parseColons(group).flatMap(([name = '', , gid, members = '']) => {
      const id = parseId(gid);
      return id === undefined ? [] : [{ name, gid: id, members: members.split(',').filter((member) => member !== '') }];
    }),
  };
}

/** How many images' user files are kept. */
const MAX_REMEMBERED = 32;

const remembered = new Map<string, { readonly stamp: string; readonly files: UserFiles }>();

/**
 * As {@link readUserFiles}, for images: what was read is kept, and of one that may change as long as its files have
 * not. That is seen in a tenth of the time.
 */
export function rememberUserFiles(layers: readonly string[], mayChange: boolean): UserFiles {
  const key = layers.join('\0');
  const names = mayChange ? layers.flatMap((layer) => [`${layer}/etc/passwd`, `${layer}/etc/group`]) : [];
  const stamp = names.map(stampOf).join();
  const known = remembered.get(key);
  if (known?.stamp === stamp) return known.files;
  const files = readUserFiles(layers.toReversed());
  const oldest = remembered.keys().next().value;
  if (remembered.size >= MAX_REMEMBERED && oldest !== undefined) remembered.delete(oldest);
  remembered.set(key, { stamp, files });
  return files;
}

/** Another one when a file has changed. Only compared: where a link of the image leads to is of no consequence. */
function stampOf(path: string): string {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat === undefined ? '' : `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeMs}:${stat.ctimeMs}`;
  } catch (error) {
    // What it is that cannot be looked at is found out when it is read.
    return String((error as NodeJS.ErrnoException).code);
  }
}

/**
 * Decides who a user is: Docker's rules. A number is an id, never a name (CVE-2026-46680).
 *
 * @param user name, uid, `uid:gid`, `name:group`, in any combination
 * @throws CaissonError USER_NOT_FOUND for a name that the container's files do not have
 * @throws CaissonError INVALID_USER for an id that does not fit 32 bits, or anything else
 */
export function resolveUser(user: string | number, files: UserFiles): ResolvedUser {
  const [name = '', groupName, ...rest] = String(user).split(':');
  if (rest.length > 0 || name === '' || groupName === '') {
    throw new CaissonError('INVALID_USER', `user '${user}' is not a name, uid, uid:gid or name:group`);
  }
  const uid = numericId(name, user);
  const entry = files.passwd.find((each) => (uid === undefined ? each.name === name : each.uid === uid));
  if (uid === undefined && entry === undefined) {
    throw notFound('USER_NOT_FOUND', 'user', name, files.passwd);
  }
  const gid = groupName === undefined ? (entry?.gid ?? 0) : resolveGroup(groupName, user, files);
  const isMember = (members: readonly string[]) => entry !== undefined && members.includes(entry.name);
  return {
    uid: uid ?? entry?.uid ?? 0,
    gid,
    // Docker's rule: who asks for a group gets that one only.
    additionalGids:
      groupName === undefined ? files.group.filter(({ members }) => isMember(members)).map((group) => group.gid) : [],
    home: entry?.home || '/',
  };
}

/**
 * Refuses a user, or a group of his, that the ids of this process's containers do not reach to.
 * @throws CaissonError USER_NOT_MAPPED
 */
export function assertMapped(user: SpecUser, { mappings: { uid, gid }, whySingle }: ProcessFacts): void {
  // With one id there are no supplementary groups to have (man 2 setgroups), and none are asked for.
  const groups = [user.gid, ...(whySingle === undefined ? user.additionalGids : [])];
  const group = groups.find((each) => !isMapped(each, gid));
  if (isMapped(user.uid, uid) && group === undefined) return;
  const what = `user ${user.uid}:${user.gid}${group === undefined || group === user.gid ? '' : ` with group ${group}`}`;
  throw whySingle === undefined
    ? new CaissonError(
        'USER_NOT_MAPPED',
        `${what}: containers of this user have uids ${formatIds(uid)} and gids ${formatIds(gid)}`,
        {
          hint: 'more subordinate ids: usermod --add-subuids, --add-subgids',
        },
      )
    : new CaissonError('USER_NOT_MAPPED', `${what}: without root or subordinate ids, a container has the one user 0`, {
        hint: `${whySingle}; ids: usermod --add-subuids 100000-165535 --add-subgids 100000-165535`,
      });
}

function resolveGroup(name: string, user: string | number, { group }: UserFiles): number {
  const gid = numericId(name, user) ?? group.find((each) => each.name === name)?.gid;
  if (gid === undefined) throw notFound('GROUP_NOT_FOUND', 'group', name, group);
  return gid;
}

/** The id that a number stands for; undefined for what is not one. */
function numericId(text: string, user: string | number): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const id = parseId(text);
  if (id === undefined) {
    throw new CaissonError('INVALID_USER', `user '${user}': ${text} is not an id from 0 to ${MAX_ID}`);
  }
  return id;
}

function parseId(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

function notFound(code: string, what: string, name: string, known: readonly { name: string }[]): CaissonError {
  const names = known.slice(0, 20).map((each) => each.name);
  const there = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}${known.length > 20 ? ', …' : ''}`;
  return new CaissonError(code, `the container has no ${what} '${name}': ${there}`);
}

function parseColons(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function readFirst(roots: readonly string[], path: string): string {
  for (const root of roots) {
    const text = readInside(root, path);
    if (text !== undefined) return text;
  }
  return '';
}

/** Reads an ordinary file inside a root, whatever is there; undefined when there is none, or one of no use. */
export function readFileInside(root: string, path: string): string | undefined {
  try {
    return readInside(root, path);
  } catch (error) {
    if (!hasCode(error, 'INVALID_USER')) throw error;
    return undefined;
  }
}

/** Reads an ordinary file inside a root; undefined when there is none. */
function readInside(root: string, path: string): string | undefined {
  let directory: number | undefined;
  let file: number;
  try {
    directory = openat(AT_FDCWD, root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    // O_NONBLOCK: a FIFO must not make us wait for its other end.
    const flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
    const how = OPEN_HOW.encode({ flags, resolve: RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS });
    file = openat2(directory, path, how, OPEN_HOW.size);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO')) return undefined;
    throw error;
  } finally {
    if (directory !== undefined) close(directory);
  }
  return readUserFile(file, path);
}

/**
 * Reads and closes an open user file; undefined when it is no ordinary file.
 * @throws CaissonError INVALID_USER when it is longer than any such file
 */
export function readUserFile(file: number, path: string): string | undefined {
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return undefined;
    if (stat.size > MAX_BYTES) {
      throw new CaissonError(
        'INVALID_USER',
        `/${path} of the container has ${stat.size} bytes; at most ${MAX_BYTES} are read`,
      );
    }
    const buffer = Buffer.alloc(stat.size);
    return buffer.toString('utf8', 0, readSync(file, buffer));
  } finally {
    close(file);
  }
}
