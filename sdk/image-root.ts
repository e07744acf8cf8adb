/** The directories that images consist of, by where the images come from. Read with the first container. */
import { lstatSync } from 'node:fs';
import type { Store } from '../store/index.ts';
import { describeHostSkeleton, prepareHostSkeleton } from './host/index.ts';
import { assertDirectory, type ImageOrigin } from './image-origin.ts';
import type { RootView } from './spec/spec.ts';

/** The directories an image consists of. */
export interface ImageRoot {
  /** Lowest first; each is only ever read. */
  readonly layers: readonly string[];
  /** Whether somebody else may write to the layers. */
  readonly mayChange: boolean;
  /** Directories of this machine that are shown at their place, read-only beneath the container's changes. */
  readonly views: readonly RootView[];
  /** Whether it is known to have all places of what is mounted into every container. */
  readonly isComplete: boolean;
}

/**
 * The directories that a container's root is put together from.
 *
 * @param effect whether those that are made on demand are made, or only named
 * @throws CaissonError IMAGE_NOT_FOUND, NOT_A_DIRECTORY when the directory is not there any more
 */
export function rootOf(store: Store, origin: ImageOrigin, effect: 'prepare' | 'describe'): ImageRoot {
  switch (origin.kind) {
    case 'host': {
      const { lower, views } =
        effect === 'prepare' ? prepareHostSkeleton(store.host) : describeHostSkeleton(store.host);
      return { layers: [lower], views, mayChange: false, isComplete: true };
    }
    case 'directory':
      assertDirectory(origin.path);
      return { layers: [origin.path], views: [], mayChange: true, isComplete: false };
    case 'stored':
      return { layers: origin.layers, views: [], mayChange: false, isComplete: false };
    case 'snapshot': {
      const { record, layers } = origin;
      if (record.base.kind === 'image') return { layers, views: [], mayChange: false, isComplete: false };
      const below = rootOf(store, record.base, effect);
      const views = below.views.map((view) => ({ ...view, layers: layersAt(layers, view.target) }));
      return { ...below, layers: [...below.layers, ...layers], views };
    }
  }
}

/** What layers have of a directory. A link that a container has put on the way would lead out of its layer. */
function layersAt(layers: readonly string[], target: string): string[] {
  const parts = target.split('/').slice(1);
  const isThere = (layer: string) =>
    parts.every((_, index) => isDirectory([layer, ...parts.slice(0, index + 1)].join('/')));
  return layers.filter(isThere).map((layer) => layer + target);
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
