/** The whole programme, for root or for an unprivileged user. */
import type { Pace } from '../harness.ts';
import { interruption } from '../interruption.ts';
import type { Scenario } from '../result.ts';
import type { Setting, Workspace } from '../setting.ts';
import { measureAlive } from './alive.ts';
import { measureCommit } from './commit.ts';
import { measureExec } from './exec.ts';
import { measureImport } from './import.ts';
import { measureMany } from './many.ts';
import { measurePull } from './pull.ts';
import { measureRun, runId } from './run.ts';
import { measureSplit } from './split.ts';
import { measureStdout } from './stdout.ts';
import { measureSupervisors } from './supervisors.ts';
import { measureUserNamespaces } from './userns.ts';

/** What is asked of the bench. */
export interface Programme {
  readonly workspace: Workspace;
  readonly rootless: boolean;
  /** Few rounds: does it work, rather than how fast is it. */
  readonly quick: boolean;
  /** What the ids of the scenarios to measure begin with; empty is all of them. */
  readonly only: readonly string[];
  /** Leaves out what does not depend on privileges: the other part has it. */
  readonly privilegesOnly: boolean;
  readonly progress: (title: string) => void;
}

export async function measureAll(programme: Programme): Promise<Scenario[]> {
  const { workspace, rootless, quick, privilegesOnly } = programme;
  const pace = paceOf(quick);
  const base: Setting = { network: 'none', upper: 'disk', rootless, workspace };
  const { scenarios, add } = collector(programme);

  for (const network of ['none', 'host'] as const) {
    for (const upper of ['disk', 'tmpfs'] as const) {
      const setting = { ...base, network, upper };
      await add(runId(setting), () => measureRun(setting, pace(70, 2500)));
    }
  }
  await add(`exec/${rootless ? 'rootless' : 'root'}`, () => measureExec(base, pace(70, 2500)));
  if (!rootless) await add('userns', () => measureUserNamespaces(base, pace(70, 2500)));
  if (privilegesOnly) return scenarios;
  for (const upper of ['disk', 'tmpfs'] as const) {
    await add(`many/${upper}`, () => measureMany({ ...base, upper }, pace(8, 3500)));
  }
  await add('stdout', () => measureStdout(base, pace(8, 4500)));
  await add('import', () => measureImport(pace(30, 4000)));
  await add('alive', () => measureAlive(base, quick ? 200 : 1000));
  await add('supervisors', () => measureSupervisors(base, pace(6, 4000)));
  await add('split', () => measureSplit(base, pace(70, 2500)));
  return scenarios;
}

/** Images: after everything else, because they leave the disk busy. */
export async function measureImages(programme: Programme): Promise<Scenario[]> {
  const { workspace, rootless, quick } = programme;
  const base: Setting = { network: 'none', upper: 'disk', rootless, workspace };
  const { scenarios, add } = collector(programme);
  await add('commit', () => measureCommit(base, paceOf(quick)(9, 20_000)));
  await add('pull', () => measurePull(base, paceOf(quick)(9, 60_000)));
  return scenarios;
}

function paceOf(quick: boolean) {
  return (rounds: number, budgetMs: number): Pace =>
    quick ? { rounds: Math.ceil(rounds / 20), warmups: 1, budgetMs: 1000 } : { rounds, warmups: 3, budgetMs };
}

function collector({ only, progress }: Programme) {
  const scenarios: Scenario[] = [];
  const add = async (id: string, measure: () => Promise<Scenario | Scenario[]>) => {
    if (only.length > 0 && !only.some((start) => id.startsWith(start))) return;
    const done = [await measure()].flat();
    interruption.throwIfAborted();
    for (const each of done) progress(each.title);
    scenarios.push(...done);
  };
  return { scenarios, add };
}
