/** The keeper at work on this machine: it leaves none of its descendants, whatever they are and however it ends. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, type TestContext, test } from 'vitest';
import { enterCommand } from '../../../sdk/plan/command.ts';
import { closeEverythingElse } from '../../../sdk/plan/descriptors.ts';
import { keep } from '../../../sdk/plan/keeper.ts';
import { numberProc, openProc, PROC_DESCRIPTOR } from '../../../sdk/plan/keeper-proc.ts';
import { closeReportOnExec } from '../../../sdk/plan/prelude.ts';
import { ALL_SIGNALS, resetSignals, SIGSET_SIZE } from '../../../sdk/plan/signals.ts';
import type { Spec } from '../../../sdk/spec/spec.ts';
import { type Architecture, rt_sigprocmask, SIG_SETMASK, variable } from '../../../syscalls/index.ts';
import { runSteps } from '../../syscalls/stub/programs.ts';

/** Two daemons: sessions of their own whose parents are gone. */
const DAEMONS = 'setsid sh -c "setsid sleep 600.KEPT & setsid sleep 600.KEPT &" ; sleep 600.KEPT &';

test('it ends with the exit code of the command', async (context) => {
  expect(await run(context, 'echo out; exit 3')).toMatchObject({ exitCode: 3, signal: null, stdout: 'out\n' });
});

test('it ends by the signal that ended the command, or with its code as an init does', async (context) => {
  for (const [name, code] of [
    ['SIGTERM', 143],
    ['SIGPIPE', 141],
    ['SIGSEGV', 139],
    ['SIGKILL', 137],
  ] as const) {
    const script = `kill -${name.slice(3)} $$`;
    expect(await run(context, script)).toMatchObject({ exitCode: null, signal: name });
    expect(await run(context, script, { exitsWithCode: true })).toMatchObject({ exitCode: code, signal: null });
  }
});

test('what the command leaves is ended with it, daemons too', async (context) => {
  const { kept, token } = keptBy();
  expect(await run(context, `${DAEMONS.replaceAll('KEPT', token)} exit 5`)).toMatchObject({ exitCode: 5 });
  expect(kept()).toEqual([]);
});

test('told to end, it ends all and itself by SIGKILL, whatever signals it is sent besides', async (context) => {
  const { kept, token } = keptBy();
  const flood = 'for i in 1 2 3; do (while :; do kill -USR1 $KEEPER; kill -CHLD $KEEPER; done) & done';
  const script = `KEEPER=$PPID; trap "" USR1 TERM; ${DAEMONS.replaceAll('KEPT', token)} ${flood}; kill -64 $KEEPER; wait`;
  expect(await run(context, script)).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  expect(kept()).toEqual([]);
});

test('a chain of processes that each outlive their parent is ended too', async (context) => {
  const { kept, token } = keptBy();
  const chain = `link() { : ${token}; (link &) ; }; link & link & link &`;
  expect(await run(context, `${chain} kill -64 $PPID; exec sleep 600`)).toMatchObject({
    exitCode: null,
    signal: 'SIGKILL',
  });
  expect(kept()).toEqual([]);
});

test('it forwards signals to the command', async (context) => {
  const script = "trap 'exit 9' HUP; kill -HUP $PPID; while :; do sleep 0.01; done";
  expect(await run(context, script)).toMatchObject({ exitCode: 9 });
});

test('it keeps nothing but the right to signal, and the command has nothing of it', async (context) => {
  const { stdout } = await run(
    context,
    'while grep -q CapEff:.*ff$ /proc/$PPID/status; do :; done; grep CapEff /proc/$PPID/status; ls /proc/self/fd; cat /proc/$PPID/comm',
  );
  const capabilities = process.getuid?.() === 0 ? '0000000000000020' : '0000000000000000';
  expect(stdout).toBe(`CapEff:\t${capabilities}\n0\n1\n2\n3\ncaisson-init\n`);
});

test('a command that is not found is reported by its process, and the keeper ends as that', async (context) => {
  expect(await run(context, '', {}, ['no-such-command'])).toMatchObject({ exitCode: 127, failure: { errno: -2 } });
});

/** All namespaces are the host's. */
const specLinux = { namespaces: [] } as unknown as Spec['linux'];

/** Runs a shell script under a keeper. */
function run(
  context: TestContext,
  script: string,
  { exitsWithCode = false } = {},
  args: readonly string[] = ['sh', '-c', script],
) {
  const proc = variable('/proc');
  const options = { proc: PROC_DESCRIPTOR, exitsWithCode };
  const command = enterCommand({ args, env: ['PATH=/bin:/usr/bin'] });
  return runSteps(context, process.arch as Architecture, [
    rt_sigprocmask.step('blocking signals', [SIG_SETMASK, ALL_SIGNALS, null, SIGSET_SIZE]),
    ...closeReportOnExec(),
    ...openProc({ linux: specLinux }, proc, false),
    ...numberProc(proc, options),
    ...keep([closeEverythingElse(), ...resetSignals(), ...command], options),
  ]);
}

/** A word for command lines, and the processes that have it in theirs. */
function keptBy(): { token: string; kept(): string[] } {
  const token = String(Math.floor(Math.random() * 1e9));
  const commandLine = (pid: string) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
    } catch {
      return '';
    }
  };
  return {
    token,
    kept: () =>
      readdirSync('/proc')
        .filter((pid) => /^\d+$/.test(pid))
        .map(commandLine)
        .filter((line) => line.includes(token)),
  };
}
