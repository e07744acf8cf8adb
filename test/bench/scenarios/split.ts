/** Where a start's time goes: the limit's phases, and caisson's preparation before the first system call. */
import { loadCaisson, useStore } from '../caisson.ts';
import { type Entry, type Pace, race } from '../harness.ts';
import { type LimitSample, openContainerLimit } from '../limit.ts';
import type { Row, Scenario } from '../result.ts';
import type { Setting } from '../setting.ts';

const PHASES: Readonly<Record<Exclude<keyof LimitSample, 'ms'>, string>> = {
  prepare: 'limit: directories and pipes',
  start: 'limit: clone3 to execve',
  run: 'limit: `true`, end of streams, exit',
  remove: 'limit: directories removed',
};

/** Each name is a contender, so that they take turns; the limit's phases are collected beside its total. */
export async function measureSplit(setting: Setting, pace: Pace): Promise<Scenario> {
  const phases: LimitSample[] = [];
  const rows = await race([planEntry(setting), limitWithPhases(setting, phases)], pace);
  const counted = phases.slice(pace.warmups);
  const names = Object.keys(PHASES) as (keyof typeof PHASES)[];
  const split = names.map((phase): Row => {
    return { kind: 'measured', name: PHASES[phase], samples: counted.map((sample) => sample[phase]) };
  });
  return {
    id: 'split',
    title: `where the time goes, own network namespace, upper on ${setting.upper}`,
    unit: 'ms',
    rows: [...rows, ...(counted.length > 0 ? split : [])],
  };
}

function planEntry({ workspace, network, upper }: Setting): Entry {
  return {
    name: 'caisson: options to plan',
    open: async () => {
      const { Container, Image } = await loadCaisson();
      useStore(workspace, 'disk');
      const image = Image.directory(workspace.rootfs);
      const sample = async () => {
        const begin = performance.now();
        Container.plan(image, { command: ['true'], network, upper });
        return performance.now() - begin;
      };
      return { sample };
    },
  };
}

function limitWithPhases(setting: Setting, collected: LimitSample[]): Entry {
  return {
    name: 'limit',
    open: async () => {
      const limit = openContainerLimit(setting);
      const sample = async () => {
        const phases = await limit.phases();
        collected.push(phases);
        return phases.ms;
      };
      return { ...limit, sample };
    },
  };
}
