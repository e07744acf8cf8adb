/**
 * Layers that may not be on the disk yet. What an image consists of is in its blobs, which are synced before the index
 * speaks of them; a layer is made of one of them and can be made again. So nobody waits for it to be written:
 *
 *     unsynced/<owner>.<n>   which layers, and in which start of the machine; on the disk before they have their names
 *
 * The note is removed when they are on the disk (publish-layers.ts). If the machine is restarted before, they are lost:
 * perhaps there, but with files that are empty. Then nobody takes them for layers, and they are unpacked again.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CaissonError, hasCode } from '../syscalls/index.ts';
import { isBootKnown, readBootId } from './boot.ts';
import { asArray, asString, parseDocument } from './json.ts';
import { layerPath, type Store } from './layout.ts';

/** What is written down of layers that are not on the disk yet. */
export interface UnsyncedNote {
  /** The start of the machine that they were unpacked in. */
  readonly bootId: string;
  /** Names in the store: `layers/…`. */
  readonly layers: readonly string[];
}

/** Whether a layer is in the store, and whole. */
export function hasLayer(store: Store, diffId: string): boolean {
  return isWholeLayer(store, layerPath(store, diffId));
}

/** Whether there is a layer at `path`, and it is whole. */
export function isWholeLayer(store: Store, path: string): boolean {
  return (
    existsSync(path) && !lostNotes(store).some(({ layers }) => layers.some((name) => join(store.root, name) === path))
  );
}

/** Stores in which there is no note of an earlier start of the machine; nobody will write one any more. */
const settled = new WeakSet<Store>();

/** The notes of layers that were lost with the power, each with its path. */
export function lostNotes(store: Store): readonly (UnsyncedNote & { readonly path: string })[] {
  if (settled.has(store)) return [];
  const lost = listNotes(store)
    .flatMap((path) => readNote(path).map((note) => ({ path, ...note })))
    .filter(({ bootId }) => isBootKnown() && bootId !== readBootId());
  if (lost.length === 0) settled.add(store);
  return lost;
}

function listNotes({ unsynced }: Store): string[] {
  return existsSync(unsynced) ? readdirSync(unsynced).map((name) => join(unsynced, name)) : [];
}

/** A note, as a list; empty where it was removed meanwhile, or is damaged: then no layer got its name. */
function readNote(path: string): UnsyncedNote[] {
  try {
    const note = parseDocument(readFileSync(path), `'${path}'`, ({ bootId, layers }) => ({
      bootId: asString(bootId, 'bootId'),
      layers: asArray(layers, 'layers', asString),
    }));
    return [note];
  } catch (error) {
    if (error instanceof CaissonError || hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}
