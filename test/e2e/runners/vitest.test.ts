/** caisson in the tests of somebody who uses Vitest: in its pools, where it neither hangs nor leaves anything. */
import { expect, test } from 'vitest';
import { makeProject } from './project.ts';
import { VITEST_SUITE } from './suite.ts';

/** The machine may be busy, and Vitest's own limit is five seconds. */
const OPTIONS = ['--maxWorkers', '2', '--testTimeout', '60000'];

test.for([['forks'], ['threads'], ['vmThreads'], ['threads', '--no-isolate']])(
  'Vitest runs containers in its pool of %s, ends by itself and leaves nothing',
  async ([pool = '', ...more], context) => {
    const files = { 'one.test.js': VITEST_SUITE, 'two.test.js': VITEST_SUITE };
    const project = makeProject(context, { 'package.json': '{ "type": "module" }', ...files }, ['vitest']);
    const { code, output } = await project.run('vitest/vitest.mjs', 'run', '--pool', pool, ...OPTIONS, ...more);
    expect(output).toMatch(/Tests +8 passed \(8\)/);
    // Vitest says so, and waits, when something keeps a worker or itself from ending.
    expect(output).not.toMatch(/timed? ?out|prevents|Warning/i);
    // It ends threads from outside: what bears their names is swept, as of a process that was killed.
    await project.useStore();
    expect([code, project.left()]).toEqual([0, []]);
  },
);
