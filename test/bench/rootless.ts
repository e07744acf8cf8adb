/** The rootless part of a bench that root started: the same program again, as an unprivileged user. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from './harness.ts';
import { interruption } from './interruption.ts';
import type { BenchOptions } from './options.ts';
import { compiledProgram } from './places.ts';
import { findProgram, track } from './processes.ts';
import type { Scenario } from './result.ts';
import { NOBODY, type Workspace, workspaceFor } from './setting.ts';

/** What is asked of the part. */
type Part = Pick<BenchOptions, 'quick' | 'only'>;

/** What depends on privileges, measured without them. A failure is a scenario that says why. */
export async function measureRootlessPart(workspace: Workspace, part: Part): Promise<Scenario[]> {
  try {
    return await measureAs(NOBODY, workspace, part);
  } catch (error) {
    interruption.throwIfAborted();
    const row = { kind: 'skipped', name: 'everyone', reason: reasonOf(error) } as const;
    return [{ id: 'rootless', title: 'the rootless part', unit: 'ms', rows: [row] }];
  }
}

async function measureAs(user: number, workspace: Workspace, { quick, only }: Part): Promise<Scenario[]> {
  const own = workspaceFor(workspace, user);
  const [question, answer] = [join(own.disk, 'workspace.json'), join(own.disk, 'scenarios.json')];
  writeFileSync(question, JSON.stringify(own), { mode: 0o644 });
  const ids = ['--reuid', `${user}`, '--regid', `${user}`, '--clear-groups', '--pdeathsig', 'TERM'];
  const program = [process.execPath, compiledProgram('bench')];
  const options = [
    '--rootless-part',
    question,
    '--json',
    answer,
    ...(quick ? ['--quick'] : []),
    ...only.flatMap((id) => ['--only', id]),
  ];
  const env = { ...process.env, HOME: own.disk, XDG_RUNTIME_DIR: own.tmpfs, XDG_DATA_HOME: own.disk };
  const child = track(
    spawn(findProgram('setpriv'), [...ids, ...program, ...options], { stdio: ['ignore', 'ignore', 'pipe'], env }),
  );
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    process.stderr.write(text);
    complaint += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(lastLine(complaint) || `ended with ${code}`);
  return JSON.parse(readFileSync(answer, 'utf8')) as Scenario[];
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
