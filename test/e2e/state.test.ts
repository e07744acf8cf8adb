/** What is on disk of containers: who finds them, what is done to those of others, and what is never done. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image, ready } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { CellWriter, CREATED, openStore } from '../../store/index.ts';
import { type RunningScript, startScript } from '../support/script.ts';
import { isRoot, privateStore, sh } from './fixture.ts';

const store = privateStore();
const host = Image.host();

/** A container of another process, which tells what happens to it, line by line. */
async function theirs(context: TestContext, options: object = {}) {
  const script = startScript(
    context,
    `import { Container, Image } from 'caisson';
     const container = await Container.start(Image.host(), { command: ['sleep', '600'], ...JSON.parse(process.argv[2]) });
     console.log('id ' + container.id);
     container.on('removed', () => console.log('removed ' + container.state));
     container.on('exit', ({ exitCode, signal }) => console.log('exit ' + exitCode + ' ' + signal + ' ' + container.state));
     await new Promise(() => setInterval(() => undefined, 1000));`,
    { args: [JSON.stringify(options)], env: { CAISSON_ROOT: store } },
  );
  const container = await Container.get(await line(script, 'id '));
  /** Nothing of it is left after the test. */
  const end = async () => {
    script.child.kill('SIGKILL');
    await script.finished;
    await Container.list();
  };
  return { script, container, [Symbol.asyncDispose]: end };
}

const said = new WeakMap<RunningScript, { text: string; listeners: Set<() => void> }>();

/** The rest of a line that a script has written, or will write. */
function line(script: RunningScript, word: string): Promise<string> {
  let record = said.get(script);
  if (record === undefined) {
    const fresh = { text: '', listeners: new Set<() => void>() };
    said.set(script, fresh);
    const add = (chunk: Buffer) => {
      fresh.text += chunk.toString();
      for (const each of fresh.listeners) each();
    };
    script.child.stdout?.on('data', add);
    script.child.stderr?.on('data', add);
    record = fresh;
  }
  const { text: _, listeners } = record;
  return new Promise((resolve, reject) => {
    const look = () => {
      const found = new RegExp(`^${word}(.*)\\n`, 'm').exec(said.get(script)?.text ?? '');
      if (found === null) return;
      listeners.delete(look);
      resolve(found[1] ?? '');
    };
    listeners.add(look);
    script.child.once('close', () => reject(new Error(`it ended without '${word}': ${said.get(script)?.text}`)));
    look();
  });
}

test('the containers of this thread are listed as the objects that they are', async () => {
  await using first = await Container.start(host, { command: ['sleep', '600'], labels: { tier: 'web', n: '1' } });
  await using second = await Container.start(host, {
    command: ['sleep', '600'],
    name: 'named',
    labels: { tier: 'db' },
  });
  await using third = await Container.create(host, { command: ['true'] });
  expect(await Container.list()).toEqual([first, second]);
  expect(await Container.list({ all: true })).toEqual([first, second, third]);
  expect((await Container.list())[0]).toBe(first);
  const listed = async (filter: object) => (await Container.list({ filter })).map(({ name }) => name);
  expect(await listed({ name: 'named' })).toEqual(['named']);
  expect(await listed({ name: /^nam/ })).toEqual(['named']);
  expect(await listed({ label: { tier: true } })).toEqual([first.name, 'named']);
  expect(await listed({ label: { tier: 'web', n: '1' } })).toEqual([first.name]);
  expect(await listed({ status: 'created' })).toEqual([third.name]);
  expect(await listed({ status: ['created', 'running'], id: second.id.slice(0, 20) })).toEqual(['named']);
  expect(await listed({ image: 'host' })).toHaveLength(2);
  expect(await Container.get('named')).toBe(second);
  expect(await Container.get(first.id.slice(0, 20))).toBe(first);
});

test('what cannot be meant is refused by name', async () => {
  await expect(Container.list({ filter: { status: 'up' } } as never)).rejects.toThrow(
    "filter.status must be 'created' or",
  );
  await expect(Container.list({ al: true } as never)).rejects.toThrow("unknown option 'al'");
  await expect(Container.get(7 as never)).rejects.toThrow('reference must be a string, got 7');
  await expect(Container.get('../../etc')).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
  await expect(Container.start(host, { restart: 'sometimes' } as never)).rejects.toThrow("option 'restart' must be");
  await expect(Container.start(host, { name: '-x' })).rejects.toThrow("option 'name' must be at most 128 letters");
  for (const option of [{ detach: true }, { restart: 'always' }, { ready: ready.port(80) }, { startTimeoutMs: 1 }]) {
    await expect(Container.run(host, ['true'], option as never)).rejects.toThrow('is for Container.start()');
  }
  expect(() => Container.events({ since: 'yesterday' } as never)).toThrow("option 'since' must be a Date");
});

test('a container of another process is found, entered, told about and stopped', async (context) => {
  await using their = await theirs(context, { name: 'theirs', labels: { of: 'them' } });
  const { script, container } = their;
  expect(await Container.list()).toHaveLength(1);
  expect(container).toMatchObject({ name: 'theirs', state: 'running', labels: { of: 'them' } });
  expect((await container.exec(['hostname'])).stdout).toBe(`${container.id.slice(0, 12)}\n`);
  await container.fs.writeFile('/greeting', 'hello');
  expect((await container.exec(['cat', '/greeting'])).stdout).toBe('hello');
  expect((await container.top()).map(({ pidInside, command }) => [pidInside, command])).toEqual([
    [1, ['sleep', '600']],
  ]);
  expect(await container.changes()).toContainEqual(expect.objectContaining({ path: '/greeting' }));
  const waiting = container.wait();
  expect(await container.stop()).toEqual({ exitCode: null, signal: 'SIGKILL' });
  expect(await waiting).toEqual({ exitCode: null, signal: 'SIGKILL' });
  expect(await line(script, 'exit ')).toBe('null SIGKILL exited');
  expect([container.state, container.pid, container.inspect().signal]).toEqual(['exited', null, 'SIGKILL']);
  await expect(container.exec(['true'])).rejects.toMatchObject({ code: 'NOT_RUNNING' });
});

test('what only its owner may do is refused by name', async (context) => {
  await using their = await theirs(context);
  const { container } = their;
  await expect(container.start()).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
  await expect(container.rename('mine')).rejects.toMatchObject({ code: 'OWNED_ELSEWHERE' });
  await container.kill();
  await expect(container.start()).rejects.toMatchObject({ code: 'OWNED_ELSEWHERE' });
  await expect(container.fs.readdir('/')).rejects.toMatchObject({ code: 'OWNED_ELSEWHERE' });
});

test('a container of another process can be removed, and its owner hears of it', async (context) => {
  await using their = await theirs(context, { name: 'short-lived' });
  const { script, container } = their;
  await container.remove();
  expect(await line(script, 'exit ')).toMatch(/^null SIGKILL/);
  expect(await line(script, 'removed ')).toBe('removed');
  expect([container.state, await Container.list({ all: true })]).toEqual(['removed', []]);
  await using again = await Container.start(host, { command: ['true'], name: 'short-lived' });
  await again.wait();
});

test('a name is taken as long as its container is there, and free when its owner was killed', async (context) => {
  await using their = await theirs(context, { name: 'only' });
  const { script, container } = their;
  await expect(Container.start(host, { command: ['true'], name: 'only' })).rejects.toMatchObject({
    code: 'NAME_TAKEN',
    message: expect.stringContaining(
      `the name 'only' is that of container ${container.id}, which is running`,
    ) as string,
  });
  script.child.kill('SIGKILL');
  await script.finished;
  expect(await Container.list({ all: true })).toEqual([]);
  expect(container.state).toBe('removed');
  expect((await Container.run(host, ['echo', 'mine'], { name: 'only' })).stdout).toBe('mine\n');
});

test('a container can be renamed; a name that is taken is refused, and then it keeps its own', async () => {
  await using web = await Container.create(host, { name: 'web' });
  await using db = await Container.create(host, { name: 'db' });
  await web.rename('site');
  await expect(db.rename('site')).rejects.toMatchObject({ code: 'NAME_TAKEN' });
  expect([web.name, db.name, (await Container.get('site')).id]).toEqual(['site', 'db', web.id]);
  await expect(Container.get('web')).rejects.toMatchObject({
    code: 'CONTAINER_NOT_FOUND',
    message: expect.stringContaining("is called 'web': there are site, db") as string,
  });
  await expect(web.rename('no/name')).rejects.toThrow(TypeError);
});

test('a process that has got the id of one that ended is never signalled', async () => {
  const innocent = spawn('sleep', ['600'], { stdio: 'ignore' });
  await using container = await Container.create(host, { command: ['true'], detach: true });
  // As if the supervisor had been killed, and the id given to another since.
  const writer = new CellWriter(join(openStore().containers, container.id, 'state'), CREATED);
  writer.write({ phase: 'running', pid: innocent.pid as number, startedAt: new Date() });
  writer.close();
  expect([container.state, container.pid, container.inspect().lost]).toEqual(['exited', null, true]);
  await container.kill();
  await container.kill('SIGTERM');
  expect(await container.stop()).toBeNull();
  await expect(container.exec(['true'])).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  await expect(container.pause()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  await container.remove();
  expect(readFileSync(`/proc/${innocent.pid}/stat`, 'utf8')).toContain('(sleep) S');
  innocent.kill('SIGKILL');
  await once(innocent, 'exit');
});

test('a detached container whose supervisor was killed is lost, and can be started again and removed', async () => {
  await using container = await Container.start(host, { command: ['sleep', '600'], detach: true });
  const waiting = container.wait().catch((error: unknown) => error);
  const supervisor = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${container.pid}/status`, 'utf8'))?.[1]);
  process.kill(supervisor, 'SIGKILL');
  expect(await waiting).toMatchObject({ code: 'STATUS_UNKNOWN' });
  expect(container.inspect()).toMatchObject({ state: 'exited', lost: true, exitCode: null, signal: null, pid: null });
  await expect.poll(() => Container.list()).toEqual([]);
  await container.start();
  expect(container.inspect()).toMatchObject({ state: 'running', lost: false });
});

test('a container is restarted with its files, and may be restarted when it has ended', async () => {
  await using container = await Container.start(host, { command: sh('date +%N >> /starts; exec sleep 600') });
  const starts = async () => (await container.fs.readFile('/starts', 'utf8')).trim().split('\n').length;
  await expect.poll(starts).toBe(1);
  const { pid } = container;
  await container.restart();
  expect(container.pid).not.toBe(pid);
  await expect.poll(starts).toBe(2);
  await container.kill();
  await container.restart();
  await expect.poll(starts).toBe(3);
});

test('a container that fails is started again as often as its policy says', async () => {
  await using container = await Container.create(host, {
    command: sh('echo x >> /starts; exit 3'),
    restart: 'on-failure:2',
  });
  const states: string[] = [];
  container.on('exit', () => states.push(container.state));
  await container.start();
  expect(await container.wait()).toEqual({ exitCode: 3, signal: null });
  expect(states).toEqual(['restarting', 'restarting', 'exited']);
  expect(await container.fs.readFile('/starts', 'utf8')).toBe('x\nx\nx\n');
  expect(container.inspect()).toMatchObject({
    state: 'exited',
    restarts: 2,
    restartPolicy: 'on-failure:2',
    exitCode: 3,
  });
});

test('one that succeeds is not started again on failure, and always is until somebody stops it', async () => {
  await using once = await Container.start(host, { command: ['true'], restart: 'on-failure' });
  expect(await once.wait()).toEqual({ exitCode: 0, signal: null });
  expect(once.inspect().restarts).toBe(0);
  await using always = await Container.start(host, { command: ['true'], restart: 'always' });
  await expect.poll(() => always.inspect().restarts).toBeGreaterThan(1);
  const waiting = always.wait();
  expect(await always.stop()).toEqual(await waiting);
  expect(always.state).toBe('exited');
  await always.start();
  await always.remove();
  expect(always.state).toBe('removed');
});

test('who stops a container of another process ends its restarts, too', async (context) => {
  await using their = await theirs(context, { command: sh('sleep 0.05; exit 1'), restart: 'always' });
  const { script, container } = their;
  await expect.poll(() => container.inspect().restarts).toBeGreaterThan(0);
  await container.stop();
  expect(container.state).toBe('exited');
  expect(await line(script, 'exit ')).toMatch(/ (restarting|exited)$/);
});

test('inspect is JSON, and says where and what a container is', async () => {
  await using container = await Container.start(host, { command: ['sleep', '600'], name: 'seen', labels: { a: 'b' } });
  const info = JSON.parse(JSON.stringify(container.inspect())) as Record<string, unknown>;
  expect(info).toMatchObject({
    id: container.id,
    name: 'seen',
    image: 'host',
    imageDigest: null,
    labels: { a: 'b' },
    detached: false,
    state: 'running',
    pid: container.pid,
    exitCode: null,
    lost: false,
    restarts: 0,
    restartPolicy: 'no',
    paths: { directory: join(store, 'containers', container.id) },
    namespaces: { pid: expect.stringMatching(/^pid:\[\d+\]$/) as string },
  });
  expect(Date.parse(info.startedAt as string)).toBeGreaterThanOrEqual(Date.parse(info.createdAt as string));
});

test('top tells of every process, by its ids here and there', async () => {
  await using container = await Container.start(host, { command: sh('sleep 600 & exec sleep 601'), init: true });
  const commands = async () => (await container.top()).map(({ command }) => command.join(' '));
  await expect.poll(commands).toContain('sleep 600');
  await expect.poll(commands).toContain('sleep 601');
  const all = await container.top();
  const inner = all.find(({ command }) => command[1] === '601');
  expect(all.map(({ pidInside }) => pidInside)).toEqual(all.map((_, index) => index + 1));
  expect(inner).toMatchObject({ uid: 0, gid: 0, ppid: container.pid, state: 'S' });
  expect(inner?.rssBytes).toBeGreaterThan(0);
  expect(inner?.startedAt.getTime()).toBeLessThanOrEqual(Date.now() + 1000);
  await container.stop();
  await expect(container.top()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
});

test.runIf(isRoot)(
  'a container that is removed by another process before it starts cannot be started',
  async (context) => {
    await using container = await Container.create(host, { command: ['true'] });
    const script = startScript(
      context,
      `import { Container } from 'caisson';
     await (await Container.get(process.argv[2])).remove();`,
      { args: [container.id], env: { CAISSON_ROOT: store } },
    );
    expect(await script.finished).toMatchObject({ exitCode: 0, stderr: '' });
    await expect(container.start()).rejects.toMatchObject({ code: 'CONTAINER_REMOVED' });
  },
);
