/** What a container uses of the store, as its record says it: nobody removes that. */
import { CaissonError } from '../../syscalls/index.ts';
import type { Store } from '../layout.ts';
import { isWholeLayer } from '../unsynced.ts';
import { whileNothingIsRemoved } from '../use-lock.ts';
import { createVolume } from '../volumes/index.ts';
import { type ContainerRecord, type ContainerUses, readContainerRecord, replaceRecord } from './record.ts';
import { whileRecordIsOurs } from './record-lock.ts';

/** What a container uses, in names of the store. */
export function namesOfUses(
  store: Store,
  { image, layers = [], mounted = [], volumes = [] }: ContainerUses,
): ContainerRecord['uses'] {
  const names = { layers: namesOf(store, layers), mounted: namesOf(store, mounted), volumes };
  return { ...(image === undefined ? {} : { image }), ...names };
}

/** Layers by their names in the store: `layers/…`, `snapshots/…/layer`. */
function namesOf({ root, layers, snapshots }: Store, paths: readonly string[]): string[] {
  const isOurs = (path: string) => path.startsWith(`${layers}/`) || path.startsWith(`${snapshots}/`);
  return paths.filter(isOurs).map((path) => path.slice(root.length + 1));
}

/** @throws CaissonError LAYER_NOT_FOUND when a layer has been pruned */
export function assertLayer(store: Store, name: string): void {
  const { root } = store;
  if (isWholeLayer(store, `${root}/${name}`)) return;
  throw new CaissonError(
    'LAYER_NOT_FOUND',
    `'${name}' of the store at '${root}' was removed since the image was found`,
    {
      hint: 'load or pull the image again',
    },
  );
}

/**
 * Writes down what a container uses from now on, of what is given.
 * @throws CaissonError CONTAINER_NOT_FOUND
 */
export function changeContainerUses(store: Store, id: string, uses: ContainerUses): Promise<void> {
  return whileRecordIsOurs(store, id, () => {
    const record = recordThatIs(store, id);
    const { volumes = record.uses.volumes, mounted } = uses;
    const changed = namesOfUses(store, { ...uses, volumes });
    replaceRecord(store, {
      ...record,
      uses: mounted === undefined ? { ...changed, mounted: record.uses.mounted } : changed,
    });
  });
}

/**
 * Writes down what a container uses besides from now on: volumes that are not there yet are made.
 * @throws CaissonError CONTAINER_NOT_FOUND, LAYER_NOT_FOUND
 */
export function addContainerUses(
  store: Store,
  id: string,
  { mounted = [], volumes = [] }: Pick<ContainerUses, 'mounted' | 'volumes'>,
): Promise<void> {
  const layers = namesOf(store, mounted);
  const add = () => {
    const record = recordThatIs(store, id);
    for (const name of layers) assertLayer(store, name);
    for (const name of volumes) createVolume(store, name);
    const { uses } = record;
    const added = { mounted: union(uses.mounted, layers), volumes: union(uses.volumes, volumes) };
    replaceRecord(store, { ...record, uses: { ...uses, ...added } });
  };
  return whileRecordIsOurs(store, id, () => whileNothingIsRemoved(store, add));
}

function recordThatIs(store: Store, id: string): ContainerRecord {
  const record = readContainerRecord(store, id);
  if (record === undefined) throw new CaissonError('CONTAINER_NOT_FOUND', `container '${id}' was removed`);
  return record;
}

function union(one: readonly string[], other: readonly string[]): string[] {
  return [...new Set([...one, ...other])];
}
