/** Many containers alive at once, of one process: what each costs in Node's memory, and how many helpers there are. */
import { join } from 'node:path';
import { reasonOf } from '../harness.ts';
import { compiledProgram, PACKAGE_ROOT } from '../places.ts';
import { type Command, run } from '../processes.ts';
import type { Row, Scenario } from '../result.ts';
import type { Setting } from '../setting.ts';
import type { AliveReport } from './alive-child.ts';

/** The id of the scenario in which so many are started: fewer would say nothing about the target. */
export function aliveId(count: number): string {
  return `alive/count/${count}`;
}

/** In a fresh process, whose memory nothing else has stirred. */
export async function measureAlive(setting: Setting, count: number): Promise<Scenario[]> {
  const reports = {
    caisson: await report('caisson', setting, count),
    child_process: await report('child_process', setting, count),
  };
  const names = ['caisson', 'child_process'] as const;
  const rows = (pick: (report: AliveReport) => number): Row[] =>
    names.map((name): Row => {
      const each = reports[name];
      if (each instanceof Error) return { kind: 'skipped', name, reason: reasonOf(each) };
      return { kind: 'measured', name, samples: [pick(each)] };
    });
  return [
    {
      id: 'alive/memory',
      title: 'resident memory of Node per running container',
      unit: 'KiB',
      rows: rows((r) => r.residentKiB),
    },
    { id: aliveId(count), title: `alive at once, of ${count} started`, unit: 'processes', rows: rows((r) => r.alive) },
    { id: 'alive/helpers', title: 'helper processes beside them', unit: 'processes', rows: rows((r) => r.helpers) },
    { id: 'alive/start', title: `time to start ${count}`, unit: 'ms', rows: rows((r) => r.startMs) },
    { id: 'alive/stop', title: `time to end and remove ${count}`, unit: 'ms', rows: rows((r) => r.stopMs) },
  ];
}

async function report(
  kind: 'caisson' | 'child_process',
  setting: Setting,
  count: number,
): Promise<AliveReport | Error> {
  const command: Command = [
    process.execPath,
    '--expose-gc',
    compiledProgram('alive-child'),
    kind,
    setting.workspace.rootfs,
    `${count}`,
  ];
  const env = { ...process.env, CAISSON_ROOT: join(setting.workspace.disk, 'store') };
  try {
    return JSON.parse((await run(command, { cwd: PACKAGE_ROOT, env })).stdout) as AliveReport;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
