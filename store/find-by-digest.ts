/** Finds images by digests, also by their beginnings, as Docker does. */
import { CaissonError } from '../syscalls/index.ts';
import { readBlobDocument } from './blobs.ts';
import { readCatalog, referencesTo } from './catalog.ts';
import type { Store } from './layout.ts';
import { type Descriptor, readManifest } from './manifest.ts';

/**
 * The image whose digest, or that of its configuration (which is Docker's image id), is this or begins so; undefined
 * when there is none, or the text is not at least four digits of one.
 *
 * @throws CaissonError IMAGE_AMBIGUOUS when there are several, with their names
 */
export function findByDigest(store: Store, text: string, entries = readCatalog(store)): Descriptor | undefined {
  const digits = /^(?:sha256:)?([0-9a-f]{4,64})$/.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const isMeant = (digest: string | undefined) => digest?.startsWith(`sha256:${digits}`);
  const found = new Map(
    entries
      .filter((each) => isMeant(each.digest) || isMeant(configurationOf(store, each)))
      .map((each) => [each.digest, each]),
  );
  const [first, ...others] = found.values();
  if (others.length === 0) return first;
  const candidates = [...found.keys()].map((digest) => [digest, ...referencesTo(entries, digest)].join(' '));
  throw new CaissonError('IMAGE_AMBIGUOUS', `'${text}' may be ${candidates.join(', or ')}`, {
    hint: 'give more digits, or a name',
  });
}

/** The digest of an image's configuration. An image that is damaged, or an index of several, has none. */
function configurationOf(store: Store, entry: Descriptor): string | undefined {
  try {
    return readBlobDocument(store, entry, 'image manifest', readManifest).config.digest;
  } catch (error) {
    if (error instanceof CaissonError) return undefined;
    throw error;
  }
}
