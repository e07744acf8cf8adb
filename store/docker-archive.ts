/**
 * Reads what `docker save` writes: `manifest.json` names a configuration and the layers, uncompressed, of each image.
 * There is no manifest of a registry in it, so one is made, always the same of the same image.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { CaissonError } from '../syscalls/index.ts';
import { formatManifest } from './documents.ts';
import { asArray, asObject, asString, optional, parseDocument, parseJson } from './json.ts';
import { detectCompression } from './layer/decompress.ts';
import { type Descriptor, MEDIA_TYPES, readImageDocument } from './manifest.ts';
import type { Wanted } from './oci-layout.ts';
import { selectPlatform } from './platform.ts';
import { formatReference, parseReference } from './reference.ts';
import { type ImageSource, readSourceFile, type SourceFile } from './source.ts';

/** One image of an archive. */
export interface DockerImage {
  /** The OCI manifest made for it, as text. */
  readonly manifest: string;
  readonly references: readonly string[];
  /** Its configuration and layers, by digest. */
  readonly blobs: ReadonlyMap<string, SourceFile>;
}

interface ArchivedImage {
  readonly config: string;
  readonly references: readonly string[];
  readonly layers: readonly string[];
}

const LAYER_TYPES = { none: MEDIA_TYPES.layer, gzip: MEDIA_TYPES.layerGzip, zstd: MEDIA_TYPES.layerZstd };

/**
 * Chooses an image of an archive; undefined when the source is none.
 *
 * @param digestOfFile measures a file that was not measured yet
 * @throws CaissonError IMAGE_AMBIGUOUS, PLATFORM_NOT_FOUND, IMAGE_INVALID
 */
export async function chooseFromDockerArchive(
  source: ImageSource,
  wanted: Wanted,
  digestOfFile: (file: SourceFile) => Promise<string>,
): Promise<DockerImage | undefined> {
  const text = readSourceFile(source, 'manifest.json');
  if (text === undefined) return undefined;
  const what = `'manifest.json' of ${source.name}`;
  const images = parseJson(text, what, (value) => asArray(value, 'the list', readArchivedImage));
  const image = chooseByName(source, images, wanted);
  const blobs = new Map<string, SourceFile>();
  const add = async (name: string, mediaType?: string): Promise<Descriptor> => {
    const file = source.find(name);
    if (file === undefined) throw new CaissonError('BLOB_NOT_FOUND', `${source.name} has no '${name}'`);
    const digest = file.digest ?? (await digestOfFile(file));
    blobs.set(digest, file);
    return { mediaType: mediaType ?? LAYER_TYPES[detectCompression(firstBytes(file))], digest, size: file.size };
  };
  const config = await add(image.config, MEDIA_TYPES.config);
  checkPlatform(source, image.config, wanted);
  const layers: Descriptor[] = [];
  for (const name of image.layers) layers.push(await add(name));
  return { manifest: formatManifest(config, layers), references: image.references, blobs };
}

function readArchivedImage(value: unknown, what: string): ArchivedImage {
  const object = asObject(value, what);
  const tags = optional(object.RepoTags, `${what}.RepoTags`, (tag, name) => asArray(tag, name, asString)) ?? [];
  return {
    config: asString(object.Config, `${what}.Config`),
    references: tags.map((tag) => formatReference(parseReference(tag))),
    layers: optional(object.Layers, `${what}.Layers`, (layer, name) => asArray(layer, name, asString)) ?? [],
  };
}

function chooseByName(source: ImageSource, images: readonly ArchivedImage[], { reference }: Wanted): ArchivedImage {
  const [first] = images;
  if (first === undefined) throw new CaissonError('IMAGE_INVALID', `${source.name} has no image in it`);
  const found = images.find(({ references }) => reference !== undefined && references.includes(reference.complete));
  if (found !== undefined) return found;
  if (images.length === 1) return first;
  const names = images.map(({ references, config }) => references[0] ?? config);
  throw new CaissonError('IMAGE_AMBIGUOUS', `${source.name} has several images: '${names.join("', '")}'`, {
    hint: 'say which by the option reference',
  });
}

function checkPlatform(source: ImageSource, name: string, { platform }: Wanted): void {
  const bytes = readSourceFile(source, name) ?? '';
  const document = parseDocument(bytes, `'${name}' of ${source.name}`, readImageDocument);
  selectPlatform([document], platform, `the image in ${source.name}`);
}

function firstBytes({ path }: SourceFile): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(4);
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}
