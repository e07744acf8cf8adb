/** What the project promises, held against one run's figures. */
import { medianOf, type Scenario, type Target } from './result.ts';
import { aliveId } from './scenarios/alive.ts';
import { ADDED } from './scenarios/import.ts';
import { runId } from './scenarios/run.ts';

export function judge(scenarios: readonly Scenario[]): Target[] {
  const rootless = !scenarios.some((scenario) => scenario.id.startsWith('run/root/'));
  const ratio = (id: string, above: string, below: string) => {
    const [a, b] = [medianOf(scenarios, id, above), medianOf(scenarios, id, below)];
    return a === undefined || b === undefined ? undefined : a / b;
  };
  const targets: Target[] = [];
  for (const kind of new Set([rootless, true])) {
    const who = kind ? 'rootless' : 'root';
    for (const network of ['none', 'host'] as const) {
      for (const upper of ['disk', 'tmpfs'] as const) {
        const id = runId({ network, upper, rootless: kind });
        const where = `${who}, network ${network}, upper on ${upper}`;
        targets.push(atMost('run / limit', where, ratio(id, 'caisson', 'limit'), 1.3, '×'));
        targets.push(atMost('run / bwrap', where, ratio(id, 'caisson', 'bwrap'), 1, '×'));
      }
    }
    targets.push(atMost('exec / nsenter', who, ratio(`exec/${who}`, 'caisson', 'nsenter'), 1, '×'));
  }
  for (const upper of ['disk', 'tmpfs'] as const) {
    targets.push(
      atMost('50 containers / bwrap', `upper on ${upper}`, ratio(`many/${upper}`, 'caisson', 'bwrap'), 1, '×'),
    );
  }
  const median = (id: string, name: string) => medianOf(scenarios, id, name);
  return [
    ...targets,
    atLeast('stdout / child_process', '', ratio('stdout', 'caisson', 'child_process'), 0.9, '×'),
    atMost('pull / tar -xzf', '', ratio('pull', 'caisson', 'tar -xzf'), 1, '×'),
    atMost('pull / podman', '', ratio('pull', 'caisson', 'podman'), 0.5, '×'),
    atMost('peak memory of a pull', '', median('pull/memory', 'caisson'), 128 * 1024, 'KiB'),
    atMost('snapshot of 100 MB', '', median('snapshot', 'caisson'), 10, 'ms'),
    atMost('import', 'ESM', median('import', ADDED.esm), 15, 'ms'),
    atMost('import', 'CommonJS', median('import', ADDED.cjs), 15, 'ms'),
    atMost('resident memory of Node per container', '', median('alive/memory', 'caisson'), 64, 'KiB'),
    atLeast('containers alive at once', '', median(aliveId(1000), 'caisson'), 1000, ''),
    // The guard of the thread (sdk/plan/guard.ts), however many containers it has.
    atMost('helper processes', '', median('alive/helpers', 'caisson'), 1, ''),
  ];
}

function atMost(claim: string, where: string, value: number | undefined, limit: number, unit: string): Target {
  const reached = value === undefined ? undefined : value <= limit;
  return { claim: `${claim} ≤ ${limit}`, where, value, limit, unit, reached };
}

function atLeast(claim: string, where: string, value: number | undefined, limit: number, unit: string): Target {
  const reached = value === undefined ? undefined : value >= limit;
  return { claim: `${claim} ≥ ${limit}`, where, value, limit, unit, reached };
}
