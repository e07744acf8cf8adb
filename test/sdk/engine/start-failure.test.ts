import { expect, test } from 'vitest';
import { countOomKills, type FailedStart, startFailure } from '../../../sdk/engine/start-failure.ts';

const failed: FailedStart = {
  name: 'db',
  status: { exitCode: 1, signal: null },
  wasShortOfMemory: false,
  output: { stdout: 'starting', stderr: 'no\nspace' },
  missing: 'port 5432',
};

test('a command that has ended: how, what was waited for, and the last lines', () => {
  const error = startFailure(failed);
  expect(error).toMatchObject({ code: 'START_FAILED', exitCode: 1, oomKilled: false, missing: 'port 5432' });
  expect(error.message).toBe(
    [
      "container 'db' ended with exit code 1 before it was ready; it waited for port 5432",
      'stderr, the last lines:',
      '  no',
      '  space',
      'stdout, the last lines:',
      '  starting',
    ].join('\n'),
  );
});

test.each([
  ['SIGKILL', true, true, ', for want of memory'],
  ['SIGKILL', false, false, ''],
  ['SIGTERM', true, false, ''],
] as const)('%s while the kernel was short of memory (%s): %s', (signal, wasShortOfMemory, oomKilled, words) => {
  const error = startFailure({ ...failed, status: { exitCode: null, signal }, wasShortOfMemory });
  expect(error).toMatchObject({ code: 'START_FAILED', signal, oomKilled });
  expect(error).not.toHaveProperty('exitCode');
  expect(error.message).toMatch(`container 'db' ended by ${signal} before it was ready${words};`);
});

test.each([
  [137, true],
  [143, false],
] as const)(
  'an init of ours that exits with %i, as its command was ended by a signal, counts as well',
  (exitCode, oomKilled) => {
    const error = startFailure({ ...failed, status: { exitCode, signal: null }, wasShortOfMemory: true });
    expect(error).toMatchObject({ code: 'START_FAILED', exitCode, oomKilled });
  },
);

test('a command that still runs is not ready', () => {
  const output = { stdout: '', stderr: '' };
  const late = startFailure({ ...failed, status: undefined, output, timeoutMs: 500 });
  expect(late).toMatchObject({ code: 'NOT_READY', oomKilled: false });
  expect(late.message).toBe("container 'db' was not ready after 500 ms; it waited for port 5432");
  const cause = new Error('there is no health check');
  const never = startFailure({ ...failed, status: undefined, output, cause });
  expect(never).toMatchObject({ code: 'NOT_READY', cause });
  expect(never.message).toContain("container 'db' cannot become ready: there is no health check");
});

test('how often the kernel ran out of memory is a number', () => {
  expect(countOomKills()).toBeGreaterThanOrEqual(0);
});
