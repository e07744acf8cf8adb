/** Gives images names, and takes names from them. */
import { CaissonError } from '../syscalls/index.ts';
import { storedNameOf, withCatalog, withImage, withoutNames } from './catalog.ts';
import { findEntry, findImage, type StoredImage } from './images.ts';
import type { Store } from './layout.ts';
import { formatReference, parseReference } from './reference.ts';
import { dropSnapshotNames } from './snapshots/names.ts';

/**
 * Gives an image another name. The image that had it stays, without it.
 *
 * @param from a name or a digest
 * @returns the image with all its names
 * @throws CaissonError IMAGE_NOT_FOUND, REFERENCE_INVALID
 */
export async function tagImage(store: Store, from: string, to: string): Promise<StoredImage> {
  const name = newName(to);
  const digest = await withCatalog(store, ({ entries, write }) => {
    const { entry } = findEntry(store, from, entries);
    write(withImage(entries, entry, [name]));
    dropSnapshotNames(store, (each) => each === name);
    return entry.digest;
  });
  return Object.freeze({ ...findImage(store, digest), name });
}

/**
 * Takes a name from the image that has it. The image stays, be it without any name: `removeImage` removes it.
 *
 * @throws CaissonError IMAGE_NOT_FOUND when nothing has that name
 */
export async function untagImage(store: Store, reference: string): Promise<void> {
  const name = formatReference(parseReference(reference));
  await withCatalog(store, ({ entries, write }) => {
    findEntry(store, name, entries);
    write(withoutNames(entries, (each) => storedNameOf(each) === name));
  });
}

/**
 * The complete form of a name that is given to an image.
 * @throws CaissonError REFERENCE_INVALID for what is no name, and for one with a digest, which nobody gives
 */
export function newName(text: string): string {
  const reference = parseReference(text);
  if (reference.digest === undefined) return formatReference(reference);
  throw new CaissonError('REFERENCE_INVALID', `an image cannot be given a digest as its name: '${text}'`);
}
