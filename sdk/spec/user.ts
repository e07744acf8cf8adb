/** Who a process is, by the container's own files. Pure. */
import { formatIds, type IdMappings, isMapped } from '../../store/places.ts';
import { CaissonError } from '../../syscalls/index.ts';
import type { ResolvedUser } from './normalize.ts';
import { isSingleId, type MappedIds, type SpecLinux, type SpecUser } from './spec.ts';
import { MAX_ID, parseId, type UserFiles } from './user-files.ts';

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
  const asked = `user '${user}'`;
  const uid = numericId(name, asked);
  const entry = files.passwd.find((each) => (uid === undefined ? each.name === name : each.uid === uid));
  if (uid === undefined && entry === undefined) {
    throw notFound('USER_NOT_FOUND', 'user', name, files.passwd);
  }
  const gid = groupName === undefined ? (entry?.gid ?? 0) : resolveGroup(groupName, asked, files);
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
 * Adds groups to those that a user is in.
 * @throws CaissonError GROUP_NOT_FOUND, INVALID_USER for an id that does not fit 32 bits
 */
export function inGroups<T extends SpecUser>(user: T, groups: AskedGroups, files: UserFiles): T {
  const gids = groups.map((group) => resolveGroup(String(group), `group '${group}'`, files));
  return { ...user, additionalGids: [...new Set([...user.additionalGids, ...gids])] };
}

/** Groups that were asked for, by names and ids. */
type AskedGroups = readonly (string | number)[];

/** What of a user is not mapped, as `'user 70000'` or `'group 70000'`; undefined where all is. */
export function unmappedOf({ uid, gid, additionalGids }: SpecUser, mappings: IdMappings): string | undefined {
  if (!isMapped(uid, mappings.uid)) return `user ${uid}`;
  const group = [gid, ...additionalGids].find((each) => !isMapped(each, mappings.gid));
  return group === undefined ? undefined : `group ${group}`;
}

/**
 * Refuses a user, or a group of his, that the ids of the container do not reach to.
 * @param groups whether he was asked to be in groups
 * @throws CaissonError USER_NOT_MAPPED
 */
export function assertMapped(user: SpecUser, linux: DecidedIds, groups: AskedGroups = []): void {
  const { uidMappings: uid, gidMappings: gid } = linux;
  // With one id there are no supplementary groups to have (man 2 setgroups): those of /etc/group are left out.
  const asked = isSingleId(linux) && groups.length === 0 ? { ...user, additionalGids: [] } : user;
  const unmapped = unmappedOf(asked, { uid, gid });
  if (unmapped === undefined) return;
  const isAdditional = unmapped.startsWith('group') && unmapped !== `group ${user.gid}`;
  const what = `user ${user.uid}:${user.gid}${isAdditional ? ` with ${unmapped}` : ''}`;
  const { has = `the container has uids ${formatIds(uid)} and gids ${formatIds(gid)}`, hint } = explainIds(linux);
  throw new CaissonError('USER_NOT_MAPPED', `${what}: ${has}`, hint === undefined ? {} : { hint });
}

type DecidedIds = MappedIds & Pick<SpecLinux, 'ids'>;

/** Which ids there are, and how there would be more, as far as it is known where they come from. */
function explainIds({ ids }: DecidedIds): { readonly has?: string; readonly hint?: string } {
  switch (ids?.mode) {
    case 'auto':
      return { hint: "make it with userns: 'host', or with maps of your own" };
    case 'maps':
      return { hint: "map more with option 'userns'" };
    case 'path':
    case 'container':
      return { hint: 'they are those of what it joins' };
    case 'subordinate':
      return { hint: 'more subordinate ids: usermod --add-subuids, --add-subgids' };
    case 'single':
      return {
        has: 'without root or subordinate ids, a container has the one user 0',
        hint: `${ids.reason}; ids: usermod --add-subuids 100000-165535 --add-subgids 100000-165535`,
      };
    default:
      return {};
  }
}

function resolveGroup(name: string, asked: string, { group }: UserFiles): number {
  const gid = numericId(name, asked) ?? group.find((each) => each.name === name)?.gid;
  if (gid === undefined) throw notFound('GROUP_NOT_FOUND', 'group', name, group);
  return gid;
}

/** The id that a number stands for; undefined for what is not one. */
function numericId(text: string, asked: string): number | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const id = parseId(text);
  if (id === undefined) {
    throw new CaissonError('INVALID_USER', `${asked}: ${text} is not an id from 0 to ${MAX_ID}`);
  }
  return id;
}

function notFound(code: string, what: string, name: string, known: readonly { name: string }[]): CaissonError {
  const names = known.slice(0, 20).map((each) => each.name);
  const there = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}${known.length > 20 ? ', …' : ''}`;
  return new CaissonError(code, `the container has no ${what} '${name}': ${there}`);
}
