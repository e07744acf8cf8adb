/** The containers whose namespaces a container joins. */
import { readFileSync, readlinkSync } from 'node:fs';
import { type ContainerRecord, findContainer, type IdMapping, type IdMappings, type Store } from '../../store/index.ts';
import { CaissonError, hasCode } from '../../syscalls/index.ts';
import { type JoinedContainer, referencesIn } from '../spec/namespaces.ts';
import { SHORT_ID_LENGTH } from '../spec/normalize.ts';
import type { ContainerOptions } from '../spec/options.ts';
import type { NamespaceType } from '../spec/spec.ts';
import { type Held, holdFirst } from './held.ts';
import { type Joiner, joinedOf, type LookUp, nameOf } from './joined.ts';
import { fileOf, gone } from './open-namespaces.ts';

/**
 * Looks up the containers that options refer to.
 * @throws CaissonError NAMESPACE_GONE when one does not run, NAMESPACE_CYCLE when one is, or waits for, the joiner itself
 */
export const findJoined: LookUp = (options, joiner) => {
  const containers = new Map<string, JoinedContainer>();
  const pids = new Map<string, number>();
  const hostnames = new Map<string, string>();
  let mappings: IdMappings | undefined;
  for (const reference of referencesIn(options)) {
    const name = nameOf(reference);
    if (containers.has(name)) continue;
    const record = recordOf(name, joiner);
    const held = record === undefined ? undefined : holdJoined(record, joiner);
    try {
      const hasUser = held !== undefined && namespaceOf(held.pid, 'user') !== namespaceOf('self', 'user');
      containers.set(name, { id: record?.id ?? name, hasUser });
      if (record !== undefined)
        hostnames.set(name, (record.options as ContainerOptions).hostname ?? record.id.slice(0, SHORT_ID_LENGTH));
      if (held === undefined) continue;
      pids.set(name, held.pid);
      mappings = hasUser ? readMappings(held.pid) : (mappings ?? { uid: [], gid: [] });
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

/** The ids of the user namespace that a process is in, as this one counts (man 7 user_namespaces). */
function readMappings(pid: number): IdMappings {
  const read = (name: string): IdMapping[] => {
    const lines = readFileSync(`/proc/${pid}/${name}`, 'latin1').trim().split('\n');
    return lines.map((line) => {
      const [containerID = 0, hostID = 0, size = 0] = line.trim().split(/\s+/).map(Number);
      return { containerID, hostID, size };
    });
  };
  return { uid: read('uid_map'), gid: read('gid_map') };
}
