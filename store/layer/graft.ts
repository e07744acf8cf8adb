/** Directories of elsewhere that are seen at paths of a tree, beneath what the tree has there itself. */
import { type MergedDirectory, openLower } from './merged.ts';
import { joinPath } from './tree.ts';
import type { View } from './walk.ts';

/**
 * A view with directories added to it.
 * @param grafts by where they are seen, without a slash at either end
 */
export function withGrafts(view: View, roots: MergedDirectory, grafts: ReadonlyMap<string, string>): View {
  // A directory is known by the descriptors it was entered as, which stay the same while it is read.
  const paths = new WeakMap<MergedDirectory, string>([[roots, '']]);
  const leadsToOne = (path: string) => [...grafts.keys()].some((target) => target.startsWith(`${path}/`));
  return {
    ...view,
    enter(directories, name) {
      const entered = view.enter(directories, name);
      const parent = paths.get(directories);
      if (parent === undefined) return entered;
      const path = joinPath(parent, name);
      if (leadsToOne(path)) paths.set(entered, path);
      const source = grafts.get(path);
      return source === undefined ? entered : [...entered, openLower(source)];
    },
  };
}
