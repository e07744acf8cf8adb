/** Containers with an init of ours: process 1 reaps orphans and forwards signals. */
import { readFileSync } from 'node:fs';
import { Container } from 'caisson';
import { expect, test } from 'vitest';
import { busybox, hasUsers, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

test('process 1 is a tiny program of ours, the command is its child', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '600'], init: true });
  const { stdout } = await container.exec(['ps', '-o', 'pid,ppid,comm']);
  expect(
    stdout
      .split('\n')
      .slice(1, 3)
      .map((line) => line.trim().split(/\s+/)),
  ).toEqual([
    ['1', '0', 'caisson-init'],
    ['2', '1', 'sleep'],
  ]);
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${container.pid}/status`, 'utf8'))?.[1]);
  expect(kilobytes).toBeLessThan(256);
});

test.for([
  ['exits', 'exit 0', 0],
  ['exits with a code', 'exit 42', 42],
  ['exits with the greatest code', 'exit 255', 255],
  ['is ended by SIGKILL', 'kill -KILL $$', 137],
  ['is ended by SIGTERM', 'kill -TERM $$', 143],
  ['is ended by a fault', 'kill -SEGV $$', 139],
] as const)('when the command %s, so does the container', async ([, script, exitCode], context) => {
  expect(await Container.run(busybox(context), sh(script), { init: true })).toMatchObject({ exitCode, signal: null });
});

test('orphans are reaped, whatever they end as', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '600'], init: true });
  // Each subshell ends before its child, which goes to process 1.
  const orphans = 'for i in $(seq 50); do (sleep 0.01 &); (sh -c "kill -KILL \\$\\$" &); done';
  expect(await container.exec(sh(orphans))).toMatchObject({ exitCode: 0 });
  const states = async () => {
    const { stdout } = await container.exec(sh('cat /proc/[0-9]*/stat 2>/dev/null | cut -d" " -f2'));
    return stdout
      .trim()
      .split('\n')
      .filter((name) => !['(caisson-init)', '(cat)', '(cut)', '(sh)'].includes(name));
  };
  await expect.poll(states).toEqual(['(sleep)']);
});

test('without an init of ours, orphans stay: that is what it is for', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '600'] });
  await container.exec(sh('(sleep 0.01 &)'));
  await expect.poll(async () => (await container.exec(['ps', '-o', 'stat'])).stdout).toContain('Z');
});

test('signals are forwarded to the command', async (context) => {
  const script = `for signal in HUP INT QUIT USR1 USR2 TERM WINCH CONT; do trap "echo $signal" $signal; done
    echo ready; while :; do sleep 600 & wait $!; done`;
  await using container = await Container.start(busybox(context), { command: sh(script), init: true });
  const lines = container.stdout.lines();
  expect((await lines.next()).value).toBe('ready');
  for (const signal of ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'TERM', 'WINCH', 'CONT'] as const) {
    await container.kill(`SIG${signal}`);
    expect((await lines.next()).value).toBe(signal);
  }
  await container.kill();
});

test('a command that does not handle SIGTERM is ended by it, unlike a process 1', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '600'], init: true });
  expect(await container.stop({ timeoutMs: 600_000 })).toEqual({ exitCode: 143, signal: null });
});

test('SIGKILL ends process 1 and all with it', async (context) => {
  await using container = await Container.start(busybox(context), { command: sh('sleep 600 & sleep 600'), init: true });
  await container.kill();
  expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' });
});

test('what the command left running ends with it', async (context) => {
  const { stdout, exitCode } = await Container.run(
    busybox(context),
    sh('sleep 600 & (sleep 600 &) ; echo done; exit 3'),
    { init: true },
  );
  expect({ stdout, exitCode }).toEqual({ stdout: 'done\n', exitCode: 3 });
});

test('the command has a clean slate: session, signals, descriptors', async (context) => {
  const script = sh(
    "awk '{ print ($1 == $6) }' /proc/$$/stat; grep -E 'Sig(Blk|Ign)' /proc/self/status; ls /proc/self/fd",
  );
  const { stdout } = await Container.run(busybox(context), script, { init: true });
  expect(stdout.split(/\s+/)).toEqual([
    '1',
    'SigBlk:',
    '0000000000000000',
    'SigIgn:',
    '0000000000000000',
    '0',
    '1',
    '2',
    '3',
    '',
  ]);
});

test('an init and a terminal go together', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sh'], init: true, tty: true });
  container.stdin.write('tty; echo $$; exit 4\n');
  const output = Buffer.concat(await container.stdout.toArray()).toString();
  expect(output).toContain('/dev/pts/0\r\n2\r\n');
  expect(await container.wait()).toEqual({ exitCode: 4, signal: null });
});

test.runIf(hasUsers)('process 1 is the user of the command, so it holds no more than that', async (context) => {
  const { stdout } = await Container.run(busybox(context), sh("grep -E '^(Uid|CapEff)' /proc/1/status"), {
    init: true,
    user: 'app',
  });
  expect(stdout).toBe('Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n');
});

test('a container that changes the mode of its init does so to no other container', async (context) => {
  for (const userns of isRoot ? (['host', 'auto'] as const) : (['auto'] as const)) {
    await using container = await Container.start(busybox(context), { command: ['sleep', '60'], init: true, userns });
    await container.exec(['chmod', '0', '/proc/1/exe']);
    const again = await Container.run(busybox(context), ['true'], { init: true, userns });
    expect([userns, again.exitCode]).toEqual([userns, 0]);
  }
});
