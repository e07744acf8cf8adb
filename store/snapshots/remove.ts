/** Gives a snapshot up. */
import { withCatalog } from '../catalog.ts';
import type { Store } from '../layout.ts';
import { disown, isOwner, temporaryPath } from '../owner.ts';
import { removeTree } from '../remove.ts';
import { readUsage } from '../usage.ts';
import { whileNothingIsTaken } from '../use-lock.ts';
import { dropSnapshotNames } from './names.ts';
import { snapshotPaths } from './record.ts';
import { discardSnapshots } from './sweep.ts';

/**
 * Takes all names from a snapshot, and removes it unless a container or another snapshot needs it, or its layer is one
 * of an image: then it goes when they are gone. That there is none is no error.
 *
 * @returns the names it had
 */
export async function removeSnapshot(store: Store, id: string): Promise<readonly string[]> {
  const trash = temporaryPath(store);
  const { path } = snapshotPaths(store, id);
  const names = await withCatalog(store, () =>
    whileNothingIsTaken(store, () => {
      const dropped = dropSnapshotNames(store, (_, each) => each === id);
      discardSnapshots(store, trash, {
        containers: readUsage(store).containers.flatMap(({ layers }) => layers),
        isOwned: (snapshot) => snapshot.id !== id && isOwner(store, snapshot.owner),
        isLayerNeeded: () => true,
      });
      return dropped;
    }),
  );
  disown(path);
  await removeTree(trash);
  return names;
}
