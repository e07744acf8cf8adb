/**
 * The lowest layer of containers' roots: what is mounted into every one of them finds its place there where the image has
 * none. So nothing has to be made for it, which would be one of the container's changes. The image wins where it has them.
 */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hasCode } from '../syscalls/index.ts';
import { explainStoreError, type Store } from './layout.ts';
import { temporaryPath } from './owner.ts';

const DIRECTORIES = ['dev', 'etc', 'proc', 'sys'];
const FILES = ['etc/hosts', 'etc/hostname', 'etc/resolv.conf'];

/** A change of what is in it is another layer: containers may have the old one. */
const VERSION = 1;

const made = new WeakSet<Store>();

/**
 * The layer's directory, made when a store is first asked for it.
 * @param effect whether it is made, or only named
 * @throws CaissonError STORE_FULL
 */
export function placesLayer(store: Store, effect: 'prepare' | 'describe'): string {
  const path = `${store.places}/${VERSION}`;
  if (effect === 'describe' || made.has(store)) return path;
  if (!existsSync(path)) make(store, path);
  made.add(store);
  return path;
}

/** Nothing is synced: a layer that the power has cut short lacks places, which are then made by whoever mounts there. */
function make(store: Store, path: string): void {
  const temporary = temporaryPath(store);
  try {
    mkdirSync(store.places, { recursive: true, mode: 0o700 });
    fill(temporary);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    // Another process was first.
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw explainStoreError(error, 'making places for mounts', path);
  }
}

function fill(directory: string): void {
  for (const name of ['', ...DIRECTORIES]) {
    mkdirSync(`${directory}/${name}`);
    chmodSync(`${directory}/${name}`, 0o755);
  }
  for (const name of FILES) {
    writeFileSync(`${directory}/${name}`, '');
    chmodSync(`${directory}/${name}`, 0o644);
  }
}
