/** Everything that changes the store, with each of its operations on files failing once and being once the last. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { openStore, sweepContainers } from '../support/doors.ts';
import type { Operation } from './hook.ts';
import { lostInPowerCut } from './power-cut.ts';
import { compileProgram, makeInputs, runProgram } from './run.ts';
import { SCENARIOS } from './scenarios.ts';

/** A thousand stores are made and removed, which in memory is a tenth of the time. */
const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'caisson-faults-'));
let program: string;
let inputs: string;

beforeAll(async () => {
  program = await compileProgram(directory);
  inputs = makeInputs(directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What unpacks layers, whose files are lost. */
const UNPACKING = new Set([
  'load',
  'load of an image that shares a layer',
  'pull',
  'import',
  'unpack of a layer that is missing',
]);

interface Outcome {
  readonly operations: number;
  readonly problems: readonly string[];
}

/** Each operation of a scenario is a store that is made, used and looked through. */
const timeout = 90_000 * Number(process.env.CAISSON_TEST_SLOW ?? 1);

describe.concurrent.each(Object.keys(SCENARIOS))('%s', { timeout }, (name) => {
  const rootOf = (mode: string) => join(directory, `${name.replaceAll(' ', '-')}-${mode}`);

  async function run<T>(context: TestContext, mode: string): Promise<T> {
    const { stdout, stderr } = await runProgram(context, program, mode, name, inputs, rootOf(mode));
    context.expect(stderr).toBe('');
    return JSON.parse(stdout) as T;
  }

  test('leaves a store that works, whichever operation fails', async (context) => {
    const { operations, problems } = await run<Outcome>(context, 'fail');
    context.expect(problems).toEqual([]);
    context.expect(operations).toBeGreaterThan(20);
  });

  test('leaves a store that works, whichever operation it dies at', async (context) => {
    const { operations, problems } = await run<Outcome>(context, 'die');
    context.expect(problems).toEqual([]);
    context.expect(operations).toBeGreaterThan(6);
  });

  test.runIf(UNPACKING.has(name))('loses no more in a power cut than is unpacked again', async (context) => {
    const { operations, problems } = await run<Outcome>(context, 'cut');
    context.expect(problems).toEqual([]);
    context.expect(operations).toBeGreaterThan(3);
  });

  test('has everything on the disk before it can be seen', async (context) => {
    const operations = await run<Operation[]>(context, 'trace');
    context.expect(lostInPowerCut(operations, rootOf('trace'))).toEqual([]);
  });

  test('is swept by the next process when it is killed', async (context) => {
    const root = rootOf('kill');
    const { stderr, signal } = await runProgram(context, program, 'kill', name, inputs, root, '4');
    context.expect([stderr, signal]).toEqual(['', 'SIGKILL']);
    const { owners } = await sweepContainers(openStore(root));
    context.expect(owners).toBe(1);
  });
});

test('what a power cut could take away is found', () => {
  const of = (text: string): Operation[] =>
    text.split(', ').map((each) => {
      const [name = '', ...paths] = each.split(' ');
      return { name, isChange: true, paths: paths.map((path) => (path === '.' ? '/s' : `/s/${path}`)) };
    });
  const blob = 'writeSync tmp/1, fsyncSync tmp/1, renameSync tmp/1 blobs/1';
  const layer = 'writeSync tmp/1/file, renameSync tmp/1 layers/1';
  const note = 'writeSync tmp/3, fsyncSync tmp/3, renameSync tmp/3 unsynced/1';
  const index = 'writeSync tmp/2, fsyncSync tmp/2, renameSync tmp/2 index.json';
  const cases: readonly (readonly [string, ...string[]])[] = [
    [`${blob}, fsyncSync blobs, ${index}, fsyncSync ., renameSync blobs/0 tmp/0`],
    ['writeSync tmp/1, syncfs tmp, renameSync tmp/1 layers/1'],
    [layer, 'layers/1 has its name before its content'],
    [`${note}, fsyncSync unsynced, ${layer}`],
    [`${note}, ${layer}`, 'layers/1 has its name before the note that it may not be on the disk'],
    [`${blob}, ${index}, fsyncSync .`, 'index.json may speak of what is not in blobs'],
    [`${index}, renameSync blobs/1 tmp/3, fsyncSync .`, 'blobs/1 is taken away while index.json may still speak of it'],
    [index, 'the change of index.json may be lost after it was reported'],
  ];
  for (const [operations, ...lost] of cases) expect(lostInPowerCut(of(operations), '/s')).toEqual(lost);
});
