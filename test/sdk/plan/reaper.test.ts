/** The reaper at work: on this machine, as a subreaper instead of as PID 1. */
import { expect, type TestContext, test } from 'vitest';
import { enterCommand } from '../../../sdk/plan/command.ts';
import { reapFor } from '../../../sdk/plan/reaper.ts';
import { ALL_SIGNALS, resetSignals, SIGSET_SIZE } from '../../../sdk/plan/signals.ts';
import {
  type Architecture,
  PR_SET_CHILD_SUBREAPER,
  prctl,
  rt_sigprocmask,
  SIG_SETMASK,
} from '../../../syscalls/index.ts';
import { runSteps } from '../../syscalls/stub/programs.ts';
import { specOf } from './specs.ts';

test('it ends with the exit code of the command', async (context) => {
  expect(await reap(context, 'echo out; exit 3')).toEqual({
    exitCode: 3,
    signal: null,
    stdout: 'out\n',
    failure: undefined,
  });
});

test('it ends with 128 and the number of the signal that ended the command', async (context) => {
  expect((await reap(context, 'kill -TERM $$')).exitCode).toBe(128 + 15);
  expect((await reap(context, 'kill -KILL $$')).exitCode).toBe(128 + 9);
});

test.for(['HUP', 'INT', 'TERM', 'USR1', 'WINCH', 'PIPE'])('it forwards SIG%s to the command', async (name, context) => {
  const { exitCode } = await reap(context, `trap 'exit 9' ${name}; kill -${name} $PPID; while :; do sleep 0.01; done`);
  expect(exitCode).toBe(9);
});

test('it reaps orphans while the command runs, and does not end with them', async (context) => {
  const orphans = "sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do (exit 7) >/dev/null & echo $!; done'";
  const untilGone = 'while [ -e /proc/$pid ]; do sleep 0.01; done';
  expect((await reap(context, `for pid in $(${orphans}); do ${untilGone}; done; exit 4`)).exitCode).toBe(4);
});

test('a command that is not found is reported by its process, and the reaper ends as that', async (context) => {
  const ended = await reap(context, '', ['no-such-command']);
  expect(ended).toMatchObject({ exitCode: 127, failure: { errno: -2 } });
});

/** Runs a shell script under the reaper. */
function reap(context: TestContext, script: string, args = ['sh', '-c', script]) {
  const command = enterCommand({ ...specOf().process, args, env: ['PATH=/bin:/usr/bin'] });
  return runSteps(context, process.arch as Architecture, [
    rt_sigprocmask.step('blocking signals', [SIG_SETMASK, ALL_SIGNALS, null, SIGSET_SIZE]),
    prctl.step('adopting orphans', [PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0]),
    ...reapFor([...resetSignals(), ...command]),
  ]);
}
