import { chownSync } from 'node:fs';
import { expect, test } from 'vitest';
import { expectNothingLeft, traces } from '../../support/leftovers.ts';
import { startScript } from '../../support/script.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { exampleFile, runExample, USERS } from './example.ts';

test.for(USERS)('as user %i, the server of one script is found, asked and ended by another', async (uid, context) => {
  const home = temporaryDirectory(context, 0o755);
  chownSync(home, uid, uid);
  const env = { CAISSON_ROOT: `${home}/store` };
  const server = startScript(context, exampleFile('detached-server'), { uid, env });
  // After the spawn, because esbuild starts a process of its own there, which stays.
  const before = traces();
  expect(await server.finished).toMatchObject({ stderr: '', exitCode: 0 });
  const { stdout, stderr } = await startScript(context, exampleFile('find-server'), { uid, env }).finished;
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^it says: answer 1 of process 2$/m);
  expect(stdout).toMatch(/^ {2}\d{4}-\d\d-\d\dT\S+Z {2}listening$/m);
  expect(stdout).toMatch(/^ {2}\S+Z {2}GET \/hello$/m);
  expect(stdout).toMatch(/^it has ended: 143$/m);
  await expectNothingLeft(before, { stores: [env.CAISSON_ROOT] });
});

test('where there is no server to be found, the example says what to do first', async (context) => {
  const { stderr, exitCode } = await runExample(context, 'find-server', process.getuid?.() ?? 0);
  expect({ stderr, exitCode }).toEqual({
    stderr: "there is no container 'web': run examples/detached-server.ts first\n",
    exitCode: 1,
  });
});
