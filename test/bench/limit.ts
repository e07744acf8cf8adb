/** The limit: the C program next to this file, compiled when there is a compiler, asked for one sample at a time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Contender } from './harness.ts';
import { SOURCES } from './places.ts';
import { type Command, findProgram, runNow, track } from './processes.ts';
import type { Setting } from './setting.ts';

/** One sample, in milliseconds: all of it, and its four phases. */
export interface LimitSample {
  readonly ms: number;
  readonly prepare: number;
  readonly start: number;
  readonly run: number;
  readonly remove: number;
}

/** The running C program. */
export interface Limit extends Contender {
  phases(): Promise<LimitSample>;
}

/** Compiles the program into a directory and gives its path. @throws when the machine has no compiler */
export function compileLimit(directory: string): string {
  const sources = join(SOURCES, 'limit');
  const files = readdirSync(sources).filter((name) => name.endsWith('.c'));
  const program = join(directory, 'limit');
  runNow([findProgram('cc'), '-O2', '-o', program, ...files.map((name) => join(sources, name))]);
  return program;
}

/** Starts the program for containers of this setting. */
export function openContainerLimit(setting: Setting): Limit {
  const { workspace, upper } = setting;
  return openLimit(setting, ['--upper', workspace[upper], '--lower', workspace.rootfs]);
}

/** Starts the program for entering the container that a process is in. */
export function openExecLimit(setting: Setting, pid: number): Limit {
  return openLimit(setting, ['--exec', String(pid)]);
}

/** Starts the program for reading what a command of this machine writes, through a pipe. */
export function openReadLimit({ workspace: { limit } }: Setting, command: Command): Limit {
  if ('problem' in limit) throw new Error(limit.problem);
  return talkTo([limit.program, '--interactive', '--read', ...command]);
}

function openLimit(setting: Setting, args: readonly string[]): Limit {
  const { limit } = setting.workspace;
  if ('problem' in limit) throw new Error(limit.problem);
  const flags = [...(setting.network === 'none' ? ['--netns'] : []), ...(setting.rootless ? ['--rootless'] : [])];
  return talkTo([limit.program, '--interactive', ...flags, ...args]);
}

function talkTo([program, ...args]: Command): Limit {
  const child = track(spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] }));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  // Its own end is noticed below, by a line that does not come.
  child.stdin.on('error', () => undefined);

  const phases = async (): Promise<LimitSample> => {
    child.stdin.write('\n');
    const { value, done } = await lines.next();
    if (done) throw new Error(complaint || 'the limit ended');
    return JSON.parse(value) as LimitSample;
  };
  return {
    phases,
    sample: async () => (await phases()).ms,
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.stdin.end();
      await once(child, 'close');
    },
  };
}
