/** Removes volumes that no container uses, and tells who uses which. */
import { renameSync } from 'node:fs';
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { diskUsage } from './disk-usage.ts';
import { explainStoreError, type Store } from './layout.ts';
import { temporaryPath } from './owner.ts';
import { removeTree } from './remove.ts';
import { readUsage } from './usage.ts';
import { whileNothingIsTaken } from './use-lock.ts';
import { listVolumeNames, readVolumeRecord, type VolumeRecord, volumeNotFound, volumePaths } from './volumes/index.ts';

/** What {@link pruneVolumes} removed. */
export interface PrunedVolumes {
  /** Their names. */
  readonly volumes: readonly string[];
  /** How much of the disk they took. */
  readonly bytes: number;
}

/** The names of the containers of all processes that use a volume, be they running or not. */
export function usersOfVolume(store: Store, name: string): string[] {
  return readUsage(store).containers.flatMap((container) => (container.volumes.includes(name) ? [container.name] : []));
}

/**
 * Removes a volume with all that is in it. From the moment this finds it unused no container can begin to use it.
 * @throws CaissonError VOLUME_IN_USE, VOLUME_NOT_FOUND, STORE_NOT_WRITABLE
 */
export async function removeVolume(store: Store, name: string): Promise<void> {
  const aside = temporaryPath(store);
  await whileNothingIsTaken(store, () => {
    if (readVolumeRecord(store, name) === undefined) throw volumeNotFound(store, name);
    const users = usersOfVolume(store, name);
    if (users.length > 0) {
      const message = `volume '${name}' is used by ${users.map((user) => `container '${user}'`).join(', ')}`;
      throw new CaissonError('VOLUME_IN_USE', message, { hint: 'remove what uses it first' });
    }
    moveAside(store, name, aside);
  });
  await removeTree(aside);
}

/** Removes all volumes that no container uses, of those that are chosen. */
export async function pruneVolumes(
  store: Store,
  isChosen: (volume: VolumeRecord) => boolean = () => true,
): Promise<PrunedVolumes> {
  const asides: string[] = [];
  const volumes: string[] = [];
  await whileNothingIsTaken(store, () => {
    const used = new Set(readUsage(store).containers.flatMap((container) => container.volumes));
    for (const name of listVolumeNames(store)) {
      const record = used.has(name) ? undefined : readVolumeRecord(store, name);
      if (record === undefined || !isChosen(record)) continue;
      const aside = temporaryPath(store);
      moveAside(store, name, aside);
      volumes.push(name);
      asides.push(aside);
    }
  });
  const bytes = await diskUsage(...asides.map((aside) => `${aside}/data`));
  for (const aside of asides) await removeTree(aside);
  return { volumes, bytes };
}

/** Who fills it at this moment has it in its container's record: it is in use. */
function moveAside(store: Store, name: string, aside: string): void {
  const { path } = volumePaths(store, name);
  try {
    renameSync(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) throw volumeNotFound(store, name);
    throw explainStoreError(error, `removing volume '${name}'`, path);
  }
}
