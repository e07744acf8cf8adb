/** Makes an image of a root file system: of what `docker export` wrote, or tar of a directory. */
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { CaissonError } from '../syscalls/index.ts';
import { explainArchiveError } from './archive-error.ts';
import { readChunks } from './blobs.ts';
import { creationTime } from './creation-time.ts';
import { formatManifest, stageDocument } from './documents.ts';
import { findImage, type StoredImage } from './images.ts';
import { decompress } from './layer/decompress.ts';
import { invalid } from './layer/header.ts';
import { fillHoles } from './layer/holes.ts';
import type { LayerLimits } from './layer/limits.ts';
import { stagePackedLayer } from './layer/pack.ts';
import { readTar, type TarEntry } from './layer/read.ts';
import { stageLayer } from './layer/unpack.ts';
import type { OutgoingEntry } from './layer/write.ts';
import type { Store } from './layout.ts';
import { type ImageConfig, MEDIA_TYPES, type Platform } from './manifest.ts';
import { machinePlatform } from './platform.ts';
import { publishImage } from './publish.ts';
import { removeTree } from './remove.ts';
import { newName } from './tag.ts';

/** What the image is to be, besides its files. */
export interface ImportImageOptions {
  /** The name the image gets. */
  readonly reference?: string | undefined;
  /** How its containers run: the archive says nothing of it. */
  readonly config?: ImageConfig | undefined;
  /** @default this machine's */
  readonly platform?: Platform | undefined;
  /** What its history says. @default where it came from */
  readonly message?: string | undefined;
  readonly author?: string | undefined;
  /** @default now, or the environment's SOURCE_DATE_EPOCH */
  readonly created?: Date | undefined;
  /** What the archive may ask for; beyond that, LAYER_LIMIT_EXCEEDED. */
  readonly limits?: LayerLimits | undefined;
  /** Stops importing; nothing is left then. */
  readonly signal?: AbortSignal | undefined;
}

/** The path of an archive, or what is in one. */
export type ImportSource = string | Uint8Array | AsyncIterable<Uint8Array>;

/**
 * Makes an image of one layer from an archive of a root file system, compressed or not. Owners, modes, times,
 * attributes, devices and hard links are kept; the archive is written anew, so what only some programs read is gone.
 *
 * @throws CaissonError IMAGE_NOT_FOUND when there is nothing at the path, IMAGE_INVALID when there is a directory
 * @throws CaissonError ARCHIVE_INVALID, LAYER_INVALID, REFERENCE_INVALID
 * @throws CaissonError STORE_FULL, STORE_NOT_WRITABLE; after any error, nothing is left
 */
export async function importImage(
  store: Store,
  source: ImportSource,
  options: ImportImageOptions = {},
): Promise<StoredImage> {
  const references = options.reference === undefined ? [] : [newName(options.reference)];
  const blobs = new Map<string, string>();
  const layers = new Map<string, string>();
  const notes = new Map<string, readonly string[]>();
  try {
    const { limits, signal } = options;
    const content = notEmpty(decompress(openArchive(source, signal), limits));
    const entries = outgoing(readTar(content, limits));
    const packed = await stagePackedLayer(store, entries, { signal });
    blobs.set(packed.descriptor.digest, packed.path);
    const from = typeof source === 'string' ? basename(source) : '-';
    const document = composeConfiguration(packed.diffId, `Imported from ${from}`, options);
    const stageDocuments = () => {
      const config = stageDocument(store, blobs, MEDIA_TYPES.config, document);
      return stageDocument(store, blobs, MEDIA_TYPES.manifest, formatManifest(config, [packed.descriptor]));
    };
    const descriptor = stageDocuments();
    await publishImage(store, { descriptor, references, blobs, layers, notes }, async (missing) => {
      stageDocuments();
      if (missing.layers.length === 0) return;
      const staged = await stageLayer(store, readChunks(packed.path, signal), packed.diffId, limits);
      layers.set(packed.diffId, staged.path);
      notes.set(packed.diffId, staged.notes);
    });
    return Object.freeze({ ...findImage(store, descriptor.digest), name: references[0] ?? descriptor.digest });
  } catch (error) {
    const name = typeof source === 'string' ? `'${source}'` : 'what was given to be imported';
    throw explainArchiveError(error, store, { name, doing: 'importing an image' });
  } finally {
    for (const path of [...blobs.values(), ...layers.values()]) await removeTree(path);
  }
}

function openArchive(source: ImportSource, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  if (source instanceof Uint8Array) return Readable.from([source]);
  if (typeof source !== 'string') return source;
  const stats = statSync(source, { throwIfNoEntry: false });
  if (stats === undefined) throw new CaissonError('IMAGE_NOT_FOUND', `there is no archive at '${source}'`);
  if (!stats.isDirectory()) return readChunks(source, signal);
  throw new CaissonError('IMAGE_INVALID', `'${source}' is a directory, not an archive`, {
    hint: 'a root file system in a directory is given with Image.directory(), an image layout with Image.load()',
  });
}

/** To programs that read tar, nothing is an archive of nothing; here it is a file that was never written. */
async function* notEmpty(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isEmpty = true;
  for await (const chunk of content) {
    isEmpty &&= chunk.length === 0;
    yield chunk;
  }
  if (isEmpty) throw invalid('it is empty');
}

function composeConfiguration(diffId: string, from: string, options: ImportImageOptions): object {
  const { platform = machinePlatform(), config = {}, message = from, author } = options;
  const created = (options.created ?? creationTime()).toISOString();
  return {
    created,
    ...(author === undefined ? {} : { author }),
    ...platform,
    config,
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [{ created, ...(author === undefined ? {} : { author }), created_by: 'caisson import', comment: message }],
  };
}

async function* outgoing(entries: AsyncIterable<TarEntry>): AsyncGenerator<OutgoingEntry> {
  for await (const entry of entries) yield { ...entry, content: () => fillHoles(entry.content(), entry.size) };
}
