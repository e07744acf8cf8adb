/** caisson in the tests of somebody who uses Jest: it neither hangs nor leaves anything open. */
import { expect, test } from 'vitest';
import { makeProject } from './project.ts';
import { JEST_SUITE, SMALL_JEST_SUITE } from './suite.ts';

const JEST = 'jest/bin/jest.js';
/** The machine may be busy, and Jest's own limit is five seconds. */
const PATIENT = ['--testTimeout', '60000'];

test('Jest runs containers in one process, sees no open handle, and ends by itself', async (context) => {
  // More files than listeners an emitter may have without a warning.
  const small = Array.from({ length: 11 }, (_, index) => [`small-${index}.test.js`, SMALL_JEST_SUITE] as const);
  const files = { 'package.json': '{}', 'suite.test.js': JEST_SUITE, ...Object.fromEntries(small) };
  const project = makeProject(context, files);
  const { code, output } = await project.run(JEST, '--detectOpenHandles', '--runInBand', ...PATIENT);
  expect(output).toMatch(/Tests: +16 passed, 16 total/);
  expect(output).not.toMatch(/open handle|did not exit|Warning/i);
  expect([code, project.left()]).toEqual([0, []]);
});

test('Jest runs containers in several workers, all of which end by themselves', async (context) => {
  const project = makeProject(context, { 'package.json': '{}', 'one.test.js': JEST_SUITE, 'two.test.js': JEST_SUITE });
  const { code, output } = await project.run(JEST, '--maxWorkers', '2', ...PATIENT);
  expect(output).toMatch(/Tests: +10 passed, 10 total/);
  expect(output).not.toMatch(/failed to exit|did not exit|Warning/i);
  await project.useStore();
  expect([code, project.left()]).toEqual([0, []]);
});
