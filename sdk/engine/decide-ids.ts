/** Which ids a container's users have on this machine, and so whether it has a user namespace: looked up and decided. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import {
  claimIds,
  claimRange,
  describeRange,
  findIds,
  type IdMappings,
  idNamespaces,
  RANGE_SIZE,
  type RangeClaim,
  rangeMappings,
  type Store,
  shareRange,
  whyNoIdmappedMemory,
  whyNotIdmapped,
} from '../../store/places.ts';
import { CaissonError, hasCode, SyscallError } from '../../syscalls/index.ts';
import { assertMaps, assertPermitted, sharedWithHost } from '../spec/id-maps.ts';
import type { UserNamespaceMaps } from '../spec/namespace-options.ts';
import { isOfPath } from '../spec/namespaces.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { type ProcessFacts, processFacts } from '../spec/process-facts.ts';
import type { Spec, SpecIds, SpecUser } from '../spec/spec.ts';
import { unmappedOf } from '../spec/user.ts';
import { hidingPlace, parseMountInfo } from './mount-info.ts';

/** What was decided about a container's ids. */
export interface DecidedIds {
  readonly facts: ProcessFacts;
  readonly ids: SpecIds;
  /** Of root's containers with ids of their own: the directories that hold their files. */
  readonly idmapped?: readonly string[];
  /** The range that it has for itself. */
  readonly claim?: RangeClaim;
}

/** What there must be ids for. */
export interface NeededIds extends FilePlaces {
  readonly user: SpecUser;
}

/** Where a container's files are. */
export interface FilePlaces {
  readonly store: Store;
  /** Directories of the host that are seen through overlays. */
  readonly directories: readonly string[];
  /** What is bound with the container's ids. */
  readonly binds: readonly string[];
}

/**
 * Decides which ids a container has.
 *
 * @param joined those of the containers that it joins, none where they have no user namespace
 * @throws CaissonError ID_MAP_INVALID, ID_NOT_PERMITTED, IDMAP_UNSUPPORTED, USERNS_NEEDS_ROOT, NO_IDS_LEFT
 */
export function decideIds(
  options: ContainerOptions,
  joined: IdMappings | undefined,
  needed: NeededIds,
  effect: 'prepare' | 'describe',
): DecidedIds {
  const { userns = 'auto' } = options;
  const facts = processFacts(effect);
  if (typeof userns === 'object' && 'uid' in userns) assertMaps(userns);
  if (joined !== undefined) return decideJoined(joined, facts, options, needed, effect);
  if (!facts.privileged) return decideAsUser(userns, facts);
  if (typeof userns === 'object' && 'uid' in userns) return decideMaps(userns, facts, options, needed, effect);
  if (userns === 'host') return { facts, ids: { mode: 'host' } };
  return decideRange(facts, options, needed, effect);
}

function decideRange(
  facts: ProcessFacts,
  options: ContainerOptions,
  places: NeededIds,
  effect: 'prepare' | 'describe',
): DecidedIds {
  const reason = sharedWithHost(options) ?? beyondRange(places.user) ?? whyNoProc();
  if (reason !== undefined) return { facts, ids: { mode: 'host', reason } };
  const own = (mappings: IdMappings) => ({ ...withMappings(facts, mappings, places), ids: { mode: 'auto' } }) as const;
  if (effect === 'describe') return own(describeRange(places.store));
  const claim = claimRange(places.store);
  try {
    const why = whyNot(claim.mappings, options, places);
    if (why === undefined) return { ...own(claim.mappings), claim };
    claim.release();
    return { facts, ids: { mode: 'host', reason: why } };
  } catch (error) {
    claim.release();
    throw error;
  }
}

/** Images have users that a range does not reach to: those of OpenShift are above a billion. */
function beyondRange(user: SpecUser): string | undefined {
  const unmapped = unmappedOf(user, RANGE_IDS);
  return unmapped && `its ${unmapped} is not among the ${RANGE_SIZE} ids of a range`;
}

const RANGE_IDS = rangeMappings({ uid: 0, gid: 0 });

/** Who joins others has their ids: their namespaces belong to their user namespace. */
function decideJoined(
  joined: IdMappings,
  facts: ProcessFacts,
  options: ContainerOptions,
  places: FilePlaces,
  effect: 'prepare' | 'describe',
): DecidedIds {
  if (joined.uid.length === 0)
    return { facts, ids: { mode: 'host', reason: 'the containers that it joins have none' } };
  const ids = { mode: isOfPath(options.userns) ? 'path' : 'container' } as const;
  if (!facts.privileged) return { facts: { ...facts, mappings: joined }, ids };
  const ownsMounts = (options.namespaces?.mount ?? 'private') === 'private';
  const own = withMappings(facts, joined, places);
  if (effect === 'describe') return { ...own, ids };
  const why = ownsMounts ? whyNot(joined, options, places) : undefined;
  if (why !== undefined) {
    throw new CaissonError('IDMAP_UNSUPPORTED', `the container cannot have the ids of who it joins: ${why}`);
  }
  const claim = shareRange(places.store, joined) ?? claimIds(joined);
  return { ...(ownsMounts ? own : { facts: own.facts }), ids, claim };
}

function decideMaps(
  maps: UserNamespaceMaps,
  facts: ProcessFacts,
  options: ContainerOptions,
  places: FilePlaces,
  effect: 'prepare' | 'describe',
): DecidedIds {
  const own = { ...withMappings(facts, maps, places), ids: { mode: 'maps' } } as const;
  if (effect === 'describe') return own;
  const claim = claimIds(maps);
  const why = whyNot(maps, options, places);
  if (why === undefined) return { ...own, claim };
  claim.release();
  throw new CaissonError('IDMAP_UNSUPPORTED', `the container cannot have the ids that userns maps: ${why}`, {
    hint: "leave userns out, or say 'host'",
  });
}

function decideAsUser(userns: ContainerOptions['userns'], facts: ProcessFacts): DecidedIds {
  if (userns === 'host') {
    const message = `userns: 'host' is for root: user ${process.geteuid?.()} makes containers only in a user namespace`;
    throw new CaissonError('USERNS_NEEDS_ROOT', message, { hint: "leave it out: 'auto' takes the ids that he has" });
  }
  if (typeof userns === 'object' && 'uid' in userns) {
    const found = findIds();
    assertPermitted(userns, found.kind === 'all' ? facts.mappings : found.mappings, `user ${process.geteuid?.()}`);
    return { facts: { ...facts, mappings: userns, whySingle: undefined }, ids: { mode: 'maps' } };
  }
  const { whySingle } = facts;
  return whySingle === undefined
    ? { facts, ids: { mode: 'subordinate' } }
    : { facts, ids: { mode: 'single', reason: whySingle } };
}

/** Of a container of root's: to its plan it is one without privileges. */
function withMappings(facts: ProcessFacts, mappings: IdMappings, { store, directories }: FilePlaces) {
  const outside = directories.filter((path) => !path.startsWith(`${store.root}/`)).map(realPath);
  const own = { ...facts, privileged: false, mappings, mappedBy: 'root' } as const;
  return { facts: own, idmapped: [...new Set([...roomsOf(store), ...outside])] };
}

const rooms = new WeakMap<Store, readonly string[]>();

/** The directories that together hold the store: its root, and what somebody has mounted in it. */
function roomsOf(store: Store): readonly string[] {
  let found = rooms.get(store);
  if (found === undefined) {
    const { root, layers, snapshots, containers, host, places } = store;
    const device = deviceOf(root);
    const mounted = [layers, snapshots, containers, host, places].filter((room) => {
      const other = deviceOf(room);
      return other !== undefined && other !== device;
    });
    found = [root, ...mounted].map(realPath);
    rooms.set(store, found);
  }
  return found;
}

function deviceOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.dev;
}

/** A mount covers what a link leads to, not the link. What is not there yet is described only. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return path;
    throw error;
  }
}

/** Why files cannot be shown with these ids; undefined when they can. */
function whyNot(mappings: IdMappings, { upper }: ContainerOptions, places: FilePlaces): string | undefined {
  let namespace: number;
  try {
    namespace = idNamespaces(mappings).idmap;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return `no user namespace can be made: ${error.message}`;
  }
  if (places.directories.includes('/')) return "the image is this machine's root directory";
  const outside = places.directories.filter((path) => !path.startsWith(`${places.store.root}/`));
  for (const path of [...roomsOf(places.store), ...outside, ...places.binds]) {
    const why = whyNotIdmapped(path, namespace);
    if (why !== undefined) return why;
  }
  return upper === 'tmpfs' ? whyNoIdmappedMemory(namespace) : undefined;
}

/** What was mounted over /proc and /sys when this thread first looked: that seldom changes. */
let hidden: string | null | undefined;

function whyNoProc(): string | undefined {
  if (hidden === undefined)
    hidden = hidingPlace(parseMountInfo(readFileSync('/proc/self/mountinfo', 'latin1'))) ?? null;
  if (hidden === null) return undefined;
  return `something is mounted at '${hidden}', so that no user namespace may mount a /proc and /sys of its own`;
}

/** The ranges of specs that are about to be launched. */
const claims = new WeakMap<Spec, RangeClaim>();

/** Notes that a spec has a range: whoever launches it takes it over. */
export function noteClaim(spec: Spec, claim: RangeClaim | undefined): void {
  if (claim !== undefined) claims.set(spec, claim);
}

/**
 * The range of a spec that was decided to be launched; undefined where it has none. From here on it is the caller's: he
 * releases it when the last process has ended, or hands it over to a supervisor, which gets a copy of `lock`.
 */
export function takeClaim(spec: Spec): RangeClaim | undefined {
  const claim = claims.get(spec);
  claims.delete(spec);
  return claim;
}
