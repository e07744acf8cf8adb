/** The bench's command line. */
import { parseArgs } from 'node:util';

/** What was asked on the command line. */
export interface BenchOptions {
  readonly quick: boolean;
  readonly markdown: boolean;
  /** What the ids of the scenarios to measure begin with; empty is all of them. */
  readonly only: readonly string[];
  /** Where the JSON goes. */
  readonly json: string | undefined;
  /** The rootless part of root's bench: the workspace that root made for it, as JSON. */
  readonly rootlessPart: string | undefined;
}

export const USAGE = `npm run bench -- [--quick] [--only ID]... [--markdown] [--json FILE]
  --quick      few rounds: does it work, rather than how fast is it
  --only ID    one scenario, or those whose ids begin so: run, run/root, exec, userns, many, stdout, import, alive,
               supervisors, split, commit, pull
  --markdown   also print the README's table
  --json FILE  write the samples there instead of to the directory for temporary files`;

/** @throws TypeError for an option that does not exist */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      markdown: { type: 'boolean', default: false },
      json: { type: 'string' },
      'rootless-part': { type: 'string' },
    },
  });
  const { quick, only, markdown, json } = values;
  return { quick, only, markdown, json, rootlessPart: values['rootless-part'] };
}
