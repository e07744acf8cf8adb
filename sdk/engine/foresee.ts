/** What is known of a container before anything is looked up for it: enough to launch its process ahead (ahead.ts). */
import type { Foreseen } from '../plan/beginning.ts';
import { isObject } from '../spec/checks.ts';
import { standardMounts } from '../spec/defaults.ts';
import { sharedWithHost } from '../spec/id-maps.ts';
import { decideNamespaces, referencesIn } from '../spec/namespaces.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { type ProcessFacts, processFacts } from '../spec/process-facts.ts';
import { sharedMemory } from '../spec/shared-memory.ts';
import { isJoined, makesNamespace } from '../spec/spec.ts';

/**
 * What a container with these options begins with; undefined where something has to be looked up or claimed for it.
 */
export function foresee(options: ContainerOptions, effect: 'prepare' | 'describe' = 'prepare'): Foreseen | undefined {
  const { network, userns, namespaces, timeOffsets, detach } = options;
  if (detach === true) return undefined;
  const isPlain = namespaces === undefined && timeOffsets === undefined;
  if (effect === 'describe' || !isPlain || isObject(network) || isObject(userns)) return foreseeNow(options, effect);
  const key = `${network} ${userns}`;
  if (!seen.has(key)) seen.set(key, foreseeNow(options, effect));
  return seen.get(key);
}

/** Of options that say nothing else of it, most of which are alike; this process stays who it is. */
const seen = new Map<string, Foreseen | undefined>();

function foreseeNow(options: ContainerOptions, effect: 'prepare' | 'describe'): Foreseen | undefined {
  if (isObject(options.userns) || referencesIn(options).length > 0) return undefined;
  const facts = processFacts(effect);
  if (!hasUsualIds(options, facts)) return undefined;
  const { uid, gid } = facts.mappings;
  const linux = { namespaces: decideNamespaces(options, uid.length > 0, nobody), uidMappings: uid, gidMappings: gid };
  if (linux.namespaces.some(isJoined)) return undefined;
  const mounts = makesNamespace({ linux }, 'mount') ? standardMounts(gid, sharedMemory(options, nobody)) : [];
  return { linux, mounts };
}

/** Whether its ids are those of all of this process's containers: root's have a range each unless they may not. */
function hasUsualIds(options: ContainerOptions, { privileged }: ProcessFacts): boolean {
  const { userns = 'auto' } = options;
  return privileged ? userns === 'host' || sharedWithHost(options) !== undefined : userns === 'auto';
}

function nobody(): never {
  throw new Error('bug in caisson: what others have is looked up first');
}
