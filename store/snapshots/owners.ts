/** Who owns a container's files, as the container sees it. */
import { findIds, type IdMapping } from '../ids/index.ts';

/**
 * From the owner on the disk to the one in a container of this process. An owner that no container sees is one of the
 * machine's, and stays.
 */
export function ownersInContainer(): ((uid: number, gid: number) => readonly [uid: number, gid: number]) | undefined {
  const ids = findIds();
  if (ids.kind === 'all') return undefined;
  const { uid: uids, gid: gids } = ids.mappings;
  return (uid, gid) => [inside(uid, uids), inside(gid, gids)];
}

function inside(id: number, mappings: readonly IdMapping[]): number {
  const range = mappings.find(({ hostID, size }) => id >= hostID && id < hostID + size);
  return range === undefined ? id : range.containerID + id - range.hostID;
}
