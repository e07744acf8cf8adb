/**
 * What a container changed, as entries of an OCI layer: its upper directory, where overlayfs has written what is gone
 * and what is hidden in its own way (image-spec, layer.md).
 */
import type { WalkOptions } from './describe.ts';
import type { OutgoingEntry } from './encode.ts';
import { isOpaqueAt, isWhiteoutAt } from './overlay.ts';
import { listNames, statAt } from './scan.ts';
import { joinPath } from './tree.ts';
import { PLAIN, type View, walk } from './walk.ts';
import { OPAQUE, PREFIX } from './whiteouts.ts';

/**
 * The entries of the layer that an upper directory is. Directories that changes lie in come with their attributes,
 * and in each of them what it removes comes first.
 *
 * @param upper a directory, which stays open
 * @throws CaissonError LAYER_NOT_PACKED for what is only understood together with other layers
 */
export function diffEntries(upper: number, options: WalkOptions = {}): Generator<OutgoingEntry, void, void> {
  return walk([upper], UPPER, options);
}

const UPPER: View = {
  ...PLAIN,
  *markers([directory = -1], path) {
    if (isOpaqueAt(directory)) yield marker(joinPath(path, OPAQUE));
    for (const name of listNames(directory)) {
      const stats = statAt(directory, name);
      if (stats !== undefined && isWhiteoutAt(directory, name, stats)) yield marker(joinPath(path, PREFIX + name));
    }
  },
  isMarker: ({ directory, stats }, name) => isWhiteoutAt(directory, name, stats),
};

/** An empty file, and nothing said of it that could differ between two of them. */
function marker(path: string): OutgoingEntry {
  return {
    type: 'file',
    name: Buffer.from(path, 'latin1'),
    linkName: EMPTY,
    mode: 0o600,
    uid: 0,
    gid: 0,
    size: 0,
    mtimeNs: 0n,
    major: 0,
    minor: 0,
    xattrs: new Map(),
    content: () => [],
  };
}

const EMPTY = Buffer.alloc(0);
