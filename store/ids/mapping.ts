/** Which ids of a user namespace stand for which of this machine's. Pure: /etc/subuid comes as text. */

/** A range of ids in a user namespace, and the machine's ids that stand behind it. */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** What is mapped in a user namespace. */
export interface IdMappings {
  readonly uid: readonly IdMapping[];
  readonly gid: readonly IdMapping[];
}

/** Ids of this machine that a user may use in user namespaces besides his own. */
export interface IdRange {
  readonly start: number;
  readonly count: number;
}

/** The greatest id; the one above it means "unchanged" to the kernel. */
const MAX_ID = 0xffff_fffe;

/** The kernel takes 340 (man 7 user_namespaces), one of which is the user's own id. */
const MAX_RANGES = 339;

/**
 * The ranges that subuid(5) or subgid(5) gives to a user: lines of `owner:start:count`.
 * @param owners what the user may be called there: his name, his uid
 */
export function parseSubordinateIds(text: string, owners: readonly string[]): IdRange[] {
  return parseRanges(text, (owner) => owners.includes(owner));
}

/** The ranges that subuid(5) or subgid(5) gives to anybody but these. */
export function parseOtherRanges(text: string, butTo: readonly string[]): IdRange[] {
  return parseRanges(text, (owner) => !butTo.includes(owner));
}

function parseRanges(text: string, isMeant: (owner: string) => boolean): IdRange[] {
  return text.split('\n').flatMap((line) => {
    const [owner = '', start, count, ...rest] = line.trim().split(':');
    const range = { start: parseNumber(start), count: parseNumber(count) };
    const isRange = rest.length === 0 && range.count > 0 && range.start + range.count - 1 <= MAX_ID;
    return owner !== '' && isRange && isMeant(owner) ? [range] : [];
  });
}

/**
 * 0 is the user's own id, and from 1 on come his ranges. The kernel refuses an id that comes twice, so of ranges that
 * overlap (one user, by his name and by his uid) the first counts, as does the user's own id.
 */
export function mapIds(own: number, ranges: readonly IdRange[]): IdMapping[] {
  const mappings: IdMapping[] = [{ containerID: 0, hostID: own, size: 1 }];
  const isFree = ({ start, count }: IdRange) =>
    mappings.every(({ hostID, size }) => start + count <= hostID || hostID + size <= start);
  let next = 1;
  for (const range of ranges) {
    if (mappings.length > MAX_RANGES || !isFree(range)) continue;
    const size = Math.min(range.count, MAX_ID + 1 - next);
    if (size === 0) break;
    mappings.push({ containerID: next, hostID: range.start, size });
    next += size;
  }
  return mappings;
}

/** Whether an id exists where these are mapped; without a user namespace, where none are, every id does. */
export function isMapped(id: number, mappings: readonly IdMapping[]): boolean {
  return (
    mappings.length === 0 || mappings.some(({ containerID, size }) => id >= containerID && id < containerID + size)
  );
}

/** What an id of this machine is where these are mapped; undefined where it is not. */
export function idInside(hostId: number, mappings: readonly IdMapping[]): number | undefined {
  const range = mappings.find(({ hostID, size }) => hostId >= hostID && hostId < hostID + size);
  return range && range.containerID + hostId - range.hostID;
}

/** The ids there are, for people: `'0-65536'`. */
export function formatIds(mappings: readonly IdMapping[]): string {
  const last = mappings.at(-1);
  const end = last === undefined ? MAX_ID : last.containerID + last.size - 1;
  return end === 0 ? '0' : `0-${end}`;
}

function parseNumber(text: string | undefined): number {
  return text !== undefined && /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
}
