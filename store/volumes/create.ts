/** Makes volumes: whole or not at all, whoever else makes one of that name. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { publishDirectory } from '../atomic.ts';
import { explainStoreError, type Store } from '../layout.ts';
import { temporaryPath } from '../owner.ts';
import { removeTree } from '../remove.ts';
import { formatVolumeRecord, readVolumeRecord, type VolumeRecord, volumePaths, volumePathsIn } from './record.ts';

/** The permissions of an empty volume, as Docker's. */
const MODE = 0o755;

/**
 * Makes a volume, or finds the one that has the name: that one keeps its labels. Safe with many processes at once.
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export function createVolume(
  store: Store,
  name: string,
  { labels = {} }: { readonly labels?: Readonly<Record<string, string>> | undefined } = {},
): VolumeRecord {
  const { path } = volumePaths(store, name);
  const found = readVolumeRecord(store, name);
  if (found !== undefined) return found;
  const record = { name, createdAt: new Date().toISOString(), labels, isUsed: false };
  const temporary = temporaryPath(store);
  try {
    const made = volumePathsIn(temporary);
    mkdirSync(temporary, 0o700);
    mkdirSync(made.data, MODE);
    // The umask takes bits of mkdir's mode away.
    chmodSync(made.data, MODE);
    writeFileSync(made.record, formatVolumeRecord(record), { flag: 'wx', flush: true, mode: 0o600 });
    if (publishDirectory(temporary, path)) return record;
    void removeTree(temporary).catch(() => undefined);
    return createVolume(store, name, { labels });
  } catch (error) {
    void removeTree(temporary).catch(() => undefined);
    throw explainStoreError(error, `making volume '${name}'`, path);
  }
}
