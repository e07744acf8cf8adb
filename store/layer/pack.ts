/** From what lies on the disk to a blob: a layer is written, compressed and measured in one pass. */
import { closeSync, fsyncSync, openSync, unlinkSync } from 'node:fs';
import type { Transform } from 'node:stream';
import { CaissonError } from '../../syscalls/index.ts';
import { publishFile } from '../atomic.ts';
import { writeAll } from '../blobs.ts';
import { measure } from '../digest.ts';
import { blobPath, explainStoreError, type Store } from '../layout.ts';
import { type Descriptor, MEDIA_TYPES } from '../manifest.ts';
import { temporaryPath } from '../owner.ts';
import { type Compression, transform } from './decompress.ts';
import { gzip } from './gzip.ts';
import { type OutgoingEntry, type WriteTarOptions, writeTar } from './write.ts';

/** How to pack a layer. */
export interface PackOptions extends WriteTarOptions {
  /** @default 'gzip' which every program reads */
  readonly compression?: Compression | undefined;
  /** Stops packing; nothing is left then. */
  readonly signal?: AbortSignal | undefined;
}

/** A layer as an image names it. */
export interface PackedLayer {
  /** The digest of the layer uncompressed. */
  readonly diffId: string;
  readonly descriptor: Descriptor;
}

/** A layer that is packed and synced, and not among the store's blobs yet. */
export interface StagedBlob extends PackedLayer {
  readonly path: string;
}

const LAYER_TYPES = { none: MEDIA_TYPES.layer, gzip: MEDIA_TYPES.layerGzip, zstd: MEDIA_TYPES.layerZstd } as const;

/**
 * Packs entries as a layer and puts it among the store's blobs. The same entries give the same blob.
 *
 * @throws CaissonError COMPRESSION_UNSUPPORTED for zstd where Node has none
 * @throws CaissonError LAYER_NOT_PACKED, STORE_FULL, STORE_NOT_WRITABLE; after any error, nothing is left
 */
export async function packLayer(
  store: Store,
  entries: Iterable<OutgoingEntry> | AsyncIterable<OutgoingEntry>,
  options: PackOptions = {},
): Promise<PackedLayer> {
  const { path, diffId, descriptor } = await stagePackedLayer(store, entries, options);
  publishFile(path, blobPath(store, descriptor.digest));
  return { diffId, descriptor };
}

/** As {@link packLayer}, but the blob stays a temporary file: whoever asked gives it its place. */
export async function stagePackedLayer(
  store: Store,
  entries: Iterable<OutgoingEntry> | AsyncIterable<OutgoingEntry>,
  { compression = 'gzip', signal, ...options }: PackOptions = {},
): Promise<StagedBlob> {
  const path = temporaryPath(store);
  const fd = openSync(path, 'wx', 0o400);
  try {
    const raw = measure(writeTar(entries, options));
    const packed = measure(compress(raw.chunks, compression));
    for await (const chunk of packed.chunks) {
      signal?.throwIfAborted();
      writeAll(fd, chunk);
    }
    fsyncSync(fd);
    const descriptor = { mediaType: LAYER_TYPES[compression], ...packed.result() };
    return { path, diffId: raw.result().digest, descriptor };
  } catch (error) {
    unlinkSync(path);
    throw explainStoreError(error, 'packing a layer', path);
  } finally {
    closeSync(fd);
  }
}

async function* compress(source: AsyncIterable<Uint8Array>, compression: Compression): AsyncGenerator<Uint8Array> {
  if (compression === 'none') return yield* source;
  if (compression === 'gzip') return yield* gzip(source);
  const { createZstdCompress } = (await import('node:zlib')) as { createZstdCompress?: () => Transform };
  if (createZstdCompress === undefined) {
    throw new CaissonError('COMPRESSION_UNSUPPORTED', `Node ${process.version} cannot compress with zstd`, {
      hint: 'Node 22.15 and later can; use gzip',
    });
  }
  yield* transform(source, createZstdCompress(), compression);
}
