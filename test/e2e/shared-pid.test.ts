/** Containers whose PID namespace is not their own: no kernel ends their processes, so a keeper of ours does. */
import { readFileSync } from 'node:fs';
import { Container, type ContainerOptions } from 'caisson';
import { describe, expect, type TestContext, test } from 'vitest';
import { carriers } from '../support/carriers.ts';
import { startScript } from '../support/script.ts';
import { startSubordinate } from '../support/subordinate-ids.ts';
import { startUnprivileged } from '../support/unprivileged.ts';
import { busybox, busyboxTree, hasUsers, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

let rounds = 0;

/** A number that is in the command line of every process of a test. */
function newToken(): string {
  return `600.${process.pid}${rounds++}`;
}

/** A process, its child, and two daemons: sessions of their own whose parents are gone. They stay. */
const family = (token: string) =>
  `setsid sh -c "setsid sleep ${token} & setsid sleep ${token} &" & sleep ${token} & sleep ${token}`;

/** Starts a family in a container and executes another one in it. */
async function startFamilies(context: TestContext, options: ContainerOptions, token: string): Promise<Container> {
  const container = await Container.start(busybox(context), { command: sh(family(token)), ...options });
  await container.spawn(sh(family(token)));
  await expect.poll(() => carriers(token).length).toBe(8);
  return container;
}

describe.each(['host', 'container'] as const)('the %s’s', (whose) => {
  /** Runs an action with options for such a container. */
  async function within(context: TestContext, action: (options: ContainerOptions) => Promise<void>): Promise<void> {
    if (whose === 'host') return action({ namespaces: { pid: 'host' } });
    await using other = await Container.start(busybox(context), { command: ['sleep', '1200'] });
    await action({ namespaces: { pid: { container: other } } });
    // What was executed ends after the first process, and is nobody's to wait for.
    await expect.poll(async () => (await other.exec(['ps', '-o', 'comm'])).stdout).toBe('COMMAND\nsleep\nps\n');
  }

  test.for(['remove', 'kill', 'stop'] as const)(
    '%s leaves no process, daemons and executed ones included',
    async (how, context) => {
      await within(context, async (options) => {
        const token = newToken();
        const container = await startFamilies(context, options, token);
        if (how === 'stop') expect(await container.stop()).toEqual({ exitCode: null, signal: 'SIGTERM' });
        else await container[how]();
        if (how === 'kill') expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' });
        await expect.poll(() => carriers(token)).toEqual([]);
        await container.remove();
      });
    },
  );

  test('the end of the command is the end of all, and its status is the container’s', async (context) => {
    await within(context, async (options) => {
      const token = newToken();
      const image = busybox(context);
      const script = (ending: string) => sh(`(${family(token)}) & ${ending}`);
      expect(await Container.run(image, script('exit 7'), options)).toMatchObject({ exitCode: 7, signal: null });
      expect(await Container.run(image, script('kill -SEGV $$'), options)).toMatchObject({
        exitCode: null,
        signal: 'SIGSEGV',
      });
      const withInit = await Container.run(image, script('kill -TERM $$'), { ...options, init: true });
      expect(withInit).toMatchObject({ exitCode: 143, signal: null });
      expect(carriers(token)).toEqual([]);
    });
  });

  test('what an executed command leaves ends with it', async (context) => {
    await within(context, async (options) => {
      const token = newToken();
      await using container = await Container.start(busybox(context), { command: ['sleep', '1200'], ...options });
      expect(await container.exec(sh(`(${family(token)}) & exit 9`))).toMatchObject({ exitCode: 9 });
      expect(carriers(token)).toEqual([]);
      const started = await container.spawn(sh(family(token)));
      await expect.poll(() => carriers(token).length).toBe(4);
      started.kill('SIGKILL');
      expect(await started.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' });
      expect(carriers(token)).toEqual([]);
      const timed = await container.exec(sh(family(token)), { timeoutMs: 300 });
      expect(timed).toMatchObject({ timedOut: true, signal: 'SIGKILL' });
      expect(carriers(token)).toEqual([]);
    });
  });

  test('signals reach the command, and streams are its own', async (context) => {
    await within(context, async (options) => {
      const script = "trap 'echo heard; exit 3' HUP; echo ready; while :; do sleep 0.01; done";
      await using container = await Container.start(busybox(context), { command: sh(script), ...options });
      const lines = container.stdout.lines();
      expect((await lines.next()).value).toBe('ready');
      await container.kill('SIGHUP');
      expect((await lines.next()).value).toBe('heard');
      expect(await container.wait()).toEqual({ exitCode: 3, signal: null });
    });
  });

  test('a command that is not found is that, and nothing is left', async (context) => {
    await within(context, async (options) => {
      const run = Container.run(busybox(context), ['no-such-command'], options);
      await expect(run).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
      const started = Container.start(busybox(context), { command: ['no-such-command'], ...options });
      await expect(started).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
    });
  });

  test('its terminal is its own', async (context) => {
    await within(context, async (options) => {
      await using container = await Container.start(busybox(context), { command: ['sleep', '1200'], ...options });
      const shell = await container.spawn(['sh'], { tty: true });
      shell.stdin.write('tty; exit 4\n');
      expect(Buffer.concat(await shell.stdout.toArray()).toString()).toMatch(/\r\n\/dev\/pts\/\d+\r\n/);
      expect(await shell.wait()).toEqual({ exitCode: 4, signal: null });
    });
  });

  test('a snapshot stops and continues it', async (context) => {
    await within(context, async (options) => {
      const command = sh('i=0; while :; do i=$((i + 1)); echo $i > /etc/new; mv /etc/new /etc/count; done');
      await using container = await Container.start(busybox(context), { command, ...options });
      await expect.poll(async () => (await container.exec(['cat', '/etc/count'])).exitCode).toBe(0);
      const image = await container.snapshot();
      const taken = Number((await Container.run(image, ['cat', '/etc/count'])).stdout);
      await expect
        .poll(async () => Number((await container.exec(['cat', '/etc/count'])).stdout))
        .toBeGreaterThan(taken);
    });
  });

  test('the keeper is hidden: it is not of the command, and keeps one capability', async (context) => {
    await within(context, async (options) => {
      await using container = await Container.start(busybox(context), { command: ['sleep', '1200'], ...options });
      const status = readFileSync(`/proc/${container.pid}/status`, 'utf8');
      expect(/^CapEff:\s+(\w+)$/m.exec(status)?.[1]).toBe('0000000000000020');
      expect(readFileSync(`/proc/${container.pid}/comm`, 'utf8')).toBe('caisson-init\n');
      expect(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])).toBeLessThan(256);
      const script =
        'for file in mem maps environ fd/0 root/etc exe cwd; do cat /proc/$PPID/$file >/dev/null 2>&1 && echo $file; done; echo done';
      const look = await Container.run(busybox(context), sh(script), {
        ...options,
        ...(hasUsers ? { user: 'app' } : {}),
      });
      expect(look.stdout).toBe('done\n');
    });
  });
});

/** A script that starts families in every kind of such a container, and waits to be killed. */
const FAMILIES = `
  import { Container, Image } from 'caisson';
  const [, , tree, token, script] = process.argv;
  const image = Image.directory(tree);
  const other = await Container.start(image, { command: ['sleep', '1200'] });
  for (const pid of ['host', { container: other }]) {
    const container = await Container.start(image, { command: ['sh', '-c', script], namespaces: { pid } });
    await container.spawn(['sh', '-c', script]);
  }
  console.log('started');
  await new Promise((resolve) => setTimeout(resolve, 600_000));`;

test.for([
  ['root, or who runs the tests', startScript],
  ['a user with one id', startUnprivileged],
  ...(isRoot ? [['a user with subordinate ids', startSubordinate] as const] : []),
] as const)('when its owner is killed nothing of it is left: as %s', async ([, start], context) => {
  const token = newToken();
  const script = start(context, FAMILIES, { args: [busyboxTree(context), token, family(token)] });
  await expect.poll(() => carriers(token).length, { timeout: 20_000 }).toBe(16);
  script.child.kill('SIGKILL');
  await script.finished;
  await expect.poll(() => carriers(token)).toEqual([]);
});
