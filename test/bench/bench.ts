/** The compiled program that main.ts starts: workspace → root's part → the rootless part → report. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Interrupted, listenForInterruption } from './interruption.ts';
import { describeMachine } from './machine.ts';
import { type BenchOptions, parseOptions } from './options.ts';
import { hasPrivateMounts, mountCgroup2Only } from './private-mounts.ts';
import { formatMarkdown, formatReport } from './report.ts';
import { measureRootlessPart } from './rootless.ts';
import { measureAll, measureImages, type Programme } from './scenarios/index.ts';
import { createWorkspace, removeWorkspace, type Workspace } from './setting.ts';
import { judge } from './targets.ts';

const options = parseOptions(process.argv.slice(2));
process.exitCode = await (options.rootlessPart === undefined
  ? measureEverything(options)
  : measurePart(options, options.rootlessPart));

async function measureEverything(options: BenchOptions): Promise<number> {
  const root = process.getuid?.() === 0;
  const machine = describeMachine();
  if (root && hasPrivateMounts()) mountCgroup2Only();
  listenForInterruption();
  const workspace = createWorkspace();
  try {
    const scenarios = await measureParts(workspace, root, options);
    const result = { machine, scenarios, targets: judge(scenarios) };
    const json = options.json ?? join(mkdtempSync(join(tmpdir(), 'caisson-bench-result-')), 'bench.json');
    writeFileSync(json, `${JSON.stringify(result, undefined, 1)}\n`);
    console.log(`\n${formatReport(result)}`);
    if (options.markdown) console.log(`\n${formatMarkdown(result)}`);
    console.log(`\nsamples: ${json}`);
    return 0;
  } catch (error) {
    return exitCodeOf(error);
  } finally {
    removeWorkspace(workspace);
  }
}

async function measureParts(workspace: Workspace, root: boolean, { quick, only }: BenchOptions) {
  const programme: Programme = { workspace, rootless: !root, quick, only, privilegesOnly: false, progress };
  const scenarios = await measureAll(programme);
  if (root) scenarios.push(...(await measureRootlessPart(workspace, { quick, only })));
  scenarios.push(...(await measureImages(programme)));
  return scenarios;
}

/** The unprivileged child of root's bench: the workspace is root's to remove. */
async function measurePart({ quick, only, json }: BenchOptions, workspaceFile: string): Promise<number> {
  const workspace = JSON.parse(readFileSync(workspaceFile, 'utf8')) as Workspace;
  listenForInterruption();
  try {
    const scenarios = await measureAll({ workspace, rootless: true, quick, only, privilegesOnly: true, progress });
    writeFileSync(json ?? '/dev/stdout', JSON.stringify(scenarios));
    return 0;
  } catch (error) {
    return exitCodeOf(error);
  }
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof Interrupted)) throw error;
  console.error(error.message);
  return error.exitCode;
}

function progress(title: string): void {
  console.error(`measured: ${title}`);
}
