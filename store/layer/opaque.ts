/** How overlayfs is told that a directory of a layer hides those below it. */
import { hasCode, lgetxattr } from '../../syscalls/index.ts';

/** The two names of the attribute: overlay reads the second when it is mounted with `userxattr`. */
export const OPAQUE_ATTRIBUTES = ['trusted.overlay.opaque', 'user.overlay.opaque'] as const;

/**
 * The layers of an image that can be seen, base first: overlay merges the roots of all its lower directories and does
 * not look whether one is opaque (fs/overlayfs/super.c: ovl_get_root), so those below an opaque root are left out.
 * It refuses a directory that comes twice, and whatever the lower one has or removes, the upper one does as well.
 */
export function visibleLayers(layers: readonly string[]): readonly string[] {
  const base = layers.findLastIndex(isOpaque);
  const visible = layers.slice(Math.max(base, 0));
  return Object.freeze(visible.filter((layer, index) => visible.lastIndexOf(layer) === index));
}

/** Whether a directory was marked as hiding those below it. */
function isOpaque(directory: string): boolean {
  return OPAQUE_ATTRIBUTES.some((name) => {
    try {
      const value = Buffer.alloc(1);
      return lgetxattr(directory, name, value, 1) === 1 && value.toString() === 'y';
    } catch (error) {
      if (hasCode(error, 'ENODATA', 'ENOTSUP', 'EOPNOTSUPP', 'ERANGE', 'EPERM')) return false;
      throw error;
    }
  });
}
