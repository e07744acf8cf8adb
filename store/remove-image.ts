/** Removes images, as `docker rmi` does. */
import { CaissonError } from '../syscalls/index.ts';
import { storedNameOf, withoutNames } from './catalog.ts';
import { isDigest } from './digest.ts';
import { collectGarbage, type Reclaimed } from './garbage.ts';
import { type FoundEntry, findEntry } from './images.ts';
import type { Store } from './layout.ts';
import type { Descriptor } from './manifest.ts';
import { formatReference, parseReference } from './reference.ts';
import type { Usage } from './usage.ts';

/** Options of {@link removeImage}. */
export interface RemoveImageOptions {
  /**
   * Removes an image also when it has several names, or containers use it. They go on: what they need of it goes when
   * they are gone.
   * @default false
   */
  readonly force?: boolean | undefined;
}

/** What {@link removeImage} removed. */
export interface RemovedImage extends Reclaimed {
  /** The names that were taken away. */
  readonly untagged: readonly string[];
  /** The digest of the image; missing when it has other names, and so is still there. */
  readonly removed?: string;
}

/**
 * Takes a name from an image, and removes the image with its last name; removes it at once when it is given by its
 * digest. What other images, containers and snapshots need of its content stays.
 *
 * @throws CaissonError IMAGE_NOT_FOUND
 * @throws CaissonError IMAGE_IN_USE, with the containers; IMAGE_HAS_NAMES, with the names. Neither with `force`
 */
export async function removeImage(
  store: Store,
  reference: string,
  { force = false }: RemoveImageOptions = {},
): Promise<RemovedImage> {
  let plan: Removal | undefined;
  const reclaimed = await collectGarbage(store, (entries, usage) => {
    plan = planRemoval(findEntry(store, reference, entries), reference);
    if (!force) assertRemovable(plan, usage);
    return entriesAfter(entries, plan);
  });
  const { untagged = [], isLast, digest } = plan ?? {};
  return { untagged, ...(isLast === true && digest !== undefined ? { removed: digest } : {}), ...reclaimed };
}

interface Removal {
  readonly digest: string;
  readonly references: readonly string[];
  readonly untagged: readonly string[];
  /** Whether the image goes with the names. */
  readonly isLast: boolean;
}

function planRemoval({ entry, references }: FoundEntry, reference: string): Removal {
  const name = isDigest(reference) ? undefined : formatReference(parseReference(reference));
  const untagged = name !== undefined && references.includes(name) ? [name] : references;
  return { digest: entry.digest, references, untagged, isLast: untagged.length === references.length };
}

function assertRemovable({ digest, references, untagged, isLast }: Removal, { containers }: Usage): void {
  if (untagged.length > 1) {
    const message = `image ${digest} has several names: '${references.join("', '")}'`;
    throw new CaissonError('IMAGE_HAS_NAMES', message, { hint: 'remove it by them, or with the option force' });
  }
  const users = containers.filter(({ image }) => image === digest).map(({ name }) => name);
  if (!isLast || users.length === 0) return;
  const message = `image '${references[0] ?? digest}' is used by container '${users.join("', '")}'`;
  throw new CaissonError('IMAGE_IN_USE', message, { hint: 'remove the containers first, or use the option force' });
}

function entriesAfter(entries: readonly Descriptor[], { digest, untagged, isLast }: Removal): readonly Descriptor[] {
  if (isLast) return entries.filter((each) => each.digest !== digest);
  return withoutNames(entries, (each) => untagged.includes(storedNameOf(each) ?? ''));
}
