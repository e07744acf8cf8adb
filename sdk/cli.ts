#!/usr/bin/env node
/** `npx caisson`: for the shell, what is asked before there is a program. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const USAGE = `Usage: caisson probe [--json]

  probe      tells what this machine can do, and what to do for the rest;
             ends with 0 when containers can run, else with 1
  --json     tells it as JSON
  --version  tells the version of caisson
  --help     tells this
`;

/** Ends a command line that means nothing, as of most programs. */
const MISUSE = 2;

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' }, version: { type: 'boolean' } },
  });
  if (values.help === true) return print(USAGE);
  if (values.version === true) return print(`${readVersion()}\n`);
  if (positionals.join() !== 'probe') throw new TypeError(`unknown command '${positionals.join(' ')}'`);
  const { formatProbe, probe } = await import('./probe/index.ts');
  const found = await probe();
  print(
    values.json === true ? `${JSON.stringify(found, null, 2)}\n` : formatProbe(found, process.stdout.columns ?? 100),
  );
  return found.ok ? 0 : 1;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`caisson: ${error.message}\n\n${USAGE}`);
  process.exitCode = MISUSE;
}
