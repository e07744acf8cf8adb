/**
 * Which of this machine's ids root's containers get: a range for each, that no user of the machine has. Pure: /etc/subuid
 * and /etc/subgid come as text.
 *
 * An administrator says which ones there are by giving them to a user called `caisson` or `containers`, as Podman has it.
 * Otherwise they are those that nobody else uses: systemd (UIDS-GIDS.md) gives its own containers what is below
 * 0x70000000, and has plans for what begins at 0x7fff0000; and what shadow gives to users ends at 600,100,000.
 */
import { type IdMappings, type IdRange, parseOtherRanges, parseSubordinateIds } from './mapping.ts';

/** How many ids a container has: those that images have, 0 to 65535. */
export const RANGE_SIZE = 65_536;

/** The users whose subordinate ids are root's containers'. */
const POOL_OWNERS = ['caisson', 'containers'];

const DEFAULT_RANGE: IdRange = { start: 0x7000_0000, count: 0x0fff_0000 };

/** Where a container's range begins, of uids and of gids. */
export interface RangeStart {
  readonly uid: number;
  readonly gid: number;
}

/**
 * All ranges that containers can get, in an order that begins at `offset` of them: so that those who share nothing but
 * the machine rarely ask for the same.
 *
 * @param subuid what /etc/subuid says
 * @param offset any whole number from 0 on
 */
export function* rangesFor(subuid: string, subgid: string, offset = 0): Generator<RangeStart> {
  const [uids, gids] = [subuid, subgid].map((text) => new Blocks(text));
  if (uids === undefined || gids === undefined) return;
  const count = Math.min(uids.count, gids.count);
  for (let index = 0; index < count; index++) {
    const at = (index + offset) % count;
    const start = { uid: uids.start(at), gid: gids.start(at) };
    if (uids.isFree(start.uid) && gids.isFree(start.gid)) yield start;
  }
}

/** What is mapped in the user namespace of a container with this range. */
export function rangeMappings({ uid, gid }: RangeStart): IdMappings {
  const map = (hostID: number) => [{ containerID: 0, hostID, size: RANGE_SIZE }];
  return { uid: map(uid), gid: map(gid) };
}

/** A number from a text, for {@link rangesFor}: FNV-1a, which spreads. */
export function offsetOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  return hash >>> 0;
}

/** The ids of one file, cut into ranges. */
class Blocks {
  readonly #ranges: readonly IdRange[];
  readonly #others: readonly IdRange[];

  constructor(text: string) {
    const own = parseSubordinateIds(text, POOL_OWNERS);
    this.#ranges = own.length === 0 ? [DEFAULT_RANGE] : own;
    this.#others = parseOtherRanges(text, POOL_OWNERS);
  }

  get count(): number {
    return this.#ranges.reduce((sum, { count }) => sum + Math.floor(count / RANGE_SIZE), 0);
  }

  start(index: number): number {
    let left = index;
    for (const { start, count } of this.#ranges) {
      const blocks = Math.floor(count / RANGE_SIZE);
      if (left < blocks) return start + left * RANGE_SIZE;
      left -= blocks;
    }
    throw new Error(`bug in caisson: there is no range ${index}`);
  }

  /** Whether no other user has any of these. */
  isFree(first: number): boolean {
    return this.#others.every(({ start, count }) => start + count <= first || first + RANGE_SIZE <= start);
  }
}
