import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectNothingLeft, traces, tracesSince } from '../support/leftovers.ts';
import { runScript } from '../support/script.ts';
import { removeTree, temporaryDirectory } from '../support/temporary.ts';
import { runUnprivileged, startUnprivileged, UNPRIVILEGED_UID } from '../support/unprivileged.ts';

const isRoot = process.getuid?.() === 0;

// What the other tests rely on: help that sees nothing would make them pass.

test('an unprivileged script has the built package, another user and a home of its own', async (context) => {
  const { stdout, stderr } = await runUnprivileged(
    context,
    `import { Container } from 'caisson';
    const home: string | undefined = process.env.HOME;
    console.log(typeof Container, process.getuid?.(), process.getgroups?.().join(), home === process.cwd());`,
  );
  expect(stderr).toBe('');
  expect(stdout).toBe(`function ${UNPRIVILEGED_UID} ${UNPRIVILEGED_UID} true\n`);
});

test('a script is given arguments, environment and input, and its end is told', async (context) => {
  const source = `process.stdin.pipe(process.stdout).on('error', () => {});
    process.stdin.on('end', () => { console.error(process.argv[2], process.env.GREETING); process.kill(process.pid, 'SIGTERM'); });`;
  const result = await runScript(context, source, { args: ['one'], env: { GREETING: 'hello' }, input: 'in' });
  expect(result).toEqual({ stdout: 'in', stderr: 'one hello\n', exitCode: null, signal: 'SIGTERM' });
});

test('traces show a process of a process, whoever owns it, until it is gone', async (context) => {
  const before = traces();
  const source = "import { spawn } from 'node:child_process'; spawn('sleep', ['60']); console.log('started');";
  const { child, finished } = startUnprivileged(context, source);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  const shown = tracesSince(before).join('\n');
  expect(shown).toContain('(sleep)');
  expect(shown).toContain('(node)');
  execFileSync('kill', ['-KILL', /process (\d+) \(sleep\)/.exec(shown)?.[1] ?? '']);
  await finished;
  await expectNothingLeft(before);
});

test('traces show a descriptor that was not closed', async () => {
  const before = traces();
  const descriptor = openSync('/etc/passwd', 'r');
  expect(tracesSince(before)).toEqual([`descriptor ${descriptor}, /etc/passwd`]);
  closeSync(descriptor);
  await expectNothingLeft(before);
});

test('traces show records and unfinished files in a store', (context) => {
  const store = temporaryDirectory(context);
  const before = traces({ stores: [store] });
  mkdirSync(join(store, 'containers/one'), { recursive: true });
  expect(tracesSince(before, { stores: [store] })).toEqual([join(store, 'containers/one')]);
});

test.runIf(isRoot)('traces show a mount, and a directory with one in it is not removed', async (context) => {
  const directory = temporaryDirectory(context);
  const point = join(directory, 'with space');
  mkdirSync(point);
  const before = traces();
  execFileSync('mount', ['-t', 'tmpfs', 'none', point]);
  context.onTestFinished(() => void spawn('umount', ['-q', point]));
  expect(tracesSince(before).join()).toContain('of tmpfs / on ');
  expect(() => removeTree(directory)).toThrow(`still mounted in it: ${point}`);
  execFileSync('umount', [point]);
  await expectNothingLeft(before);
});

test.runIf(isRoot)('traces show an orphan in namespaces of its own', async () => {
  const before = traces();
  // The shell ends at once, so that the sleeping process goes to process 1.
  execFileSync('sh', ['-c', 'unshare --mount sleep 60 >/dev/null 2>&1 &']);
  await expect.poll(() => tracesSince(before).join()).toContain('(sleep)');
  const pid = /process (\d+) \(sleep\)/.exec(tracesSince(before).join())?.[1] ?? '';
  execFileSync('kill', ['-KILL', pid]);
  await expectNothingLeft(before);
});
