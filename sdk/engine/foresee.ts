/** What is known of a container before anything is looked up for it: enough to launch its process ahead (ahead.ts). */
import { canBeLaunchedAhead } from '../plan/beginning.ts';
import type { LaunchedNamespaces } from '../plan/launch.ts';
import { sharedWithHost } from '../spec/id-maps.ts';
import { decideNamespaces, referencesIn } from '../spec/namespaces.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { type ProcessFacts, processFacts } from '../spec/process-facts.ts';

/**
 * The namespaces and ids of a container with these options; undefined where something has to be looked up or claimed for
 * them, and where launching it ahead is of no use.
 */
export function foresee(
  options: ContainerOptions,
  effect: 'prepare' | 'describe' = 'prepare',
): LaunchedNamespaces | undefined {
  if (options.detach === true || typeof options.userns === 'object' || referencesIn(options).length > 0) {
    return undefined;
  }
  const facts = processFacts(effect);
  if (!hasUsualIds(options, facts)) return undefined;
  const { uid, gid } = facts.mappings;
  const linux = { namespaces: decideNamespaces(options, uid.length > 0, nobody), uidMappings: uid, gidMappings: gid };
  return canBeLaunchedAhead(linux) ? linux : undefined;
}

/** Whether its ids are those of all of this process's containers: root's have a range each unless they may not. */
function hasUsualIds(options: ContainerOptions, { privileged }: ProcessFacts): boolean {
  const { userns = 'auto' } = options;
  return privileged ? userns === 'host' || sharedWithHost(options) !== undefined : userns === 'auto';
}

function nobody(): never {
  throw new Error('bug in caisson: what others have is looked up first');
}
