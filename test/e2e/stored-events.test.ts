/** What containers tell that are not this thread's: detached ones, and those of other processes. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Container } from 'caisson';
import { expect, test } from 'vitest';
import { startScript } from '../support/script.ts';
import { busybox, privateStore, sh } from './fixture.ts';

const store = privateStore();

/** Notes what a container tells. */
function listen(container: Container): unknown[] {
  const events: unknown[] = [];
  container.on('started', () => events.push('started'));
  container.on('exit', (status) => events.push(['exit', status, container.state]));
  container.on('health', ({ status }) => events.push(status));
  container.on('removed', () => events.push('removed'));
  return events;
}

/** How many files this process watches (man 5 proc_pid_fdinfo). */
function watches(): number {
  const all = readdirSync('/proc/self/fdinfo').flatMap((descriptor) => {
    const path = `/proc/self/fdinfo/${descriptor}`;
    return existsSync(path) ? readFileSync(path, 'utf8').match(/^inotify /gm) : [];
  });
  return all.filter(Boolean).length;
}

const exited = (exitCode: number) => ['exit', { exitCode, signal: null }, 'exited'];
const killed = ['exit', { exitCode: null, signal: 'SIGKILL' }, 'exited'];

test('the end of a detached container is told before who waited for it goes on, once for each run', async (context) => {
  // After its first run nobody writes to it any more, and it is to be killed.
  const options = { command: sh('read line || sleep 60; exit 4'), stdin: 'pipe', detach: true } as const;
  const container = await Container.create(busybox(context), options);
  const events = listen(container);
  await container.start();
  container.stdin.end('\n');
  await container.wait();
  expect(events.splice(0)).toEqual(['started', exited(4)]);
  await container.start();
  await container.kill();
  expect(events.splice(0)).toEqual(['started', killed]);
  await container.start();
  await container.remove();
  expect(events).toEqual(['started', killed, 'removed']);
});

test('the end is told to whoever listens, without anybody who waits', async (context) => {
  const options = { command: sh('read line; exit 3'), stdin: 'pipe', detach: true } as const;
  const container = await Container.start(busybox(context), options);
  const other = await Container.get(container.id);
  const ends = Promise.all([container, other].map((each) => once(each as never, 'exit')));
  container.stdin.end('\n');
  const statuses = await ends;
  expect(statuses).toEqual([[{ exitCode: 3, signal: null }], [{ exitCode: 3, signal: null }]]);
  await container.remove();
});

test('each end of a container is told that is started again by itself', async (context) => {
  const command = sh('echo x >> /count; exit $(wc -l < /count)');
  const options = { command, detach: true, restart: 'on-failure:2' } as const;
  await using container = await Container.create(busybox(context), options);
  const codes: unknown[] = [];
  container.on('exit', ({ exitCode }) => codes.push([exitCode, container.state]));
  await container.start();
  await container.wait();
  expect(codes).toEqual([
    [1, 'restarting'],
    [2, 'restarting'],
    [3, 'exited'],
  ]);
});

test('so is its health, as it becomes another', async (context) => {
  const healthCheck = { command: 'test -e /up', intervalMs: 20, retries: 1 };
  const options = { command: ['sleep', '600'], detach: true, healthCheck };
  await using container = await Container.start(busybox(context), options);
  const events = listen(container);
  await expect.poll(() => events).toEqual(['unhealthy']);
  await container.fs.writeFile('/up', '');
  await expect.poll(() => events).toEqual(['unhealthy', 'healthy']);
});

test('nothing is watched while nobody listens', async (context) => {
  const options = { command: ['sleep', '600'], detach: true, healthCheck: { command: 'true' } };
  await using container = await Container.start(busybox(context), options);
  const before = watches();
  const heard = () => undefined;
  container.on('exit', heard).once('health', heard);
  expect(watches()).toBe(before + 2);
  container.off('exit', heard).removeAllListeners('health');
  expect(watches()).toBe(before);
  container.once('exit', heard);
  await container.kill();
  expect(watches()).toBe(before);
});

test('who listens is not kept from ending, and hears of containers of other processes', async (context) => {
  await using container = await Container.start(busybox(context), { command: sh('read line; exit 5') });
  await using detached = await Container.start(busybox(context), { command: ['sleep', '600'], detach: true });
  const listening = `
    import { Container } from 'caisson';
    const [attached, detached] = await Promise.all(process.argv.slice(2).map((id) => Container.get(id)));
    detached.on('exit', () => undefined).on('health', () => undefined);
    const ended = new Promise((resolve) => attached.once('exit', resolve));
    const alive = setInterval(() => undefined, 1000);
    console.log('listening');
    console.log(JSON.stringify(await ended));
    clearInterval(alive);`;
  const { child, finished } = startScript(context, listening, {
    args: [container.id, detached.id],
    env: { CAISSON_ROOT: store },
  });
  child.stdout?.once('data', () => container.stdin.end('\n'));
  const { stdout, stderr } = await finished;
  expect({ stdout, stderr }).toEqual({ stdout: 'listening\n{"exitCode":5,"signal":null}\n', stderr: '' });
});
