/** Finds the containers of all processes that use the store. Those of dead owners are none. */
import { readdirSync } from 'node:fs';
import { CaissonError } from '../../syscalls/index.ts';
import type { Store } from '../layout.ts';
import { idOfName, recordOf } from './names.ts';
import type { ContainerRecord } from './record.ts';

/** The records of the containers there are, oldest first. One that comes or goes meanwhile is seen or not. */
export function listContainers(store: Store): readonly ContainerRecord[] {
  return readdirSync(store.containers)
    .flatMap((id) => recordOf(store, id) ?? [])
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id));
}

/**
 * Finds a container by its name, its id or the beginning of that. A whole id is nobody's name: an object, which is known
 * by that, must not become another's.
 * @throws CaissonError CONTAINER_NOT_FOUND, with the names there are; CONTAINER_AMBIGUOUS when several ids begin so
 */
export function findContainer(store: Store, reference: string): ContainerRecord {
  const id = isWholeId(reference) ? undefined : idOfName(store, reference);
  const named = id === undefined ? recordOf(store, reference) : recordOf(store, id);
  if (named !== undefined) return named;
  const begins = (id: string) => reference !== '' && id.startsWith(reference);
  const found = readdirSync(store.containers)
    .filter(begins)
    .flatMap((id) => recordOf(store, id) ?? []);
  const [first, second] = found;
  if (first === undefined) throw notFound(store, reference);
  if (second === undefined) return first;
  const ids = found.map((each) => `${each.id} (${each.name})`).join(', ');
  throw new CaissonError(
    'CONTAINER_AMBIGUOUS',
    `several containers have an id that begins with '${reference}': ${ids}`,
  );
}

function isWholeId(reference: string): boolean {
  return /^[0-9a-f]{64}$/.test(reference);
}

const MAX_NAMES = 20;

function notFound(store: Store, reference: string): CaissonError {
  const names = listContainers(store).map(({ name }) => name);
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : '';
  const known = names.length === 0 ? 'there are none' : `there are ${names.slice(0, MAX_NAMES).join(', ')}${more}`;
  return new CaissonError(
    'CONTAINER_NOT_FOUND',
    `no container of the store at '${store.root}' is called '${reference}': ${known}`,
  );
}
