/** The containers whose namespaces a container joins. */
import { readlinkSync } from 'node:fs';
import { type ContainerRecord, findContainer, type IdMappings, type Store } from '../../store/index.ts';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { isOfPath, type JoinedContainer, referencesIn } from '../spec/namespaces.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { SHORT_ID_LENGTH } from '../spec/short-id.ts';
import type { NamespaceType } from '../spec/spec.ts';
import { type Held, holdFirst } from './held.ts';
import { type Joiner, joinedOf, type LookUp, nameOf } from './joined.ts';
import { idsOfPath, idsOfProcess } from './namespace-ids.ts';
import { fileOf, gone } from './open-namespaces.ts';

/**
 * Looks up the containers that options refer to.
 * @throws CaissonError NAMESPACE_GONE when one does not run, NAMESPACE_CYCLE when one is, or waits for, the joiner itself
 */
export const findJoined: LookUp = (options, joiner) => {
  const containers = new Map<string, JoinedContainer>();
  const pids = new Map<string, number>();
  const hostnames = new Map<string, string>();
  let mappings = idsAsked(options, joiner.effect);
  for (const reference of referencesIn(options)) {
    const name = nameOf(reference);
    if (containers.has(name)) continue;
    const record = recordOf(name, joiner);
    const held = record === undefined ? undefined : holdJoined(record, joiner);
    try {
      const hasUser = held !== undefined && namespaceOf(held.pid, 'user') !== namespaceOf('self', 'user');
      const has = (type: NamespaceType) => held === undefined || isOther(held.pid, type);
      containers.set(name, { id: record?.id ?? name, hasUser, hasMounts: has('mount'), hasTime: has('time') });
      if (record !== undefined)
        hostnames.set(name, (record.options as ContainerOptions).hostname ?? record.id.slice(0, SHORT_ID_LENGTH));
      if (held === undefined) continue;
      pids.set(name, held.pid);
      mappings = hasUser ? idsOfProcess(held.pid) : (mappings ?? { uid: [], gid: [] });
    } finally {
      held?.release();
    }
  }
  return joinedOf(options, { containers, pids, hostnames, mappings });
};

function recordOf(name: string, { store, effect }: Joiner): ContainerRecord | undefined {
  try {
    return findContainer(store, name);
  } catch (cause) {
    if (!hasCode(cause, 'CONTAINER_NOT_FOUND')) throw cause;
    if (effect === 'describe') return undefined;
    const message = `the namespaces of container '${name}' cannot be joined: there is none`;
    throw new CaissonError('NAMESPACE_GONE', message, { cause });
  }
}

function holdJoined(record: ContainerRecord, { id, store, effect }: Joiner): Held | undefined {
  const held = record.id === id ? undefined : holdFirst(store, record);
  if (held !== undefined || effect === 'describe') return held;
  const chain = chainTo(id, record, store);
  if (chain !== undefined) {
    const [message, hint] = [
      `${chain.join(' joins ')}, which is the container itself`,
      'one of them has to make its own',
    ];
    throw new CaissonError('NAMESPACE_CYCLE', `the container joins ${message}`, { hint });
  }
  throw gone(record, store);
}

/** The names of the containers, from `record` on, each of which is to join the next, up to the one with this id. */
function chainTo(id: string, record: ContainerRecord, store: Store, seen = new Set<string>()): string[] | undefined {
  if (record.id === id) return [record.name];
  if (seen.has(record.id)) return undefined;
  seen.add(record.id);
  for (const reference of referencesIn(record.options as ContainerOptions)) {
    const next = recordOf(nameOf(reference), { id, store, effect: 'describe' });
    const chain = next === undefined ? undefined : chainTo(id, next, store, seen);
    if (chain !== undefined) return [record.name, ...chain];
  }
  return undefined;
}

function namespaceOf(pid: number | 'self', type: NamespaceType): string {
  return readlinkSync(fileOf(pid, type));
}

/** Whether a process is in another namespace than this one; of one that ends just now, that is taken for granted. */
function isOther(pid: number, type: NamespaceType): boolean {
  try {
    return namespaceOf(pid, type) !== namespaceOf('self', type);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return true;
    throw error;
  }
}

/** Those of a user namespace by its path. For who only looks at a container, it may be gone. */
function idsAsked({ userns }: ContainerOptions, effect: Joiner['effect']): IdMappings | undefined {
  if (!isOfPath(userns)) return undefined;
  try {
    return idsOfPath(userns.path);
  } catch (error) {
    if (effect === 'describe') return undefined;
    throw error;
  }
}
