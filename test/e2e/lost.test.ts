/** Detached containers whose supervisor is gone or going, and what several processes do to one at the same time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Container, type ContainerOptions, Image } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import {
  type CellState,
  CellWriter,
  containerLockPath,
  containerPaths,
  openStore,
  readContainerState,
  tryLock,
} from '../../store/index.ts';
import { startScript } from '../support/script.ts';
import { runSubordinate } from '../support/subordinate-ids.ts';
import { busybox, hasUsers, isRoot, privateStore, sh } from './fixture.ts';

const store = privateStore();

function detached(context: TestContext, script: string, options: ContainerOptions = {}): Promise<Container> {
  return Container.start(busybox(context), { detach: true, command: sh(script), ...options });
}

function supervisorOf({ pid }: Container): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Kills a container's supervisor; its first process, which dies with that, has then ended. */
async function loseSupervisor(container: Container): Promise<void> {
  const [supervisor, pid] = [supervisorOf(container), container.pid];
  process.kill(supervisor, 'SIGKILL');
  await expect.poll(() => [supervisor, Number(pid)].some(isAlive), { interval: 5, timeout: 10_000 }).toBe(false);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** A process that has nothing to do with any container, and notes how it ends. */
function stranger() {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const end = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { child, pid: Number(child.pid), [Symbol.asyncDispose]: end };
}

/** What is in the cell of a container, as if its pid were another's by now. */
function writeCell(id: string, changes: Partial<CellState>): void {
  const opened = openStore();
  const cell = new CellWriter(containerPaths(opened, id).state, readContainerState(opened, id) as CellState);
  cell.write(changes);
  cell.close();
}

test.for(['running', 'ending', 'waiting'] as const)(
  'a process that has the pid of a lost container is never taken for it (%s)',
  async (phase, context) => {
    await using one = await detached(context, 'exec sleep 600');
    const other = await Container.get(one.id);
    await loseSupervisor(one);
    await using unrelated = stranger();
    const { child, pid } = unrelated;
    writeCell(one.id, { phase, pid });
    const assertLost = async () => {
      expect([other.state, other.pid, other.inspect().exitCode]).toEqual(['exited', null, null]);
      await expect(other.exec(['true'])).rejects.toMatchObject({ code: 'NOT_RUNNING' });
      await expect(other.pause()).rejects.toMatchObject({ code: 'NOT_RUNNING' });
      for (const signal of ['SIGUSR1', 'SIGTERM', 'SIGKILL'] as const) await other.kill(signal);
      expect(await other.stop()).toBeNull();
      await expect(other.wait()).rejects.toMatchObject({ code: 'STATUS_UNKNOWN' });
      // What had been sent to it would have ended it.
      expect([child.exitCode, child.signalCode, isAlive(pid)]).toEqual([null, null, true]);
    };
    await assertLost();
    // That somebody has the lock makes nobody its supervisor.
    const lock = tryLock(containerLockPath(openStore(), one.id));
    expect(lock).toBeDefined();
    await assertLost();
    lock?.release();
    // Nor does it that somebody is among its files.
    await one.fs.writeFile('/file', 'kept');
    expect(readContainerState(openStore(), one.id)).toMatchObject({ phase: 'exited', finishedAt: null });
    await assertLost();
    expect(one.inspect().exitedAt).toBeNull();
    await one.start();
    expect([other.state, (await other.exec(['cat', '/file'])).stdout]).toEqual(['running', 'kept']);
    expect(await other.stop({ timeoutMs: 0 })).toEqual({ exitCode: null, signal: 'SIGKILL' });
  },
);

/** As what a user program does that drops its rights: the kernel forgets then whom it was to die with. */
const AS_ANOTHER = 'exec setpriv --reuid 1000 --regid 1000 --clear-groups sleep 600';

test.runIf(hasUsers)('what a lost container has left running is ended by who next has to do with it', async () => {
  const actions: [string, (one: Container) => Promise<unknown>][] = [
    ['stop', (one) => one.stop()],
    ['kill', (one) => one.kill()],
    ['wait', (one) => expect(one.wait()).rejects.toMatchObject({ code: 'STATUS_UNKNOWN' })],
    ['start', (one) => one.start()],
    ['files', (one) => one.fs.writeFile('/file', '')],
    ['remove', (one) => one.remove()],
  ];
  for (const [name, act] of actions) {
    await using one = await Container.start(Image.host(), { detach: true, command: sh(AS_ANOTHER) });
    const pid = Number(one.pid);
    await expect.poll(() => readFileSync(`/proc/${pid}/comm`, 'utf8')).toBe('sleep\n');
    process.kill(supervisorOf(one), 'SIGKILL');
    await expect.poll(() => one.state).toBe('exited');
    expect([name, isAlive(pid)]).toEqual([name, true]);
    await act(one);
    expect([name, isAlive(pid)]).toEqual([name, false]);
  }
});

test.runIf(isRoot)('a user with subordinate ids ends what a lost container has left running', async (context) => {
  const script = `
    import { readFileSync } from 'node:fs';
    import { Container, Image } from 'caisson';
    const container = await Container.start(Image.host(), { detach: true, command: ['sh', '-c', process.argv[2]] });
    const read = (file) => readFileSync('/proc/' + container.pid + '/' + file, 'utf8');
    const { pid } = container;
    while (read('comm') !== 'sleep\\n') await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(Number(/^PPid:\\s+(\\d+)/m.exec(read('status'))[1]), 'SIGKILL');
    while (container.state !== 'exited') await new Promise((resolve) => setTimeout(resolve, 5));
    const isAlive = () => { try { return !/Z/.test(readFileSync('/proc/' + pid + '/stat', 'utf8').split(' ')[2]); } catch { return false; } };
    const before = isAlive();
    await container.stop();
    console.log(before, isAlive());
    await container.remove();`;
  const result = await runSubordinate(context, script, { args: [AS_ANOTHER] });
  expect(result).toMatchObject({ stdout: 'true false\n', stderr: '', exitCode: 0 });
});

test.runIf(hasUsers)('the first process of another container is never taken for a lost one’s', async (context) => {
  await using one = await detached(context, 'exec sleep 600');
  await loseSupervisor(one);
  await using other = await detached(context, 'exec sleep 600');
  writeCell(one.id, { pid: other.pid as number });
  await one.stop();
  expect([one.inspect().lost, other.state, isAlive(other.pid as number)]).toEqual([true, 'running', true]);
});

test('who has waited for the end can start it at once, every time', async (context) => {
  await using container = await detached(context, 'exit 3');
  const other = await Container.get(container.id);
  for (let round = 0; round < 40; round++) {
    expect(await container.wait()).toEqual({ exitCode: 3, signal: null });
    await (round % 2 === 0 ? other : container).start();
  }
  await container.wait();
});

test('who has waited for the end can read its files at once, every time', async (context) => {
  await using container = await detached(context, 'echo run >> /runs');
  for (let round = 1; round <= 10; round++) {
    await container.wait();
    expect(await container.fs.readFile('/runs', 'utf8')).toBe('run\n'.repeat(round));
    await container.start();
  }
  await container.wait();
});

test('those who look at it are in nobody’s way', async (context) => {
  await using container = await detached(context, 'exec sleep 600', { stopSignal: 'SIGKILL' });
  const script = `
    import { Container } from 'caisson';
    const container = await Container.get(process.argv[2]);
    for (let looks = 0; ; looks++) {
      for (let look = 0; look < 100; look++) void container.state;
      await Container.list({ all: true });
      if (looks === 0) console.log('looking');
    }`;
  const looking = startScript(context, script, { args: [container.id], env: { CAISSON_ROOT: store } });
  await Promise.race([once(looking.child.stdout as NodeJS.ReadableStream, 'data'), looking.finished]);
  for (let round = 0; round < 15; round++) {
    await container.restart();
    expect(container.state).toBe('running');
  }
  looking.child.kill('SIGKILL');
  expect(await looking.finished).toMatchObject({ signal: 'SIGKILL', stderr: '' });
  await Container.list();
});

test('a lock that is let go of soon is waited for, and one that is not is an error', async (context) => {
  await using container = await detached(context, 'exit 0');
  await container.wait();
  const take = async () => {
    const path = containerLockPath(openStore(), container.id);
    await expect.poll(() => tryLock(path, { create: false })?.release() === undefined).toBe(true);
    return tryLock(path);
  };
  const lock = await take();
  expect(lock).toBeDefined();
  await expect(container.start()).rejects.toMatchObject({ code: 'CONTAINER_BUSY' });
  const starting = container.start();
  await new Promise((resolve) => setImmediate(resolve));
  lock?.release();
  await starting;
  expect(await container.wait()).toEqual({ exitCode: 0, signal: null });
});

test('those who are among its files in turn wait for each other, whoever they are', async (context) => {
  await using container = await detached(context, 'exit 0');
  await container.wait();
  const others = [container, await Container.get(container.id), await Container.get(container.id)];
  for (let round = 0; round < 9; round++) {
    await others[round % 3]?.fs.appendFile('/written', `${round}`);
  }
  expect(await container.fs.readFile('/written', 'utf8')).toBe('012345678');
  // Who is at work lets others wait for longer than an agent stays.
  await Promise.all(others.map((each) => each.fs.appendFile('/written', '.')));
  await others[1]?.start();
  await container.wait();
});

test('an agent that somebody has killed is followed by another', async (context) => {
  await using container = await detached(context, 'exit 0');
  await container.wait();
  await container.fs.writeFile('/kept', 'kept');
  const agents = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isAgentOfOurs(Number(pid)));
  expect(agents).toHaveLength(1);
  process.kill(Number(agents[0]), 'SIGKILL');
  const begun = performance.now();
  await expect.poll(() => container.fs.readFile('/kept', 'utf8').catch((error) => error.code)).toBe('kept');
  expect(performance.now() - begun).toBeLessThan(1500);
});

function isAgentOfOurs(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return status.startsWith('Name:\tcaisson-agent\n') && new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status);
  } catch {
    return false;
  }
}

test('mounts that several processes add and take at once are all noted', async (context) => {
  await using container = await detached(context, 'exec sleep 600');
  const script = `
    import { Container } from 'caisson';
    const [id, me] = process.argv.slice(2);
    const container = await Container.get(id);
    for (let round = 0; round < 4; round++) {
      await container.mount({ type: 'tmpfs', target: '/kept-' + me + '-' + round });
      await container.mount({ type: 'tmpfs', target: '/taken-' + me + '-' + round });
      await container.unmount('/taken-' + me + '-' + round);
    }`;
  const processes = [0, 1, 2];
  const options = (me: number) => ({ args: [container.id, String(me)], env: { CAISSON_ROOT: store } });
  const results = await Promise.all(processes.map((me) => startScript(context, script, options(me)).finished));
  expect(results.map(({ stderr }) => stderr)).toEqual(processes.map(() => ''));
  const noted = container.inspect().spec?.mounts.map(({ destination }) => destination) ?? [];
  const mounted = (await container.exec(sh("cut -d ' ' -f 2 /proc/mounts"))).stdout.split('\n');
  const expected = processes.flatMap((me) => [0, 1, 2, 3].map((round) => `/kept-${me}-${round}`));
  for (const seen of [noted, mounted]) {
    expect(seen.filter((path) => /^\/(kept|taken)-/.test(path)).sort()).toEqual(expected);
  }
  await Container.list();
});
