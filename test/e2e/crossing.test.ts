/** What is asked for while something else is under way: of one container, by several objects and processes. */
import { once } from 'node:events';
import { Container, Volume } from 'caisson';
import { expect, test } from 'vitest';
import { runScript, startScript } from '../support/script.ts';
import { busybox, privateStore, sh } from './fixture.ts';

const store = privateStore();
const SLEEP = ['sleep', '600'];

test('a detached container starts when its files were written before, and after a start that failed', async (context) => {
  await using container = await Container.create(busybox(context), { detach: true, command: SLEEP });
  await container.fs.writeFile('/written', 'before');
  await container.start();
  expect(await container.fs.readFile('/written', 'utf8')).toBe('before');
  await using failing = await Container.create(busybox(context), { detach: true, command: ['/later'] });
  await expect(failing.start()).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
  await failing.fs.writeFile('/later', '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  await failing.start();
  expect(await failing.wait()).toMatchObject({ exitCode: 0 });
});

test('a removal that meets a start ends it, whoever is first', async (context) => {
  for (let delay = 0; delay < 12; delay++) {
    const container = await Container.create(busybox(context), { detach: true, command: SLEEP });
    const other = await Container.get(container.id);
    const starting = container.start().catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, delay / 2));
    await other.remove();
    await starting;
  }
  expect(await Container.list({ all: true })).toEqual([]);
});

test('a stop that meets a restart ends the container', async (context) => {
  const command = sh('sleep 0.02; exit 1');
  for (let round = 0; round < 12; round++) {
    await using container = await Container.start(busybox(context), { detach: true, restart: 'always', command });
    await expect.poll(() => container.state, { interval: 1 }).toBe('restarting');
    await new Promise((resolve) => setTimeout(resolve, 90 + 2 * round));
    await container.stop();
    expect(container.state).toBe('exited');
  }
});

test('another process stops an attached container that waits to be started again', async (context) => {
  const command = sh('exit 1');
  await using container = await Container.start(busybox(context), { restart: 'always', command, name: 'waits' });
  // The fourth pause has 800 ms.
  await expect.poll(() => container.inspect().restarts, { interval: 5 }).toBe(3);
  await expect.poll(() => container.state, { interval: 1 }).toBe('restarting');
  const stop = `import { Container } from 'caisson'; await (await Container.get('waits')).stop(); console.log('stopped');`;
  const result = await runScript(context, stop, { env: { CAISSON_ROOT: store } });
  expect(result).toMatchObject({ stdout: 'stopped\n', stderr: '' });
  expect(container.state).toBe('exited');
});

test('a listener that throws is an uncaught exception, and the life goes on', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    process.on('uncaughtException', (error) => console.log('uncaught: ' + error.message));
    const container = await Container.start(Image.host(), { command: ['cat'] });
    container.on('exit', () => { throw new Error('mine'); });
    container.stdin.end();
    console.log('ended ' + (await container.wait()).exitCode);
    await container.remove();`;
  const { stdout, stderr } = await runScript(context, script, { env: { CAISSON_ROOT: store } });
  expect({ stdout: stdout.split('\n').toSorted(), stderr }).toEqual({
    stdout: ['', 'ended 0', 'uncaught: mine'],
    stderr: '',
  });
});

test('a container whose maker was killed while its volumes were filled has them when it is started', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    const mounts = [{ type: 'volume', source: 'filled', target: '/usr/sbin' }, { type: 'volume', target: '/usr/share/perl' }];
    process.stdout.write('begin\\n');
    await Container.create(Image.host(), { detach: true, name: 'torn', mounts, command: ['ls', '/usr/sbin', '/usr/share/perl'] });`;
  const { child, finished } = startScript(context, script, { env: { CAISSON_ROOT: store } });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  await expect.poll(async () => (await Container.list({ all: true })).length, { interval: 1 }).toBe(1);
  child.kill('SIGKILL');
  await finished;
  await using container = await Container.get('torn');
  await container.start();
  expect(await container.wait()).toMatchObject({ exitCode: 0 });
  expect((await container.logs().text()).split('\n').length).toBeGreaterThan(10);
  await container.remove();
  await (await Volume.get('filled')).remove();
});
