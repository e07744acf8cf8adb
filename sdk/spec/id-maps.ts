/** Which ids a container's users have on this machine: what can be decided without asking the machine. Pure. */
import type { IdMapping, IdMappings } from '../../store/places.ts';
import { CaissonError } from '../../syscalls/common.ts';
import { type Check, isObject, isOneOf } from './checks.ts';
import type { UserNamespaceMaps } from './namespace-options.ts';
import type { ContainerOptions } from './options.ts';

/** The greatest id that can be mapped: one above it means "unchanged", and below are what caisson keeps for itself. */
const MAX_ID = 0xffff_fffb;

/** How many ranges the kernel takes (man 7 user_namespaces), but for the one that caisson adds. */
const MAX_RANGES = 339;

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

const isMapping: (value: unknown) => boolean = (value) => {
  const names = ['containerID', 'hostID', 'size'];
  const isComplete = isObject(value) && names.every((name) => isCount(value[name]));
  return isComplete && Object.keys(value).length === names.length;
};

/** `'auto'`, `'host'` or maps; whether those are possible is said by {@link assertMaps}. */
export const isUserNamespace: Check = (value) => {
  if (!isObject(value)) return isOneOf('auto', 'host')(value);
  const isMaps = (maps: unknown) => Array.isArray(maps) && maps.every(isMapping);
  const expected = "'auto', 'host', { container }, { path } or { uid, gid }, arrays of { containerID, hostID, size }";
  return isMaps(value.uid) && isMaps(value.gid) && Object.keys(value).length === 2 ? undefined : expected;
};

/**
 * @throws CaissonError ID_MAP_INVALID for ranges that are empty, too many, overlap or do not fit 32 bits, and for maps
 *   without a root
 */
export function assertMaps({ uid, gid }: UserNamespaceMaps): void {
  assertMap('uid', uid);
  assertMap('gid', gid);
}

function assertMap(kind: 'uid' | 'gid', mappings: readonly IdMapping[]): void {
  const refuse = (what: string, hint?: string) => {
    return new CaissonError('ID_MAP_INVALID', `userns.${kind}: ${what}`, hint === undefined ? {} : { hint });
  };
  if (mappings.length > MAX_RANGES) throw refuse(`${mappings.length} ranges are more than ${MAX_RANGES}`);
  for (const mapping of mappings) {
    if (mapping.size === 0) throw refuse(`${format(mapping)} is empty`);
    const last = Math.max(mapping.containerID, mapping.hostID) + mapping.size - 1;
    if (last > MAX_ID) throw refuse(`${format(mapping)} goes to ${last}, and the greatest id is ${MAX_ID}`);
  }
  for (const side of ['containerID', 'hostID'] as const) {
    const sorted = [...mappings].sort((one, other) => one[side] - other[side]);
    sorted.forEach((mapping, index) => {
      const before = sorted[index - 1];
      if (before === undefined || before[side] + before.size <= mapping[side]) return;
      throw refuse(`${format(before)} and ${format(mapping)} overlap`);
    });
  }
  if (mappings.some(({ containerID }) => containerID === 0)) return;
  throw refuse('0 is not mapped', 'what sets a container up is root of it');
}

/**
 * Refuses maps that an ordinary user may not have: his own id as root, and as others only his subordinate ones.
 *
 * @param own what he may map, each with the machine's ids it stands for
 * @throws CaissonError ID_NOT_PERMITTED
 */
export function assertPermitted(maps: UserNamespaceMaps, own: IdMappings, user: string): void {
  for (const kind of ['uid', 'gid'] as const) {
    const [root] = own[kind];
    const rootAsked = maps[kind].find(({ containerID }) => containerID === 0);
    if (rootAsked?.hostID !== root?.hostID) {
      const message = `userns.${kind}: 0 must be ${root?.hostID}, to whom the container's files belong, not ${rootAsked?.hostID}`;
      throw new CaissonError('ID_NOT_PERMITTED', message);
    }
    for (const mapping of maps[kind]) {
      if (isWithin(mapping, own[kind])) continue;
      const ids = own[kind].map(({ hostID, size }) => `${hostID}-${hostID + size - 1}`).join(', ');
      throw new CaissonError('ID_NOT_PERMITTED', `userns.${kind}: ${format(mapping)}: ${user} may map ${ids}`, {
        hint: 'more subordinate ids: usermod --add-subuids, --add-subgids',
      });
    }
  }
}

/** Whether each id of a range is one of those, which may lie side by side. */
function isWithin({ hostID, size }: IdMapping, ranges: readonly IdMapping[]): boolean {
  let next = hostID;
  while (next < hostID + size) {
    const range = ranges.find((each) => next >= each.hostID && next < each.hostID + each.size);
    if (range === undefined) return false;
    next = range.hostID + range.size;
  }
  return true;
}

/**
 * What a container shares with the host that is of no use to who has no rights over the host; so one that asks for it,
 * and not for a user namespace, gets none. Undefined when it shares nothing such.
 */
export function sharedWithHost({ network, namespaces = {} }: ContainerOptions): string | undefined {
  if (network === 'host') return "its network is the host's";
  for (const type of ['mount', 'pid', 'ipc', 'uts', 'cgroup'] as const) {
    const option = namespaces[type] ?? 'private';
    if (option === 'host') return `its ${type} namespace is the host's`;
    if (typeof option === 'object' && 'path' in option) return `its ${type} namespace is that of '${option.path}'`;
  }
  return typeof network === 'object' && 'path' in network ? `its network is that of '${network.path}'` : undefined;
}

/** What an id of the container is on this machine; undefined where it is not mapped. */
export function idOutside(id: number, mappings: readonly IdMapping[]): number | undefined {
  const range = mappings.find(({ containerID, size }) => id >= containerID && id < containerID + size);
  return range && range.hostID + id - range.containerID;
}

function format({ containerID, hostID, size }: IdMapping): string {
  return `{ containerID: ${containerID}, hostID: ${hostID}, size: ${size} }`;
}
