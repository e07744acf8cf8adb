/**
 * The bench: caisson, the limit and everyone on the PATH who runs containers, measured in turns in one run.
 *
 *   main.ts       compiles the bench, and starts it with mounts of its own
 *   bench.ts      order: workspace → root's part → the rootless part → report
 *   scenarios/    one file per question          peers/   one file per other program
 *   limit/        the C program                  harness.ts, result.ts, report.ts, targets.ts
 *
 * Compiled, because tsx measurably slows the process it runs in: `child_process.spawn`, and so every other program, would
 * take about a millisecond longer in it than in its users' programs.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'tsup';
import { reasonOf } from './harness.ts';
import { parseOptions, USAGE } from './options.ts';
import { SOURCES, SOURCES_VARIABLE } from './places.ts';
import { withPrivateMounts } from './private-mounts.ts';
import type { Command } from './processes.ts';

/** Once it has been started. */
let bench: ChildProcess | undefined;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    parseOptions(args);
  } catch (error) {
    console.error(`${reasonOf(error)}\n${USAGE}`);
    return 2;
  }
  const directory = mkdtempSync(join(tmpdir(), 'caisson-bench-program-'));
  // The rootless part is another user.
  chmodSync(directory, 0o755);
  process.once('exit', () => rmSync(directory, { recursive: true }));
  passSignalsOn();
  await compile(directory);
  return start([process.execPath, join(directory, 'bench.mjs'), ...args]);
}

async function compile(directory: string): Promise<void> {
  await build({
    config: false,
    silent: true,
    entry: {
      bench: join(SOURCES, 'bench.ts'),
      'alive-child': join(SOURCES, 'scenarios/alive-child.ts'),
      'pull-child': join(SOURCES, 'scenarios/pull-child.ts'),
    },
    outDir: directory,
    outExtension: () => ({ js: '.mjs' }),
    format: 'esm',
    target: 'node20.18',
    platform: 'node',
    clean: false,
    dts: false,
  });
}

/** Runs the bench to its end, and gives its exit code. */
async function start(command: Command): Promise<number> {
  const { file, args, env } = withPrivateMounts(command);
  bench = spawn(file, args, { stdio: 'inherit', env: { ...env, [SOURCES_VARIABLE]: SOURCES } });
  const [code, signal] = (await once(bench, 'close')) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + constants.signals[signal ?? 'SIGKILL'];
}

/** The bench cleans up when it gets a signal, so it is waited for. */
function passSignalsOn(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (bench === undefined) process.exit(128 + constants.signals[signal]);
      bench.kill(signal);
    });
  }
}
