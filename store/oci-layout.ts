/** Finds the image in an OCI image layout: from `index.json`, through indexes in it, to the manifest for a platform. */
import { CaissonError } from '../syscalls/index.ts';
import { checkDocument } from './blobs.ts';
import { NAME_ANNOTATIONS, nameOf } from './catalog.ts';
import { type JsonObject, parseDocument } from './json.ts';
import { type Descriptor, kindOf, type Platform, readImageDocument, readIndex, readManifest } from './manifest.ts';
import { selectPlatform } from './platform.ts';
import { type ImageSource, readSourceDocument, readSourceFile } from './source.ts';

/** One image, chosen from those a source has. */
export interface ChosenImage {
  readonly manifest: Descriptor;
  /** The complete names it comes with. */
  readonly references: readonly string[];
}

/** What is asked for. */
export interface Wanted {
  /** As the user wrote it, and complete. */
  readonly reference?: { readonly text: string; readonly complete: string } | undefined;
  readonly platform: Platform;
}

/** How deep indexes may lie in indexes. */
const MAX_DEPTH = 4;

/**
 * Chooses an image of a layout; undefined when the source is none.
 *
 * @throws CaissonError IMAGE_AMBIGUOUS when there are several and it is not said which, with their names
 * @throws CaissonError PLATFORM_NOT_FOUND, with the platforms there are
 * @throws CaissonError IMAGE_INVALID, BLOB_NOT_FOUND, DIGEST_MISMATCH
 */
export function chooseFromLayout(source: ImageSource, wanted: Wanted): ChosenImage | undefined {
  const index = readSourceDocument(source, 'index.json', readIndex);
  if (index === undefined || source.find('oci-layout') === undefined) return undefined;
  const named = chooseByName(source, index.manifests, wanted);
  const leaves = named.flatMap((descriptor) => manifestsOf(source, descriptor, 0));
  const best = selectPlatform(leaves, wanted.platform, `the image in ${source.name}`);
  const digests = new Set(best.map(({ digest }) => digest));
  const [manifest] = best;
  if (digests.size > 1 || manifest === undefined) throw ambiguous(source, [...digests]);
  const references = named.map(nameOf).filter((name) => name !== undefined);
  return { manifest, references: [...new Set(references)] };
}

/** Reads a blob of a layout as a document, verified. */
function readLayoutDocument<T>(
  source: ImageSource,
  descriptor: Descriptor,
  what: string,
  read: (document: JsonObject) => T,
): T {
  const bytes = readSourceFile(source, blobName(descriptor.digest));
  if (bytes === undefined) throw blobNotFound(source, descriptor.digest);
  checkDocument(bytes, descriptor, what);
  return parseDocument(bytes, `${what} ${descriptor.digest}`, read);
}

/** The name of a blob in a layout. */
export function blobName(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** The error for a blob that a layout speaks of and does not have. */
export function blobNotFound(source: ImageSource, digest: string): CaissonError {
  return new CaissonError('BLOB_NOT_FOUND', `${source.name} has no blob ${digest}`);
}

/** Entries of one name are one image, for several platforms. */
function chooseByName(
  source: ImageSource,
  descriptors: readonly Descriptor[],
  { reference }: Wanted,
): readonly Descriptor[] {
  const images = new Map<string, Descriptor[]>();
  for (const each of descriptors) {
    const name = labelOf(each);
    images.set(name, [...(images.get(name) ?? []), each]);
  }
  if (images.size === 0) throw new CaissonError('IMAGE_INVALID', `${source.name} has no image in it`);
  for (const [name, image] of images) {
    const complete = image[0] && nameOf(image[0]);
    if (reference !== undefined && (name === reference.text || complete === reference.complete)) return image;
  }
  if (images.size > 1) throw ambiguous(source, [...images.keys()]);
  return descriptors;
}

/** What an entry is called here: its name, or the tag that is all its name. */
function labelOf({ annotations = {} }: Descriptor): string {
  return annotations[NAME_ANNOTATIONS[1]] ?? annotations[NAME_ANNOTATIONS[0]] ?? '';
}

function manifestsOf(source: ImageSource, descriptor: Descriptor, depth: number): Descriptor[] {
  const kind = kindOf(descriptor.mediaType);
  if (kind === 'manifest') return [descriptor.platform === undefined ? withPlatform(source, descriptor) : descriptor];
  // An index may hold things that are no images: signatures, charts.
  if (kind === undefined) return [];
  if (depth === MAX_DEPTH) throw new CaissonError('IMAGE_INVALID', `${source.name} has indexes in indexes without end`);
  const { manifests } = readLayoutDocument(source, descriptor, 'image index', readIndex);
  return manifests.flatMap((each) => manifestsOf(source, each, depth + 1));
}

/** The configuration knows the platform where the index does not say it. */
function withPlatform(source: ImageSource, descriptor: Descriptor): Descriptor {
  const { config } = readLayoutDocument(source, descriptor, 'image manifest', readManifest);
  const { platform } = readLayoutDocument(source, config, 'image configuration', readImageDocument);
  return { ...descriptor, platform };
}

function ambiguous(source: ImageSource, names: readonly string[]): CaissonError {
  return new CaissonError('IMAGE_AMBIGUOUS', `${source.name} has several images: '${names.join("', '")}'`, {
    hint: 'say which by the option reference',
  });
}
