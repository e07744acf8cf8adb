/** Fifty containers, ten at a time: what a test suite does. */
import { caissonRun } from '../caisson.ts';
import { childProcessEntry, limitEntry, peerEntries } from '../contenders.ts';
import { type Entry, inParallel, type Pace, race } from '../harness.ts';
import type { Scenario } from '../result.ts';
import type { Setting } from '../setting.ts';

const TOTAL = 50;
const WIDTH = 10;

export async function measureMany(setting: Setting, pace: Pace): Promise<Scenario> {
  const one = [caissonRun(setting, ['true']), childProcessEntry(setting), ...peerEntries(setting, ['true'])];
  const rows = await race([...one.map(asMany), manyLimits(setting)], pace);
  return {
    id: `many/${setting.upper}`,
    title: `${TOTAL} containers, ${WIDTH} at a time, own network namespace, upper on ${setting.upper}`,
    unit: 'ms',
    rows,
  };
}

function asMany(entry: Entry): Entry {
  return {
    name: entry.name,
    open: async () => {
      const { sample, close } = await entry.open();
      return { sample: () => timed(() => inParallel(TOTAL, WIDTH, sample)), ...(close && { close }) };
    },
  };
}

/** The limit does one thing after the other, so there are ten of it. */
function manyLimits(setting: Setting): Entry {
  return {
    name: 'limit',
    open: async () => {
      const limits = await Promise.all(Array.from({ length: WIDTH }, () => limitEntry(setting).open()));
      return {
        sample: () => timed(() => inParallel(TOTAL, WIDTH, async (slot) => limits[slot]?.sample())),
        close: async () => {
          await Promise.all(limits.map((limit) => limit.close?.()));
        },
      };
    },
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}
