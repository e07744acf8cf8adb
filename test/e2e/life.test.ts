/** The life of a container: created, started, ended, removed; and what it tells about that. */
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Container } from 'caisson';
import { expect, test } from 'vitest';
import { busybox, privateStore, sh } from './fixture.ts';

const store = privateStore();

const isThere = ({ id }: Container) => existsSync(join(store, 'containers', id));
const processExists = (pid: number | null) => existsSync(`/proc/${pid}`);

/** A command that tells when it is ready for signals, and runs until then. */
const handling = (signal: string, action: string) =>
  sh(`trap '${action}' ${signal}; echo ready; while :; do sleep 60 & wait $!; done`);

/** Starts a container and waits for its first line; what follows is read and dropped. */
async function startReady(...args: Parameters<typeof Container.start>): Promise<Container> {
  const container = await Container.start(...args);
  await once(container.stdout, 'data');
  return container;
}

test('a container tells what happens to it, in order', async (context) => {
  const container = await Container.create(busybox(context), { command: sh('read line; exit 4') });
  const events: unknown[] = [];
  container.on('created', () => events.push('created'));
  container.on('started', () => events.push(['started', container.state]));
  container.on('exec', ({ args }) => events.push(['exec', ...args]));
  container.on('exit', (status) => events.push(['exit', status, container.state]));
  container.on('removed', () => events.push(['removed', container.state]));

  await container.start();
  await container.exec(['true']);
  await (await container.spawn(['echo', 'x'])).wait();
  container.stdin.end('\n');
  await container.wait();
  await container.remove();
  expect(events).toEqual([
    'created',
    ['started', 'running'],
    ['exec', 'true'],
    ['exec', 'echo', 'x'],
    ['exit', { exitCode: 4, signal: null }, 'exited'],
    ['removed', 'removed'],
  ]);
});

test('create makes a container and runs nothing', async (context) => {
  await using container = await Container.create(busybox(context), { command: ['true'], name: 'box' });
  expect(isThere(container)).toBe(true);
  expect(container).toMatchObject({ state: 'created', name: 'box', pid: null, exitCode: null });
  expect(container.inspect()).toMatchObject({ state: 'created', startedAt: null, exitedAt: null, spec: null });
  await container.start();
  expect(await container.wait()).toEqual({ exitCode: 0, signal: null });
  expect(container).toMatchObject({ state: 'exited', pid: null, exitCode: 0 });
});

test('ids differ and are 64 hexadecimal digits; a name is the beginning of the id, unless given', async (context) => {
  await using one = await Container.create(busybox(context));
  await using other = await Container.create(busybox(context));
  expect(one.id).toMatch(/^[0-9a-f]{64}$/);
  expect(one.id).not.toBe(other.id);
  expect(one.name).toBe(one.id.slice(0, 12));
});

test('wait gives the same answer to all who ask, during and after the life', async (context) => {
  await using container = await Container.start(busybox(context), { command: sh('read line; exit 5') });
  const early = [container.wait(), container.wait()];
  container.stdin.end('\n');
  const status = { exitCode: 5, signal: null };
  expect(await Promise.all([...early, container.wait()])).toEqual([status, status, status]);
  expect(await container.wait()).toEqual(status);
});

test('the output of a container that has ended can still be read', async (context) => {
  await using container = await Container.start(busybox(context), { command: sh('echo out; echo err >&2') });
  await container.wait();
  expect(Buffer.concat(await container.stdout.toArray()).toString()).toBe('out\n');
  expect(Buffer.concat(await container.stderr.toArray()).toString()).toBe('err\n');
});

test('output comes line by line, or as a Web Stream', async (context) => {
  const image = busybox(context);
  await using one = await Container.start(image, { command: sh("printf 'one\\ntwo\\r\\n\\nthree'") });
  const lines: string[] = [];
  for await (const line of one.stdout.lines()) lines.push(line);
  expect(lines).toEqual(['one', 'two', '', 'three']);

  await using other = await Container.start(image, { command: ['echo', 'x'] });
  expect(await new Response(other.stdout.web()).text()).toBe('x\n');
});

test('what may not follow is refused by name', async (context) => {
  await using container = await Container.create(busybox(context), { command: ['sleep', '60'], name: 'box' });
  const notRunning = { code: 'NOT_RUNNING', message: expect.stringContaining("'box'") };
  await expect(container.exec(['true'])).rejects.toMatchObject(notRunning);
  await expect(container.spawn(['true'])).rejects.toMatchObject(notRunning);
  await expect(container.wait()).rejects.toMatchObject(notRunning);
  expect(() => container.stdout).toThrowError(expect.objectContaining(notRunning));
  expect(await container.stop()).toBeNull();
  await container.kill();

  const starts = await Promise.allSettled([container.start(), container.start()]);
  expect(starts.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  await expect(container.start()).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });

  await container.kill();
  await expect(container.exec(['true'])).rejects.toMatchObject(notRunning);
  await container.remove();
  await expect(container.start()).rejects.toMatchObject(notRunning);
  await expect(container.exec(['true'])).rejects.toMatchObject(notRunning);
});

test('streams that the container does not have are refused by name', async (context) => {
  await using container = await Container.start(busybox(context), {
    command: ['sleep', '60'],
    stdin: 'ignore',
    stderr: 'ignore',
  });
  expect(() => container.stdin).toThrowError(
    expect.objectContaining({ code: 'NO_STREAM', message: expect.stringContaining('stdin') }),
  );
  expect(() => container.stderr).toThrowError(expect.objectContaining({ code: 'NO_STREAM' }));
  expect(container.stdout.readable).toBe(true);
});

test('a container whose command cannot be found may be started again, and nothing is left of start', async (context) => {
  await using container = await Container.create(busybox(context), { command: ['/tool'] });
  await expect(container.start()).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
  await expect(container.start()).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
  await expect(Container.start(busybox(context), { command: ['/tool'] })).rejects.toMatchObject({
    code: 'COMMAND_NOT_FOUND',
  });
  expect(readdirSync(join(store, 'containers'))).toEqual([container.id]);
});

test('stop ends a first process that does not handle the signal at once', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '600'] });
  expect(await container.stop({ timeoutMs: 600_000 })).toEqual({ exitCode: null, signal: 'SIGKILL' });
  expect(container.state).toBe('exited');
  expect(await container.stop()).toEqual({ exitCode: null, signal: 'SIGKILL' });
});

test('stop gives a first process that ignores the signal all of its time', async (context) => {
  const command = sh('trap "" TERM; echo ready; usleep 300000; echo saved > /note; exit 7');
  await using container = await startReady(busybox(context), { command });
  expect(await container.stop({ timeoutMs: 600_000 })).toEqual({ exitCode: 7, signal: null });
});

test('stop waits a moment for the handler of a first process that was just started', async (context) => {
  const command = sh('usleep 50000; trap "exit 7" TERM; while :; do usleep 10000; done');
  for (const detach of [false, true]) {
    await using container = await Container.start(busybox(context), { command, detach });
    expect(await container.stop({ timeoutMs: 600_000 })).toEqual({ exitCode: 7, signal: null });
    await container.start();
    expect(await container.stop({ timeoutMs: 10 })).toEqual({ exitCode: null, signal: 'SIGKILL' });
  }
});

test('stop lets a first process that handles the signal finish its work', async (context) => {
  await using container = await startReady(busybox(context), { command: handling('TERM', 'echo bye > /note; exit 7') });
  expect(await container.stop({ timeoutMs: 600_000 })).toEqual({ exitCode: 7, signal: null });
});

test('stop sends SIGKILL when the grace is over', async (context) => {
  await using container = await startReady(busybox(context), { command: handling('TERM', 'echo no') });
  const startedAt = performance.now();
  expect(await container.stop({ timeoutMs: 200 })).toEqual({ exitCode: null, signal: 'SIGKILL' });
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195);
});

test('the signal that stops is the container’s, or the call’s', async (context) => {
  const image = busybox(context);
  await using one = await startReady(image, { command: handling('USR1', 'exit 8'), stopSignal: 'SIGUSR1' });
  expect(await one.stop({ timeoutMs: 600_000 })).toEqual({ exitCode: 8, signal: null });
  await using other = await startReady(image, { command: handling('HUP', 'exit 9') });
  expect(await other.stop({ timeoutMs: 600_000, signal: 'SIGHUP' })).toEqual({ exitCode: 9, signal: null });
});

test('kill sends the signal it is given, and SIGKILL when it is given none', async (context) => {
  await using container = await Container.start(busybox(context), { command: handling('USR2', 'echo got it') });
  const lines = container.stdout.lines();
  await lines.next();
  await container.kill('SIGUSR2');
  expect((await lines.next()).value).toBe('got it');
  await container.kill();
  expect(container.state).toBe('exited');
  expect(container.inspect()).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
});

test('the end of the first process is the end of all', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['cat'] });
  const shell = await container.spawn(['sleep', '600']);
  container.stdin.end();
  expect(await container.wait()).toEqual({ exitCode: 0, signal: null });
  expect(await shell.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' });
  expect(processExists(shell.pid)).toBe(false);
});

test('remove ends what runs, deletes the files, and may be called again', async (context) => {
  const container = await Container.start(busybox(context), { command: ['sleep', '600'] });
  const { pid } = container;
  let removals = 0;
  container.on('removed', () => {
    removals += 1;
  });
  await Promise.all([container.remove(), container.remove()]);
  await container.remove();
  expect([isThere(container), processExists(pid), container.state, removals]).toEqual([false, false, 'removed', 1]);
});

test('a container may be removed while it starts', async (context) => {
  const container = await Container.create(busybox(context), { command: ['sleep', '600'] });
  const starting = container.start().catch((error: unknown) => error);
  await container.remove();
  await starting;
  expect([isThere(container), container.state]).toEqual([false, 'removed']);
});

test('at the end of its block, a container is stopped with its signal and removed', async (context) => {
  const events: unknown[] = [];
  let left: Container;
  {
    await using container = await startReady(busybox(context), { command: handling('TERM', 'exit 6') });
    container.on('exit', (status) => events.push(status));
    container.on('removed', () => events.push('removed'));
    left = container;
  }
  expect(events).toEqual([{ exitCode: 6, signal: null }, 'removed']);
  expect(isThere(left)).toBe(false);
});

test('inspect tells what there is to know', async (context) => {
  const image = busybox(context);
  await using container = await Container.start(image, { command: ['sleep', '600'], name: 'box', hostname: 'there' });
  const running = container.inspect();
  expect(running).toMatchObject({
    id: container.id,
    name: 'box',
    image: image.name,
    state: 'running',
    pid: container.pid,
    exitCode: null,
    signal: null,
    createdAt: expect.any(Date),
    startedAt: expect.any(Date),
    exitedAt: null,
    spec: { ociVersion: expect.any(String), hostname: 'there', process: { args: ['sleep', '600'] } },
  });
  expect(JSON.parse(JSON.stringify(running))).toMatchObject({ name: 'box', spec: { hostname: 'there' } });
  expect(inspect(container)).toBe(`Container(box ${image.name} running pid ${container.pid})`);
  expect(inspect(container.fs)).toBe('ContainerFiles(box)');
  await container.stop();
  expect(container.inspect()).toMatchObject({ state: 'exited', signal: 'SIGKILL', exitedAt: expect.any(Date) });
  expect(inspect(container)).toBe(`Container(box ${image.name} exited SIGKILL)`);
  await container.remove();
  expect(inspect(container)).toBe(`Container(box ${image.name} removed)`);
});

test('options that are changed after the call do not change the container', async (context) => {
  const env: Record<string, string> = { NAME: 'before' };
  const command = sh('echo $NAME');
  await using container = await Container.create(busybox(context), { command, env });
  env.NAME = 'after';
  command[2] = 'echo another';
  await container.start();
  expect((await container.stdout.lines().next()).value).toBe('before');
});

test('a plan can be read before anything happens, and makes nothing', async (context) => {
  const before = readdirSync(store);
  const plan = Container.plan(busybox(context), { command: ['true'], hostname: 'box' });
  const text = plan.toString();
  for (const call of ['clone3', 'pivot_root', 'sethostname("box"', 'capset', 'execve("/bin/true"'])
    expect(text).toContain(call);
  expect(text.split('\n')).toHaveLength(plan.steps.length);
  expect(readdirSync(store)).toEqual(before);
});

test('a running container does not keep this process from hearing of others', async (context) => {
  const image = busybox(context);
  const containers = await Promise.all(Array.from({ length: 10 }, () => Container.start(image, { command: ['cat'] })));
  for (const container of containers) container.stdin.end();
  const statuses = await Promise.all(containers.map((container) => container.wait()));
  expect(statuses).toEqual(containers.map(() => ({ exitCode: 0, signal: null })));
  await Promise.all(containers.map((container) => container.remove()));
});
