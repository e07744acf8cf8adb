/** Removes images that nobody uses, and all content that nobody needs. */
import { isNamed, referencesTo } from './catalog.ts';
import { collectGarbage, type Reclaimed } from './garbage.ts';
import type { Store } from './layout.ts';
import type { Descriptor } from './manifest.ts';
import { sweepContainers } from './sweep.ts';
import type { Usage } from './usage.ts';

/** Options of {@link pruneStore}. */
export interface PruneOptions {
  /**
   * Which images go: those that lost their names to others, all that no container uses, or none but only what is left
   * of what was removed.
   * @default 'untagged'
   */
  readonly images?: 'untagged' | 'unused' | 'none' | undefined;
}

/** What {@link pruneStore} removed. */
export interface Pruned extends Reclaimed {
  /** The digests of images. */
  readonly images: readonly string[];
  /** The names they had. */
  readonly untagged: readonly string[];
}

/**
 * Removes images, and every blob and layer that no image, container or snapshot needs. Other processes may use the
 * store meanwhile: nothing goes that a container (of whatever process, running or not) was made of, or that somebody
 * is just loading. Of tools that are not caisson, none may write to the store at this moment.
 *
 * @throws CaissonError STORE_NOT_WRITABLE
 */
export async function pruneStore(store: Store, { images = 'untagged' }: PruneOptions = {}): Promise<Pruned> {
  // What dead owners left needs nothing.
  await sweepContainers(store);
  let removed: readonly string[] = [];
  let untagged: readonly string[] = [];
  const reclaimed = await collectGarbage(store, (entries, usage) => {
    const isGoing = choose(images, entries, usage);
    removed = [...new Set(entries.filter(isGoing).map(({ digest }) => digest))];
    untagged = removed.flatMap((digest) => referencesTo(entries, digest));
    return entries.filter((each) => !isGoing(each));
  });
  return { images: removed, untagged, ...reclaimed };
}

function choose(
  images: 'untagged' | 'unused' | 'none',
  entries: readonly Descriptor[],
  { containers }: Usage,
): (entry: Descriptor) => boolean {
  if (images === 'none') return () => false;
  const kept = new Set(containers.map(({ image }) => image));
  if (images !== 'unused') for (const each of entries.filter(isNamed)) kept.add(each.digest);
  return ({ digest }) => !kept.has(digest);
}
