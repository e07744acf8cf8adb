import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { requires } from '../../support/requires.ts';
import { runExample, USERS } from './example.ts';
import { startInTerminal } from './terminal.ts';

const CTRL_C = '\x03';
const CTRL_D = '\x04';

describe.each(USERS)('the shell, as user %i', (uid) => {
  test('says that it needs a terminal when it has none', async (context) => {
    const { stdout, stderr, exitCode } = await runExample(context, 'shell', uid);
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 });
    expect(stderr).toMatch(/^this needs a terminal: .*\n$/);
  });

  test('runs what is typed in a terminal of the same size, until Ctrl-D, and restores the modes', async (context) => {
    const shell = await startShell(context, uid);
    shell.type('echo $((6 * 7)) on $(uname -n), PID $$\r');
    await shell.shows('42 on box, PID 1\n');
    shell.type('stty size\r');
    await shell.shows('24 80\n');
    shell.type(CTRL_D);
    const ended = await shell.ended();
    expect(ended).toEqual({ exitCode: 0, before: ended.before, after: ended.before });
    expect(readdirSync(join(shell.store, 'containers'))).toEqual([]);
  });

  test('is told of a new size', async (context) => {
    const shell = await startShell(context, uid);
    shell.resize(40, 100);
    shell.type('until [ "$(stty size)" = "40 100" ]; do sleep 0.1; done; echo now $(stty size)\r');
    await shell.shows('now 40 100\n');
    shell.type(CTRL_D);
    await shell.ended();
  });

  test('gets Ctrl-C for what runs in it, and passes its exit code on', async (context) => {
    const shell = await startShell(context, uid);
    shell.type("sh -c 'echo sleeping $((1 + 1)); exec sleep 60'\r");
    await shell.shows('sleeping 2\n');
    shell.type(CTRL_C);
    await shell.shows('box# ');
    shell.type('echo interrupted: $?\r');
    await shell.shows('interrupted: 130\n');
    shell.type('exit 7\r');
    const ended = await shell.ended();
    expect(ended).toEqual({ exitCode: 7, before: ended.before, after: ended.before });
  });

  test('leaves the terminal in order when it is terminated', async (context) => {
    const shell = await startShell(context, uid);
    process.kill(shell.pid, 'SIGTERM');
    const ended = await shell.ended();
    expect(ended).toEqual({ exitCode: 143, before: ended.before, after: ended.before });
  });
});

/** The example in a terminal, with its prompt. */
async function startShell(context: TestContext, uid: number) {
  requires(context, existsSync('/usr/bin/script'), 'script, of util-linux');
  const shell = await startInTerminal(context, 'shell', uid);
  await shell.shows('box# ');
  return shell;
}
