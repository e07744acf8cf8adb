/**
 * Ranges of ids in use: each is claimed by a lock among the store's, which who uses it holds for as long as it lives.
 * A thread that has claimed one keeps it for its later containers, with the namespaces that were made for it.
 *
 * Of a range that others may join, the lock is a shared one: who wants the range for itself asks for an exclusive one.
 */
import { closeSync, openSync } from 'node:fs';
import { constants, hostname } from 'node:os';
import { CaissonError, flock, hasCode, LOCK_EX, LOCK_NB, LOCK_SH, shared } from '../../syscalls/index.ts';
import { readHostFile } from '../host-files.ts';
import type { Store } from '../layout.ts';
import { forgetNamespaces } from './idmap.ts';
import type { IdMappings } from './mapping.ts';
import { offsetOf, type RangeStart, rangeMappings, rangesFor } from './ranges.ts';

/** A range that is this thread's until it is given back. */
export interface RangeClaim {
  readonly mappings: IdMappings;
  /** The descriptor that holds the lock: a supervisor that has it, too, has the claim until it ends. None where nothing is locked. */
  readonly lock: number | undefined;
  /** Gives it back, for a later container of this thread. Idempotent. */
  release(): void;
  /** Forgets it: it is a supervisor's, which holds the lock from then on. Idempotent; instead of {@link release}. */
  handOver(): void;
}

interface Range {
  readonly start: RangeStart;
  readonly lock: number;
}

/** How many ranges a thread keeps for its next containers, of three descriptors each. */
const MAX_SPARE = 16;

/** The ranges of this thread that no container has now, by store. */
const spare = shared('id ranges', () => new Map<string, Range[]>());

/**
 * Claims a range that no other container has.
 * @throws CaissonError NO_IDS_LEFT when all are claimed
 */
export function claimRange(store: Store): RangeClaim {
  const free = spareOf(store);
  const range = takeSpare(free) ?? lockRange(store);
  const mappings = rangeMappings(range.start);
  let isOurs = true;
  const once = (end: () => unknown) => () => {
    if (isOurs) end();
    isOurs = false;
  };
  const forget = () => {
    forgetNamespaces(mappings);
    closeSync(range.lock);
  };
  return {
    mappings,
    lock: range.lock,
    release: once(() => (free.length < MAX_SPARE ? free.push(range) : forget())),
    handOver: once(forget),
  };
}

/**
 * Claims the range of a container together with whoever has it already; undefined for ids that are no range of this store.
 */
export function shareRange(store: Store, mappings: IdMappings): RangeClaim | undefined {
  const start = mappings.uid[0]?.hostID;
  if (start === undefined) return undefined;
  const lock = openRange(lockPath(store, start), { create: false });
  if (lock === undefined || flock.attempt(lock, LOCK_SH | LOCK_NB) < 0) {
    if (lock !== undefined) closeSync(lock);
    return undefined;
  }
  return claimOf(mappings, lock);
}

/** Ids that are nobody's alone: what is claimed is that their namespaces are kept meanwhile. */
export function claimIds(mappings: IdMappings): RangeClaim {
  return claimOf(mappings);
}

function claimOf(mappings: IdMappings, lock?: number): RangeClaim {
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    forgetNamespaces(mappings);
    if (lock !== undefined) closeSync(lock);
  };
  return { mappings, lock, release: close, handOver: close };
}

/** What {@link claimRange} would probably give: nothing is claimed. */
export function describeRange(store: Store): IdMappings {
  const { value } = candidates(store).next();
  if (value === undefined) throw noneLeft();
  return rangeMappings(value);
}

/** The first container that ends is the next one's: what is in the kernel's caches is of use again. */
function spareOf({ locks }: Store): Range[] {
  const ranges = spare.get(locks) ?? [];
  spare.set(locks, ranges);
  return ranges;
}

/** One that nobody else shares still. */
function takeSpare(free: Range[]): Range | undefined {
  for (let range = free.pop(); range !== undefined; range = free.pop()) {
    if (lockAlone(range.lock)) return range;
    forgetNamespaces(rangeMappings(range.start));
    closeSync(range.lock);
  }
  return undefined;
}

function lockRange(store: Store): Range {
  for (const start of candidates(store)) {
    const lock = openRange(lockPath(store, start.uid), { create: true }) as number;
    if (lockAlone(lock)) return { start, lock };
    closeSync(lock);
  }
  throw noneLeft();
}

function lockPath({ locks }: Store, start: number): string {
  return `${locks}/ids-${start}.lock`;
}

/** Takes a lock that nobody else has, such that others may share it afterwards. */
function lockAlone(lock: number): boolean {
  // Not atomic (man 2 flock): somebody may be faster, and then it is his.
  return [LOCK_EX, LOCK_SH].every((kind) => {
    const result = flock.attempt(lock, kind | LOCK_NB);
    if (result < 0 && result !== -constants.errno.EWOULDBLOCK) flock(lock, kind | LOCK_NB);
    return result >= 0;
  });
}

function candidates({ root }: Store): Generator<RangeStart> {
  const [subuid = '', subgid = ''] = ['/etc/subuid', '/etc/subgid'].map(readHostFile);
  // Stores of one machine have locks of their own: that they begin elsewhere keeps them apart.
  return rangesFor(subuid, subgid, offsetOf(`${hostname()}:${root}`));
}

/** Opened by Node, so that Node closes it when the thread ends. The file stays: it is empty, and who comes next needs it. */
function openRange(path: string, { create }: { create: boolean }): number | undefined {
  try {
    return openSync(path, create ? 'a' : 'r+', 0o600);
  } catch (error) {
    if (!create && hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function noneLeft(): CaissonError {
  return new CaissonError('NO_IDS_LEFT', 'every range of ids that containers may have is in use', {
    hint: "give more to the user 'containers' in /etc/subuid and /etc/subgid, or make it with { userns: 'host' }",
  });
}
