/** Makes layers of an image of what snapshots consist of: packed once, and remembered. */
import { closeSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import { hasCode } from '../../syscalls/index.ts';
import { writeFileAtomically } from '../atomic.ts';
import { hasBlob, readChunks } from '../blobs.ts';
import { parseDocument } from '../json.ts';
import { diffEntries } from '../layer/diff.ts';
import { type PackedLayer, type PackOptions, stagePackedLayer } from '../layer/pack.ts';
import { stageLayer } from '../layer/unpack.ts';
import { treeEntries } from '../layer/walk.ts';
import type { Store } from '../layout.ts';
import { temporaryPath } from '../owner.ts';
import { hasLayer } from '../unsynced.ts';
import { linkToSnapshot } from './links.ts';
import { ownersInContainer } from './owners.ts';
import { readPackedLayer, snapshotPaths } from './record.ts';

/** What was made aside of an image: paths in `tmp`, by digest and by diffID. */
export interface Parts {
  readonly blobs: Map<string, string>;
  readonly layers: Map<string, string>;
}

/**
 * Packs the layer of a snapshot, unless that was done and is in the store still. Unpacked, the layer is where it is:
 * among the layers it becomes a link to there, since containers may be about to mount it.
 */
export async function packSnapshot(store: Store, id: string, parts: Parts, options: PackOptions): Promise<PackedLayer> {
  const paths = snapshotPaths(store, id);
  const known = readPacked(paths.packed);
  const isThere = known !== undefined && (parts.blobs.has(known.descriptor.digest) || hasBlob(store, known.descriptor));
  const packed = isThere ? known : await packDirectory(store, paths.layer, 'changes', parts, options);
  if (!parts.layers.has(packed.diffId) && !hasLayer(store, packed.diffId)) {
    const link = temporaryPath(store);
    linkToSnapshot(link, id);
    parts.layers.set(packed.diffId, link);
  }
  if (!isThere) writeFileAtomically(temporaryPath(store), paths.packed, JSON.stringify(packed));
  return packed;
}

/** Packs a directory outside of the store, and unpacks it in the store. */
export async function packBase(store: Store, path: string, parts: Parts, options: PackOptions): Promise<PackedLayer> {
  const packed = await packDirectory(store, path, 'tree', parts, options);
  if (!parts.layers.has(packed.diffId) && !hasLayer(store, packed.diffId)) {
    const blob = parts.blobs.get(packed.descriptor.digest) as string;
    const { path: unpacked } = await stageLayer(store, readChunks(blob, options.signal), packed.diffId);
    parts.layers.set(packed.diffId, unpacked);
  }
  return packed;
}

async function packDirectory(
  store: Store,
  path: string,
  kind: 'changes' | 'tree',
  { blobs }: Parts,
  options: PackOptions,
): Promise<PackedLayer> {
  const fd = openSync(path, 'r');
  try {
    const walk = { owner: ownersInContainer(), signal: options.signal };
    const entries = kind === 'changes' ? diffEntries(fd, walk) : treeEntries(fd, walk);
    const { path: blob, diffId, descriptor } = await stagePackedLayer(store, entries, options);
    // Asked for again, or there already, what was made first is as good.
    if (blobs.has(descriptor.digest)) unlinkSync(blob);
    else blobs.set(descriptor.digest, blob);
    return { diffId, descriptor };
  } finally {
    closeSync(fd);
  }
}

function readPacked(path: string): PackedLayer | undefined {
  try {
    return parseDocument(readFileSync(path), `'${path}'`, (document) => readPackedLayer(document, 'the document'));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
