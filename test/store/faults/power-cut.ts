import { dirname } from 'node:path';
import type { Operation } from './hook.ts';

/**
 * What a power cut could take away, as sentences, when a file system keeps only what was synced, and may keep a
 * rename without what was written before it. What is in `tmp` may be lost, a snapshot is synced when it is taken
 * already (snapshots/sync.ts), and a layer may be lost of which a note says so (unsynced.ts); nothing else that is part
 * of an image.
 */
export function lostInPowerCut(operations: readonly Operation[], root: string): string[] {
  const lost: string[] = [];
  /** Files whose content, and directories whose entries, are not on the disk. */
  const files = new Set<string>();
  const directories = new Set<string>();
  let isNoted = false;
  const relative = (path: string) => path.replace(`${root}/`, '');
  const isPlace = (path: string) => /^(index\.json|blobs|layers|unsynced)/.test(relative(path));

  for (const { name, isChange, paths } of operations) {
    const [path = '', to = ''] = paths;
    if (!isChange) continue;
    if (name === 'syncfs') {
      files.clear();
      directories.clear();
    } else if (/^fsync/.test(name)) {
      files.delete(path);
      directories.delete(path);
    } else if (name === 'renameSync') {
      if (isPlace(to)) {
        for (const each of files) {
          if (each !== path && !each.startsWith(`${path}/`)) continue;
          if (!isNoted || !relative(to).startsWith('layers')) {
            lost.push(`${relative(to)} has its name before its content`);
          } else if (directories.has(`${root}/unsynced`)) {
            lost.push(`${relative(to)} has its name before the note that it may not be on the disk`);
          }
        }
      }
      if (to === `${root}/index.json`) {
        for (const each of directories) {
          if (isPlace(each)) lost.push(`index.json may speak of what is not in ${relative(each)}`);
        }
      }
      if (isPlace(path) && !isPlace(to) && directories.has(root)) {
        lost.push(`${relative(path)} is taken away while index.json may still speak of it`);
      }
      isNoted ||= relative(to).startsWith('unsynced/');
      for (const each of [path, to]) if (isPlace(each)) directories.add(dirname(each));
    } else files.add(path);
  }
  for (const each of directories) {
    // What was taken away may come back: it is taken away again.
    if (each === root) lost.push('the change of index.json may be lost after it was reported');
  }
  return [...new Set(lost)];
}
