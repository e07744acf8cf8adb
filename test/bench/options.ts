/** The bench's command line. */
import { parseArgs } from 'node:util';

/** What was asked on the command line. */
export interface BenchOptions {
  readonly quick: boolean;
  readonly markdown: boolean;
  /** Where the JSON goes. */
  readonly json: string | undefined;
  /** The rootless part of root's bench: the workspace that root made for it, as JSON. */
  readonly rootlessPart: string | undefined;
}

export const USAGE = `npm run bench -- [--quick] [--markdown] [--json FILE]
  --quick      few rounds: does it work, rather than how fast is it
  --markdown   also print the README's table
  --json FILE  write the samples there instead of to the directory for temporary files`;

/** @throws TypeError for an option that does not exist */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      json: { type: 'string' },
      'rootless-part': { type: 'string' },
    },
  });
  const { quick, markdown, json } = values;
  return { quick, markdown, json, rootlessPart: values['rootless-part'] };
}
