/** Health checks by Docker's rules, made by a process of their own. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, type ContainerHealth, type ContainerOptions, type Image, ready } from 'caisson';
import { describe, expect, type TestContext, test } from 'vitest';
import { runScript, startScript } from '../support/script.ts';
import { runUnprivileged } from '../support/unprivileged.ts';
import { busybox, busyboxTree, isRoot, privateStore, sh } from './fixture.ts';

const store = privateStore();

function start(context: TestContext, healthCheck: ContainerOptions['healthCheck'], options: ContainerOptions = {}) {
  return Container.start(busybox(context), { command: ['sleep', '600'], init: true, healthCheck, ...options });
}

/** The next time that its status becomes another one. */
function nextStatus(container: Container): Promise<ContainerHealth> {
  return new Promise((resolve) => container.once('health', resolve));
}

/** Resolves when so many checks have been made. */
async function checksOf(container: Container, count: number): Promise<ContainerHealth> {
  await expect
    .poll(() => container.health?.log.length ?? 0, { timeout: 10_000, interval: 10 })
    .toBeGreaterThanOrEqual(count);
  return container.health as ContainerHealth;
}

test('a container becomes healthy, unhealthy and healthy again, and tells of each', async (context) => {
  await using container = await start(context, { command: 'test -e /tmp/ok && echo fine', intervalMs: 20, retries: 2 });
  expect(container.health).toMatchObject({ status: 'starting', failingStreak: 0 });
  const unhealthy = await nextStatus(container);
  expect(unhealthy).toMatchObject({ status: 'unhealthy', failingStreak: 2 });
  expect(unhealthy.log.map(({ exitCode }) => exitCode)).toEqual([1, 1]);
  const healthy = nextStatus(container);
  await container.exec(['touch', '/tmp/ok']);
  expect(await healthy).toMatchObject({ status: 'healthy', failingStreak: 0 });
  expect((await healthy).log.at(-1)).toMatchObject({ exitCode: 0, signal: null, timedOut: false, output: 'fine\n' });
  expect(container.inspect().health?.status).toBe('healthy');
});

test('a check is executed as a command of the container: its user, its variables, its directory', async (context) => {
  const command = ['sh', '-c', 'id -u; echo $WORD $HOME; pwd; echo oops >&2'];
  const healthCheck = { command, intervalMs: 10 };
  await using container = await start(context, healthCheck, { env: { WORD: 'hello' }, workdir: '/var' });
  const { log } = await checksOf(container, 1);
  expect(log[0]?.output).toBe('0\nhello /root\n/var\noops\n');
});

test('a check that takes too long has failed, and is ended', async (context) => {
  await using container = await start(context, {
    command: ['sleep', '601'],
    intervalMs: 10,
    timeoutMs: 50,
    retries: 1,
  });
  const { log, status } = await nextStatus(container);
  expect(status).toBe('unhealthy');
  expect(log[0]).toMatchObject({ exitCode: null, signal: 'SIGKILL', timedOut: true, output: '' });
  const took = Number(log[0]?.endedAt) - Number(log[0]?.startedAt);
  expect(took).toBeGreaterThanOrEqual(49);
});

test('what a check has started is ended with it', async (context) => {
  await using container = await start(context, { command: 'sleep 603; true', intervalMs: 10, timeoutMs: 20 });
  await checksOf(container, 5);
  const sleeping = (await container.top()).filter(({ command }) => command.includes('603'));
  // Those of the check that is being made.
  expect(sleeping.length).toBeLessThanOrEqual(2);
});

test('of much output the beginning is kept, and all of it is read', async (context) => {
  const command = 'head -c 1000000 /dev/zero | tr "\\0" x; echo end >&2';
  await using container = await start(context, { command, intervalMs: 10, timeoutMs: 10_000 });
  const { log } = await checksOf(container, 1);
  expect(log[0]).toMatchObject({ exitCode: 0, output: 'x'.repeat(4096) });
});

test('a check that closes its output, or leaves it to another, is waited for and no longer', async (context) => {
  const command = 'echo first; (sleep 602 &); exec >&- 2>&-; usleep 20000; exit 5';
  await using container = await start(context, { command, intervalMs: 10, timeoutMs: 10_000 });
  const { log } = await checksOf(container, 2);
  expect(log[0]).toMatchObject({ exitCode: 5, timedOut: false, output: 'first\n' });
});

test('a check that cannot be executed has failed with 127', async (context) => {
  await using container = await start(context, { command: ['/bin/nope'], intervalMs: 10, retries: 1 });
  expect((await nextStatus(container)).log[0]).toMatchObject({ exitCode: 127, output: '' });
});

test('during the start period failures do not count, and checks are made more often', async (context) => {
  const healthCheck = {
    command: ['false'],
    intervalMs: 600_000,
    startPeriodMs: 600_000,
    startIntervalMs: 5,
    retries: 1,
  };
  await using container = await start(context, healthCheck);
  expect(await checksOf(container, 3)).toMatchObject({ status: 'starting', failingStreak: 0 });
});

test('after the start period the interval is the regular one, and failures count', async (context) => {
  const healthCheck = { command: ['false'], intervalMs: 10, startPeriodMs: 30, startIntervalMs: 600_000, retries: 1 };
  await using container = await start(context, { ...healthCheck, startIntervalMs: 10 });
  expect((await nextStatus(container)).status).toBe('unhealthy');
});

test('hundreds of checks do not fill the disk', async (context) => {
  await using container = await start(context, { command: ['true'], intervalMs: 1 });
  const directory = join(store, 'containers', container.id);
  await expect.poll(() => existsSync(join(directory, 'health.1')), { timeout: 20_000, interval: 20 }).toBe(true);
  const inode = () => readFileSync(join(directory, 'health.1')).readBigUInt64LE(8);
  const before = inode();
  expect(container.health).toMatchObject({ status: 'healthy', failingStreak: 0 });
  // Of the older file there is always one.
  await expect.poll(() => readFileSync(join(directory, 'health.1')).length, { timeout: 20_000 }).toBeLessThan(32 * 81);
  expect(before).toBeGreaterThan(0n);
});

describe('the checks', () => {
  test('end with the container, and begin anew with it', async (context) => {
    await using container = await start(context, { command: 'test ! -e /tmp/bad', intervalMs: 10, retries: 1 });
    expect((await nextStatus(container)).status).toBe('healthy');
    const unhealthy = nextStatus(container);
    await container.exec(['touch', '/tmp/bad']);
    expect((await unhealthy).status).toBe('unhealthy');
    await container.stop();
    await container.fs.unlink('/tmp/bad');
    const healthy = nextStatus(container);
    await container.start();
    expect((await healthy).status).toBe('healthy');
    expect((await healthy).log.every(({ exitCode }) => exitCode === 0)).toBe(true);
  });

  test('end while one is being made', async (context) => {
    await using container = await start(context, { command: 'touch /tmp/checking; exec sleep 603', intervalMs: 1 });
    await expect
      .poll(() =>
        container.fs.stat('/tmp/checking').then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await container.kill();
    expect(container.health?.log).toEqual([]);
  });

  test('end with a container in the PID namespace of this machine', async (context) => {
    const healthCheck = { command: 'touch /tmp/checking; exec sleep 604', intervalMs: 1 };
    await using container = await start(context, healthCheck, { namespaces: { pid: 'host' } });
    await expect
      .poll(() =>
        container.fs.stat('/tmp/checking').then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  });

  test('die with the owner of the container', async (context) => {
    const script = startScript(
      context,
      `import { Container, Image } from 'caisson';
       const healthCheck = { command: 'exec sleep 605', intervalMs: 1 };
       const container = await Container.start(Image.directory(process.argv[2]), { command: ['sleep', '605'], healthCheck });
       while (!(await container.exec(['ps'])).stdout.includes('sleep 605\\n')) ;
       console.log('up');`,
      { args: [busyboxTree(context)] },
    );
    await new Promise((resolve) => script.child.stdout?.once('data', resolve));
    script.child.kill('SIGKILL');
    await script.finished;
    // What is left is found after the test.
  });

  test('keep a process neither from ending nor from removing its container first', async (context) => {
    const script = `
      import { Container, Image } from 'caisson';
      const image = Image.directory(process.argv[2]);
      const options = { command: ['sleep', '600'], init: true, healthCheck: { command: 'true', intervalMs: 1 } };
      for (let round = 0; round < 5; round++) await (await Container.start(image, options)).remove();
      console.log('removed');
      const ended = await Container.start(image, { ...options, command: ['true'] });
      await ended.wait();
      console.log('over');`;
    const { stdout, stderr, exitCode } = await runScript(context, script, { args: [busyboxTree(context)] });
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: 'removed\nover\n', stderr: '', exitCode: 0 });
  });

  test('are none without a command, when they are taken away, and for a command that is run', async (context) => {
    await using none = await start(context, undefined);
    expect(none.health).toBeNull();
    await using away = await start(context, false);
    expect(away.health).toBeNull();
    const healthCheck = { command: 'touch /tmp/checked', intervalMs: 1 };
    const { stdout } = await Container.run(busybox(context), sh('usleep 50000; ls /tmp'), { healthCheck });
    expect(stdout).toBe('');
  });
});

describe('a detached container', () => {
  test('is checked by its supervisor, in each of its runs, and who comes later sees how it is', async (context) => {
    const healthCheck = { command: 'test ! -e /tmp/bad && echo fine', intervalMs: 10, retries: 1 };
    const container = await start(context, healthCheck, { detach: true, ready: ready.healthy() });
    try {
      const found = await Container.get(container.id);
      expect(found?.health).toMatchObject({ status: 'healthy' });
      expect(found?.health?.log[0]?.output).toBe('fine\n');
      await container.exec(['touch', '/tmp/bad']);
      await expect.poll(() => container.health?.status).toBe('unhealthy');
      await container.stop();
      await container.fs.unlink('/tmp/bad');
      await container.start();
      expect(container.health?.status).toBe('healthy');
    } finally {
      await container.remove();
    }
  });

  test('is checked anew when it is started again by itself', async (context) => {
    const healthCheck = { command: ['true'], intervalMs: 10 };
    const container = await start(context, healthCheck, { detach: true, restart: 'always', ready: ready.healthy() });
    try {
      process.kill(container.pid as number, 'SIGKILL');
      await expect.poll(() => container.inspect().restarts, { timeout: 10_000 }).toBe(1);
      await expect.poll(() => container.health?.status, { timeout: 10_000 }).toBe('healthy');
      const [first] = container.health?.log ?? [];
      expect(Number(first?.startedAt)).toBeGreaterThanOrEqual(Number(container.inspect().startedAt));
    } finally {
      await container.remove();
    }
  });
});

test('an image says how its containers are checked', async (context) => {
  const container = await Container.create(busybox(context), { command: ['true'] });
  const image = await container.snapshot();
  await container.remove();
  const config = { ...image.config, Healthcheck: { Test: ['CMD-SHELL', 'echo checked'], Interval: 10_000_000 } };
  const checked = Object.create(image, { config: { value: config } }) as Image;
  await using running = await Container.start(checked, { command: ['sleep', '600'], init: true });
  expect((await checksOf(running, 1)).log[0]?.output).toBe('checked\n');
});

test.runIf(isRoot)('checks are made without privileges, too', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    const healthCheck = { command: 'id -u; cat /proc/self/comm', intervalMs: 5 };
    const container = await Container.start(Image.directory(process.argv[2]), { command: ['sleep', '600'], init: true, healthCheck });
    const health = await new Promise((resolve) => container.once('health', resolve));
    console.log(health.status, JSON.stringify(health.log[0].output));
    await container.remove();
  `;
  const { stdout, stderr } = await runUnprivileged(context, script, { args: [busyboxTree(context)] });
  expect({ stdout, stderr }).toEqual({ stdout: 'healthy "0\\ncat\\n"\n', stderr: '' });
});
