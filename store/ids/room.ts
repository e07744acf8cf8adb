/**
 * Where layers lie that have these ids as owners. A layer that was unpacked with subordinate ids is of no use without
 * them, nor with others; and of one that was unpacked without, containers would be told wrong owners. So when the ids
 * change, layers are unpacked again, beside those that running containers may still use.
 */
import { createHash } from 'node:crypto';
import type { FoundIds, OwnIds } from './own-ids.ts';

const NAME = 'layers';

/** The name of the directory in the store. */
export function roomOf(ids: OwnIds | FoundIds): string {
  if (ids.kind !== 'subordinate') return NAME;
  const { uid, gid } = ids.mappings;
  const ranges = JSON.stringify([uid, gid].map((each) => each.map(({ hostID, size }) => [hostID, size])));
  return `${NAME}-${createHash('sha256').update(ranges).digest('hex').slice(0, 12)}`;
}

/** Whether a directory of the store has such a name. */
export function isLayerRoom(name: string): boolean {
  return /^layers(-[0-9a-f]{12})?$/.test(name);
}
