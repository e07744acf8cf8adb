/** Loads an image from a file or a directory. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CaissonError } from '../syscalls/index.ts';
import { explainArchiveError } from './archive-error.ts';
import { readChunks } from './blobs.ts';
import { measure } from './digest.ts';
import { chooseFromDockerArchive } from './docker-archive.ts';
import { describeDocument } from './documents.ts';
import type { StoredImage } from './images.ts';
import type { Store } from './layout.ts';
import { type Descriptor, MEDIA_TYPES, type Platform } from './manifest.ts';
import { blobName, blobNotFound, chooseFromLayout, type Wanted } from './oci-layout.ts';
import { machinePlatform } from './platform.ts';
import { formatReference, parseReference } from './reference.ts';
import { type ImageSource, openSource, type SourceFile } from './source.ts';
import { type IncomingBlob, type IncomingImage, type Stage, type StageOptions, takeIn, withStage } from './take-in.ts';

/** How to load an image. */
export interface LoadImageOptions extends StageOptions {
  /** The name the image gets, instead of those it comes with; where there are several images, which one it is. */
  readonly reference?: string | undefined;
  /** @default this machine's */
  readonly platform?: Platform | undefined;
}

/**
 * Loads an image from an OCI image layout (a directory, or a tar archive of one) or from what `docker save` wrote,
 * compressed or not: from a path, or an archive's own bytes. To load an image that is there already reads its archive, and changes at most its names.
 *
 * @throws CaissonError IMAGE_NOT_FOUND, IMAGE_INVALID, IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND, MEDIA_TYPE_UNKNOWN
 * @throws CaissonError ARCHIVE_INVALID, LAYER_INVALID, BLOB_NOT_FOUND, DIGEST_MISMATCH, SIZE_MISMATCH, DIFF_ID_MISMATCH
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE
 */
export async function loadImage(
  store: Store,
  from: string | Uint8Array,
  options: LoadImageOptions = {},
): Promise<StoredImage> {
  const archive = {
    name: typeof from === 'string' ? `'${from}'` : 'the archive',
    doing: typeof from === 'string' ? `loading the image at '${from}'` : 'loading an image',
  };
  const wanted = describeWanted(options);
  try {
    return await withStage(store, options, async (stage) => {
      const source = await openIncoming(store, from, stage).catch((error: unknown) => {
        throw explainArchiveError(error, store, { ...archive, hint: IMPORT_HINT });
      });
      const image = (await chooseOci(source, wanted)) ?? (await chooseDocker(source, wanted, stage.directory));
      if (image === undefined) {
        const reason = `${source.name} is neither an OCI image layout nor made by docker save`;
        throw new CaissonError('IMAGE_INVALID', reason, { hint: IMPORT_HINT });
      }
      const references = wanted.reference === undefined ? image.references : [wanted.reference.complete];
      return takeIn(store, { ...image, references }, stage);
    });
  } catch (error) {
    throw explainArchiveError(error, store, archive);
  }
}

const IMPORT_HINT =
  'of a root file system, an archive is imported with Image.import(), a directory given with Image.directory()';

/** Bytes are written aside first: the members of an archive are looked for by their names. */
async function openIncoming(
  store: Store,
  from: string | Uint8Array,
  { directory, signal }: Stage,
): Promise<ImageSource> {
  const members = join(directory, 'members');
  if (typeof from === 'string') return openSource(store, from, members, signal);
  const path = join(directory, 'archive');
  writeFileSync(path, from, { mode: 0o400 });
  return { ...(await openSource(store, path, members, signal)), name: 'the archive' };
}

function describeWanted({ reference, platform = machinePlatform() }: LoadImageOptions): Wanted {
  if (reference === undefined) return { platform };
  const parsed = parseReference(reference);
  if (parsed.digest !== undefined) {
    throw new CaissonError('REFERENCE_INVALID', `an image cannot be given a digest as its name: '${reference}'`);
  }
  return { platform, reference: { text: reference, complete: formatReference(parsed) } };
}

async function chooseOci(source: ImageSource, wanted: Wanted): Promise<IncomingImage | undefined> {
  const chosen = chooseFromLayout(source, wanted);
  return chosen && incoming(source, wanted, chosen, (digest) => source.find(blobName(digest)));
}

async function chooseDocker(
  source: ImageSource,
  wanted: Wanted,
  directory: string,
): Promise<IncomingImage | undefined> {
  const chosen = await chooseFromDockerArchive(source, wanted, digestOfFile);
  if (chosen === undefined) return undefined;
  const manifest = describeDocument(MEDIA_TYPES.manifest, chosen.manifest);
  const path = join(directory, 'manifest');
  writeFileSync(path, chosen.manifest, { mode: 0o400 });
  const files = new Map([...chosen.blobs, [manifest.digest, { path, size: manifest.size, digest: manifest.digest }]]);
  return incoming(source, wanted, { manifest, references: chosen.references }, (digest) => files.get(digest));
}

function incoming(
  source: ImageSource,
  { platform }: Wanted,
  { manifest, references }: Pick<IncomingImage, 'manifest' | 'references'>,
  find: (digest: string) => SourceFile | undefined,
): IncomingImage {
  /** What came with an archive is measured and ours; what lies in a directory is somebody else's, and is copied. */
  const open = ({ digest, size }: Descriptor, signal: AbortSignal | undefined): IncomingBlob => {
    const file = find(digest);
    if (file === undefined) throw blobNotFound(source, digest);
    return file.digest === digest && file.size === size
      ? { file: file.path }
      : { chunks: readChunks(file.path, signal) };
  };
  return { manifest, references, platform, name: `the image in ${source.name}`, open };
}

async function digestOfFile({ path }: SourceFile): Promise<string> {
  const { chunks, result } = measure(readChunks(path));
  for await (const _ of chunks);
  return result().digest;
}
