/** Paused containers: in the kernel's freezer where this user may use it, else by signals. */
import { once } from 'node:events';
import { chownSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image, ready } from 'caisson';
import { describe, expect, test } from 'vitest';
import { judgeFreezer, readGroups } from '../../sdk/probe/cgroups.ts';
import { carriers } from '../support/carriers.ts';
import { type RunningScript, runScript, startScript } from '../support/script.ts';
import { startUnprivileged, UNPRIVILEGED_UID } from '../support/unprivileged.ts';
import { busybox, busyboxTree, isRoot, privateStore, sh, slowness } from './fixture.ts';

const store = privateStore();
const hasFreezer = judgeFreezer(readGroups()).status === 'ok';
const SLEEP = ['sleep', '600'];

/** How many processes are killed in the midst of it. */
const KILLS = slowness > 1 ? 4 : 12;

/** The control groups that a container is frozen in. */
function groupsOf(id: string, directory = '/sys/fs/cgroup'): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = join(directory, name);
      return name === `caisson-${id}` ? [path] : groupsOf(id, path);
    });
}

/** Whether a container has any, and whether there is a note of its pause. */
function leftOf({ id }: Container): string[] {
  return [...groupsOf(id), ...readdirSync(join(store, 'containers', id)).filter((name) => name === 'paused')];
}

/** What its processes have done until now: another value as soon as one has taken a step, or made another. */
async function stepsOf(container: Container): Promise<string> {
  return JSON.stringify((await container.top()).map(({ pid, cpuMs, state }) => [pid, cpuMs, /[TZ]/.test(state)]));
}

/** Whether none of its processes takes a step for some time. */
async function isStill(container: Container): Promise<boolean> {
  const before = await stepsOf(container);
  for (let look = 0; look < 5; look++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    if ((await stepsOf(container)) !== before) return false;
  }
  return true;
}

/** Resolves when a script has written its first line, which is to be this word. */
async function begun(script: RunningScript, word: string): Promise<RunningScript> {
  const [chunk] = (await once(script.child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  expect(chunk.toString()).toBe(`${word}\n`);
  return script;
}

test('who is paused makes no step until he is resumed, and who stood still before does not go on', async (context) => {
  const counting = 'trap "" HUP; sh -c "kill -STOP \\$\\$; echo went on" & while :; do echo x >> /count; done';
  await using container = await Container.start(busybox(context), { command: sh(counting) });
  const stopped = async () => (await container.top()).filter(({ state }) => /[Tt]/.test(state)).length;
  await expect.poll(stopped).toBe(1);
  await container.pause();
  expect([container.state, (await Container.list({ filter: { status: 'paused' } }))[0]]).toEqual(['paused', container]);
  const size = async () => (await container.fs.stat('/count')).size;
  const before = await size();
  await expect(container.exec(['true'])).rejects.toMatchObject({
    code: 'PAUSED',
    message: expect.stringContaining('cannot be entered: it is paused') as string,
  });
  await expect(container.pause()).rejects.toMatchObject({ code: 'PAUSED' });
  await expect(container.start()).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
  expect(await isStill(container)).toBe(true);
  expect(await size()).toBe(before);
  await container.resume();
  expect(container.state).toBe('running');
  await expect(container.resume()).rejects.toMatchObject({ code: 'NOT_PAUSED' });
  await expect.poll(size).toBeGreaterThan(before);
  expect(await stopped()).toBe(1);
});

test.runIf(hasFreezer)('who is frozen does not notice, and is where it was afterwards', async (context) => {
  const script = 'trap "echo continued" CONT; echo up; while [ ! -e /end ]; do sleep 0.01; done; echo end';
  await using container = await Container.start(busybox(context), { command: sh(script), ready: ready.log('up') });
  const group = () => readFileSync(`/proc/${container.pid}/cgroup`, 'utf8');
  const before = group();
  await container.pause();
  expect(groupsOf(container.id)).toHaveLength(1);
  expect((await container.top()).map(({ state }) => state)).not.toContain('T');
  await container.resume();
  expect([group(), leftOf(container)]).toEqual([before, []]);
  await container.snapshot();
  await container.fs.writeFile('/end', '');
  await container.wait();
  expect(await container.logs().text()).toBe('up\nend\n');
});

test.runIf(isRoot)('where there are no control groups, signals do it', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    const container = await Container.start(Image.directory(process.argv[2]), { command: ['sleep', '600'] });
    await container.pause();
    console.log((await container.top()).map(({ state }) => state).join());
    await container.resume();
    while ((await container.top())[0].state === 'T');
    console.log(container.state);
    await container.remove();`;
  const wrap = (command: readonly string[]) => {
    return ['unshare', '-m', 'sh', '-c', 'umount -a -t cgroup2; exec "$@"', 'sh', ...command];
  };
  const { stdout, stderr } = await runScript(context, script, { args: [busyboxTree(context)], wrap });
  expect({ stdout, stderr }).toEqual({ stdout: 'T\nrunning\n', stderr: '' });
});

test.runIf(isRoot && hasFreezer)(
  'who may not go back to his group goes on where he is, until the end',
  async (context) => {
    const script = `
    import { existsSync } from 'node:fs';
    import { Container, Image } from 'caisson';
    const container = await Container.start(Image.directory(process.argv[2]), { command: ['sleep', '600'] });
    await container.pause();
    console.log('paused');
    while (!existsSync('forbidden')) await new Promise((resolve) => setTimeout(resolve, 5));
    await container.resume();
    await container.snapshot();
    await container.pause();
    await container.resume();
    console.log(container.state);
    await container.remove();`;
    const above = readGroups().groups.find(({ version }) => version === 2)?.path as string;
    const group = join(above, `test-${process.pid}`);
    const [procs, uid] = [join(group, 'cgroup.procs'), UNPRIVILEGED_UID];
    mkdirSync(group);
    try {
      for (const path of [group, procs]) chownSync(path, uid, uid);
      const asUser = ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
      const wrap = (command: readonly string[]) => [
        'sh',
        '-c',
        `echo $$ > ${procs}; exec "$@"`,
        'sh',
        ...asUser,
        ...command,
      ];
      const { home, finished } = await begun(
        startScript(context, script, { uid, args: [busyboxTree(context)], wrap }),
        'paused',
      );
      expect(readdirSync(group).filter((name) => name.startsWith('caisson-'))).toHaveLength(1);
      chownSync(procs, 0, 0);
      writeFileSync(join(home, 'forbidden'), '');
      expect(await finished).toMatchObject({ stdout: 'paused\nrunning\n', stderr: '' });
      expect(readdirSync(group).filter((name) => name.startsWith('caisson-'))).toEqual([]);
    } finally {
      await expect.poll(() => readFileSync(procs, 'utf8')).toBe('');
      rmdirSync(group);
    }
  },
);

test.for([
  ['a fork storm', 'while :; do (true) & (true) & wait; done'],
  ['many processes', 'for i in 1 2 3 4 5 6 7 8; do (while :; do :; done) & done; wait'],
] as const)('%s stands still entirely', async ([, script], context) => {
  await using container = await Container.start(busybox(context), { command: sh(script), init: true });
  await goesOnAndOff(container);
});

// Where /proc is as slow as in emulation, it is gone whenever it is seen.
test.runIf(slowness === 1)('a process that is another one at every moment stands still entirely', async (context) => {
  const command = sh('f() { f & }; f; exec sleep 600');
  await using container = await Container.start(busybox(context), { command, init: true });
  await goesOnAndOff(container);
});

test('a process of many threads stands still entirely', async () => {
  const { execPath } = process;
  const busy =
    "const { Worker } = require('worker_threads'); for (const _ of 'ab') new Worker('for (;;);', { eval: true });";
  await using container = await Container.start(Image.host(), {
    command: [execPath, '-e', `${busy} console.log('up'); for (;;);`],
    mounts: [{ type: 'bind', source: execPath, target: execPath, readOnly: true }],
    ready: ready.log('up'),
    stopSignal: 'SIGKILL',
  });
  await goesOnAndOff(container);
});

/** A container is paused and resumed some times. */
async function goesOnAndOff(container: Container): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await container.pause();
    expect(await isStill(container)).toBe(true);
    await container.resume();
    const before = await stepsOf(container);
    await expect.poll(() => stepsOf(container)).not.toBe(before);
  }
  expect(leftOf(container)).toEqual([]);
}

describe.each([false, true])('a paused container, detached: %s,', (detach) => {
  const looping = sh('trap "exit 7" TERM; echo up; while :; do sleep 0.01; done');

  test.for<readonly [string, (container: Container) => Promise<unknown>]>([
    [
      'stopped, with its signal, and started again',
      async (container) => {
        expect(await container.stop()).toEqual({ exitCode: 7, signal: null });
        await container.start();
      },
    ],
    [
      'killed, and started again',
      async (container) => {
        await container.kill();
        expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' });
        await container.start();
      },
    ],
    ['restarted', (container) => container.restart()],
    [
      'made a snapshot of, and resumed',
      async (container) => {
        await (await container.snapshot()).remove();
        expect([container.state, await isStill(container)]).toEqual(['paused', true]);
        await container.resume();
      },
    ],
  ])('can be %s', async ([, action], context) => {
    const options = { command: looping, ready: ready.log('up'), detach };
    await using container = await Container.start(busybox(context), options);
    await container.pause();
    await action(container);
    expect([container.state, leftOf(container)]).toEqual(['running', []]);
    await container.pause();
    await container.remove();
    expect(groupsOf(container.id)).toEqual([]);
  });
});

test('what runs again after it was paused and killed is not paused, and can be', async (context) => {
  await using container = await Container.start(busybox(context), { command: SLEEP, restart: 'always', detach: true });
  await container.pause();
  const first = container.pid as number;
  process.kill(first, 'SIGKILL');
  await expect.poll(() => container.state === 'running' && container.pid !== first).toBe(true);
  await container.pause();
  expect(container.state).toBe('paused');
  await container.resume();
  expect(await container.exec(['true'])).toMatchObject({ exitCode: 0 });
  expect(leftOf(container)).toEqual([]);
});

test('what another process has paused, this one resumes', async (context) => {
  await using container = await Container.start(busybox(context), { command: SLEEP, detach: true });
  const script = `
    import { Container } from 'caisson';
    const container = await Container.get(process.argv[2]);
    await container.pause();
    console.log(container.state);`;
  const options = { args: [container.id], env: { CAISSON_ROOT: store } };
  expect(await runScript(context, script, options)).toMatchObject({ stdout: 'paused\n', stderr: '', exitCode: 0 });
  expect(container.state).toBe('paused');
  await container.resume();
  expect([container.state, leftOf(container)]).toEqual(['running', []]);
});

test('a keeper is not paused with what it keeps, nor by a container that its own shares processes with', async (context) => {
  await using first = await Container.start(busybox(context), { command: SLEEP });
  for (const pid of ['host', { container: first }] as const) {
    await using container = await Container.start(busybox(context), { command: SLEEP, namespaces: { pid } });
    await container.pause();
    expect(container.state).toBe('paused');
    await container.kill();
    expect([container.state, leftOf(container)]).toEqual(['exited', []]);
  }
  await using second = await Container.start(busybox(context), {
    command: SLEEP,
    namespaces: { pid: { container: first } },
  });
  await second.pause();
  await first.pause();
  await second.resume();
  await second.pause();
  await second.kill();
  await first.resume();
  expect([leftOf(first), leftOf(second)]).toEqual([[], []]);
});

const PAUSED = `
  import { Container, Image } from 'caisson';
  const [, , tree, seconds] = process.argv;
  const image = Image.directory(tree);
  const command = ['sh', '-c', 'sleep ' + seconds + ' & sleep ' + seconds];
  const first = await Container.start(image, { command });
  const containers = [first];
  for (const pid of ['host', { container: first }]) {
    containers.push(await Container.start(image, { command, namespaces: { pid } }));
  }
  for (const each of containers.reverse()) await each.pause();
  console.log('paused');
  await new Promise((resolve) => setTimeout(resolve, 600_000));`;

test.for([
  ['who runs the tests', startScript],
  ['a user with one id', startUnprivileged],
] as const)(
  'when the owner of paused containers is killed, nothing of them is left: as %s',
  async ([, start], context) => {
    const seconds = `600.1${process.pid}`;
    const script = start(context, PAUSED, { args: [busyboxTree(context), seconds] });
    await begun(script, 'paused');
    const ids = readdirSync(join(script.store, 'containers'));
    expect([ids.length, carriers(seconds).length]).toEqual([3, 6]);
    script.child.kill('SIGKILL');
    await script.finished;
    await expect.poll(() => carriers(seconds)).toEqual([]);
    const uid = start === startScript ? {} : { uid: UNPRIVILEGED_UID };
    const sweep = `import { Container } from 'caisson'; console.log((await Container.list({ all: true })).length);`;
    const options = { env: { CAISSON_ROOT: script.store }, ...uid };
    expect(await runScript(context, sweep, options)).toMatchObject({ stdout: '0\n', stderr: '' });
    expect(ids.flatMap((id) => groupsOf(id))).toEqual([]);
  },
);

test('who is killed while he pauses, resumes or makes a snapshot leaves what can be resumed', async (context) => {
  const script = `
    import { Container } from 'caisson';
    const container = await Container.get(process.argv[2]);
    console.log('begin');
    for (;;) {
      await container.pause();
      await container.resume();
      await container.snapshot();
    }`;
  await using container = await Container.start(busybox(context), { command: sh('while :; do :; done'), detach: true });
  for (let round = 0; round < KILLS; round++) {
    const started = startScript(context, script, { args: [container.id], env: { CAISSON_ROOT: store } });
    const { child, finished } = await begun(started, 'begin');
    await new Promise((resolve) => setTimeout(resolve, (round * 97) % (60 * slowness)));
    child.kill('SIGKILL');
    expect(await finished).toMatchObject({ stderr: '' });
    if (container.state === 'paused') await container.resume();
    const before = await stepsOf(container);
    await expect.poll(() => stepsOf(container)).not.toBe(before);
    await container.pause();
    await container.resume();
    expect(leftOf(container)).toEqual([]);
  }
  // What the killed were making is swept.
  await Container.list();
});
