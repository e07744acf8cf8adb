import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { TestContext } from 'vitest';
import { ROOT } from '../../support/built-package.ts';
import { layoutFiles, writeArchive, writeFiles } from '../support/image.ts';
import { tar } from '../support/tar-writer.ts';

/** Compiles the program of the faults into a directory, once for its many runs; returns its path. */
export async function compileProgram(directory: string): Promise<string> {
  const outfile = join(directory, 'program.mjs');
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  await build({
    entryPoints: [join(ROOT, 'test/store/faults/program.ts')],
    outfile,
    external: ['koffi', 'fzstd', 'tar', 'undici'],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  });
  return outfile;
}

/** Makes what the scenarios work on. */
export function makeInputs(directory: string): string {
  const inputs = join(directory, 'inputs');
  const shared = [
    { name: 'directory/', type: '5', mode: 0o755 },
    { name: 'directory/file', content: 'content' },
    { name: 'link', type: '1', link: 'directory/file' },
  ];
  for (const [name, own] of Object.entries({
    app: [{ name: 'app' }, { name: '.wh.link' }],
    other: [{ name: 'other' }],
  })) {
    mkdirSync(join(inputs, name), { recursive: true });
    const archive = writeArchive(join(inputs, name), layoutFiles({ layers: [shared, own], config: { Cmd: [name] } }));
    symlinkSync(archive, join(inputs, `${name}.tar`));
  }
  writeFiles(inputs, layoutFiles({ layers: [shared, [{ name: 'app' }]] }));
  writeFileSync(join(inputs, 'root.tar'), tar(...shared));
  return inputs;
}

/** Runs the program to its end. @returns what it printed, and the signal that ended it */
export async function runProgram(context: TestContext, program: string, ...args: readonly string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  context.onTestFinished(() => void child.kill('SIGKILL'));
  const result = { stdout: '', stderr: '', signal: null as NodeJS.Signals | null };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      result[name] += text;
    });
  }
  result.signal = await new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (_, signal) => resolve(signal));
  });
  return result;
}
