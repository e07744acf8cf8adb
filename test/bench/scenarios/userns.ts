/** What a range of ids of its own costs a container of root: idmapped mounts against none. */
import { caissonRun } from '../caisson.ts';
import { type Pace, race } from '../harness.ts';
import type { Scenario } from '../result.ts';
import type { Setting } from '../setting.ts';

export async function measureUserNamespaces(setting: Setting, pace: Pace): Promise<Scenario> {
  const rows = await race(
    [
      caissonRun(setting, ['true'], { name: 'caisson, userns auto', userns: 'auto' }),
      caissonRun(setting, ['true'], { name: 'caisson, userns host', userns: 'host' }),
    ],
    pace,
  );
  return { id: 'userns', title: 'run `true` as root, with a range of ids of its own and without', unit: 'ms', rows };
}
