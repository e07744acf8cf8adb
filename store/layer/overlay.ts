/** What overlayfs writes into an upper directory to say that something below is gone, hidden or elsewhere. */
import type { BigIntStats } from 'node:fs';
import { CaissonError } from '../../syscalls/index.ts';
import { attributeAt } from './scan.ts';

/** overlay keeps its notes in the second where it is mounted with `userxattr`. */
const NAMESPACES = ['trusted.overlay.', 'user.overlay.'] as const;

/** Whether something removes what is below it: a device 0:0, or (Linux 6.7) an empty file with an attribute. */
export function isWhiteoutAt(directory: number, name: string, stats: BigIntStats): boolean {
  if (stats.isCharacterDevice()) return stats.rdev === 0n;
  return stats.isFile() && stats.size === 0n && noteAt(directory, name, 'whiteout') !== undefined;
}

/** Whether an open directory hides what is below it. */
export function isOpaqueAt(directory: number): boolean {
  return noteAt(directory, '.', 'opaque')?.toString('latin1') === 'y';
}

/**
 * Refuses a directory that shows another's content, and a file whose content is in another layer. Containers are
 * mounted so that neither comes about.
 * @throws CaissonError LAYER_NOT_PACKED
 */
export function assertWhole(attributes: ReadonlyMap<string, Buffer>, path: string): void {
  for (const namespace of NAMESPACES) {
    for (const note of ['redirect', 'metacopy']) {
      if (!attributes.has(namespace + note)) continue;
      const reason = `'${path}' is not all here: it has the attribute '${namespace}${note}'`;
      throw new CaissonError('LAYER_NOT_PACKED', `the changes cannot become a layer: ${reason}`, {
        hint: 'they were made through an overlay with redirect_dir or metacopy on',
      });
    }
  }
}

function noteAt(directory: number, name: string, note: string): Buffer | undefined {
  const [root, user] = NAMESPACES;
  return attributeAt(directory, name, root + note) ?? attributeAt(directory, name, user + note);
}
