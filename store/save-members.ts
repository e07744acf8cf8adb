/**
 * What is in an archive of images, as files in their order: documents first, then blobs by digest.
 *
 * Sources: opencontainers/image-spec (image-layout.md), moby (image/spec/spec.md, image/tarexport/save.go).
 */
import { withName, withoutName } from './catalog.ts';
import { verify } from './digest.ts';
import { describeDocument, formatManifest } from './documents.ts';
import type { ImageDocuments } from './images.ts';
import { decompress } from './layer/decompress.ts';
import { LAYOUT } from './layout.ts';
import { type Descriptor, MEDIA_TYPES } from './manifest.ts';
import { blobName } from './oci-layout.ts';
import { parseReference } from './reference.ts';

/** An image on its way into an archive. */
export interface SavedImage extends ImageDocuments {
  readonly entry: Descriptor;
  /** The names it has in the archive. */
  readonly references: readonly string[];
}

/** A file of the archive. */
export interface ArchiveMember {
  readonly name: string;
  readonly size: number;
  content(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** Takes hold of a blob; what it returns reads it, verified, as often as it is called. */
export type BlobOpener = (blob: Descriptor) => () => AsyncIterable<Uint8Array>;

/** An OCI image layout of these images, everything as it is. */
export function ociMembers(images: readonly SavedImage[], open: BlobOpener): ArchiveMember[] {
  const blobs = images.flatMap(({ entry, manifest }) => [entry, manifest.config, ...manifest.layers]);
  return [
    ...layoutMembers(images.map(({ entry, references }) => ({ descriptor: entry, references }))),
    ...blobMembers(blobs.map((blob) => ({ digest: blob.digest, size: blob.size, content: open(blob) }))),
  ];
}

/** What `docker save` writes: an OCI image layout of uncompressed layers, and Docker's own documents about the same. */
export async function dockerMembers(images: readonly SavedImage[], open: BlobOpener): Promise<ArchiveMember[]> {
  const blobs: Blob[] = [];
  const layers = new Map<string, Promise<Blob>>();
  const converted: ConvertedImage[] = [];
  for (const { manifest, document, references } of images) {
    const { config } = manifest;
    blobs.push({ digest: config.digest, size: config.size, content: open(config) });
    const descriptors: Descriptor[] = [];
    for (const [index, blob] of manifest.layers.entries()) {
      const diffId = document.diffIds[index] ?? '';
      const layer = await (layers.get(diffId) ?? uncompressed(open(blob), diffId));
      layers.set(diffId, Promise.resolve(layer));
      blobs.push(layer);
      descriptors.push({ mediaType: MEDIA_TYPES.layer, digest: layer.digest, size: layer.size });
    }
    const text = formatManifest({ ...config, mediaType: MEDIA_TYPES.config }, descriptors);
    const descriptor = describeDocument(MEDIA_TYPES.manifest, text);
    blobs.push({ digest: descriptor.digest, size: descriptor.size, content: () => [Buffer.from(text)] });
    converted.push({ descriptor, references, config, layers: descriptors });
  }
  return [...layoutMembers(converted), ...dockerDocuments(converted), ...blobMembers(blobs)];
}

interface Blob {
  readonly digest: string;
  readonly size: number;
  content(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

interface ConvertedImage {
  readonly descriptor: Descriptor;
  readonly references: readonly string[];
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** An archive's header has the size, so a layer is decompressed once to know it, and once more to be written. */
async function uncompressed(read: () => AsyncIterable<Uint8Array>, diffId: string): Promise<Blob> {
  const content = () => verify(decompress(read()), { digest: diffId }, 'the uncompressed layer');
  let size = 0;
  for await (const chunk of content()) size += chunk.length;
  return { digest: diffId, size, content };
}

function layoutMembers(
  images: readonly { readonly descriptor: Descriptor; readonly references: readonly string[] }[],
): ArchiveMember[] {
  const manifests = images.flatMap(({ descriptor, references }) => {
    const plain = withoutName(descriptor);
    return references.length === 0 ? [plain] : references.map((name) => withName(plain, name));
  });
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.index, manifests };
  return [textMember('oci-layout', LAYOUT), textMember('index.json', JSON.stringify(index))];
}

function dockerDocuments(images: readonly ConvertedImage[]): ArchiveMember[] {
  const manifest = images.map(({ config, references, layers }) => ({
    Config: blobName(config.digest),
    RepoTags: references,
    Layers: layers.map(({ digest }) => blobName(digest)),
  }));
  const repositories: Record<string, Record<string, string>> = {};
  for (const { references, layers } of images) {
    for (const reference of references) {
      const { domain, path, tag = 'latest' } = parseReference(reference);
      // The name of the last layer stands for the image, as it did when layers were images.
      repositories[`${domain}/${path}`] = {
        ...repositories[`${domain}/${path}`],
        [tag]: layers.at(-1)?.digest.slice('sha256:'.length) ?? '',
      };
    }
  }
  return [
    textMember('manifest.json', JSON.stringify(manifest)),
    textMember('repositories', JSON.stringify(repositories)),
  ];
}

function blobMembers(blobs: readonly Blob[]): ArchiveMember[] {
  const once = new Map(blobs.map((blob) => [blob.digest, blob]));
  return [...once.values()]
    .sort((a, b) => (a.digest < b.digest ? -1 : 1))
    .map(({ digest, size, content }) => ({ name: blobName(digest), size, content }));
}

function textMember(name: string, text: string): ArchiveMember {
  const bytes = Buffer.from(text);
  return { name, size: bytes.length, content: () => [bytes] };
}
