/** `true` in a new container: all namespaces, the full set of mounts, an overlay, and all of it removed again. */
import { caissonRun, caissonRunInMemory } from '../caisson.ts';
import { childProcessEntry, limitEntry, PEER_NOTES, peerEntries } from '../contenders.ts';
import { type Pace, race } from '../harness.ts';
import { limitFromNode } from '../limit-from-node.ts';
import type { Scenario } from '../result.ts';
import type { Setting } from '../setting.ts';

/** The scenario's id, by which targets find it. */
export function runId({ network, upper, rootless }: Omit<Setting, 'workspace'>): string {
  return `run/${rootless ? 'rootless' : 'root'}/${network}/${upper}`;
}

export async function measureRun(setting: Setting, pace: Pace): Promise<Scenario> {
  const network = setting.network === 'none' ? 'own network namespace' : "the host's network";
  const rows = await race(
    [
      caissonRun(setting, ['true']),
      ...(setting.upper === 'tmpfs' ? [caissonRunInMemory(setting, ['true'])] : []),
      limitEntry(setting),
      ...(setting.rootless ? [] : [limitFromNode(setting)]),
      childProcessEntry(setting),
      ...peerEntries(setting, ['true']),
    ],
    pace,
  );
  return {
    id: runId(setting),
    title: `run \`true\`, ${setting.rootless ? 'rootless' : 'root'}, ${network}, upper on ${setting.upper}`,
    unit: 'ms',
    rows,
    notes: PEER_NOTES,
  };
}
