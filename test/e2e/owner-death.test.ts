/** Containers die with their owner: a process that is killed, or a thread that ends. The next owner sweeps the store. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, type TestContext, test } from 'vitest';
import { requires } from '../support/requires.ts';
import { type RunningScript, runScript, startScript } from '../support/script.ts';
import { startSubordinate } from '../support/subordinate-ids.ts';
import { busyboxTree, hasUsers, privateStore, slowness } from './fixture.ts';

const store = privateStore();

/** The text that a script has written once a line of it begins with `word`: the rest of that line. */
function line({ child }: RunningScript, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    child.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      const found = new RegExp(`^${word}(.*)\\n`, 'm').exec(seen);
      if (found !== null) resolve(found[1] ?? '');
    });
    child.once('close', () => reject(new Error(`the script ended without '${word}': ${seen}${complaint}`)));
  });
}

/**
 * Whether a process runs a program. What has ended may be seen for longer: a zombie until its new parent waits for it
 * (process 1, or the process whose thread has ended), and a PID namespace's first process until the last zombie in it is gone.
 */
function runs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
}

const records = () => readdirSync(join(store, 'containers'));

/** Has another process use the store, which sweeps it. */
async function sweep(context: TestContext): Promise<void> {
  const { stdout, stderr } = await runScript(
    context,
    everyKind('await Container.run(image, ["echo", "swept"]).then(({ stdout }) => console.log(stdout));'),
    {
      args: [busyboxTree(context)],
      env: { CAISSON_ROOT: store },
    },
  );
  expect({ stdout, stderr }).toEqual({ stdout: 'swept\n\n', stderr: '' });
}

/** A script that has every kind of process in containers at hand. */
const everyKind = (body: string) => `
  import { Container, Image } from 'caisson';
  const image = Image.directory(process.argv[2]);
  const command = ['sh', '-c', 'sleep 600 & sleep 600'];
  const kinds = [{}, { init: true }, { tty: true }, { upper: 'tmpfs' }, { init: true, tty: true }, { network: 'host' }];
  const start = (options) => Container.start(image, { command, ...options });
  ${body}`;

test('when its owner is killed, nothing of a container runs any more, and the next owner removes its files', async (context) => {
  const script = startScript(
    context,
    everyKind(`
      const containers = await Promise.all(kinds.map(start));
      const executed = await Promise.all(containers.flatMap((each) => [each.spawn(command), each.spawn(command, { tty: true })]));
      void containers[0].exec(['sleep', '600']);
      console.log('pids ' + JSON.stringify([...containers, ...executed].map(({ pid }) => pid)));
    `),
    { args: [busyboxTree(context)], env: { CAISSON_ROOT: store } },
  );
  const pids = JSON.parse(await line(script, 'pids ')) as number[];
  expect(pids).toHaveLength(18);
  expect(pids.every(runs)).toBe(true);
  expect(records()).toHaveLength(6);

  script.child.kill('SIGKILL');
  await script.finished;
  await expect.poll(() => pids.filter(runs)).toEqual([]);
  // Their children are looked for by privateStore's look at what is left.
  await sweep(context);
  expect(records()).toEqual([]);
});

test('an owner may be killed at any point of a start', async (context) => {
  const busybox = busyboxTree(context);
  const rounds = slowness > 1 ? 4 : 20;
  for (let round = 0; round < rounds; round++) {
    const script = startScript(
      context,
      everyKind(`
        console.log('begin ');
        for (let round = 0; ; round++) {
          const started = await Promise.all(kinds.map(start));
          await Promise.all(started.map((each) => each.spawn(command, { tty: round % 2 === 0 })));
          void started.map((each) => each.exec(['sleep', '600']));
          await Promise.all(started.slice(0, 3).map((each) => each.remove()));
        }
      `),
      { args: [busybox], env: { CAISSON_ROOT: store } },
    );
    await line(script, 'begin ');
    // Points of time are what is tested: spread over the first rounds of the loop.
    setTimeout(() => script.child.kill('SIGKILL'), (60 * slowness * round) / rounds);
    expect(await script.finished).toMatchObject({ stderr: '', signal: 'SIGKILL' });
  }
  await sweep(context);
  expect([records(), readdirSync(join(store, 'tmp')), readdirSync(join(store, 'locks')).length]).toEqual([
    [],
    [],
    expect.any(Number),
  ]);
});

test('what ends by itself leaves its containers to nobody', async (context) => {
  for (const [ending, status] of [
    ['process.exit(3)', { exitCode: 3, signal: null }],
    ['process.kill(process.pid, "SIGTERM")', { exitCode: null, signal: 'SIGTERM' }],
    ['process.abort()', { exitCode: null, signal: 'SIGABRT' }],
  ] as const) {
    const script = startScript(
      context,
      everyKind(`
        const containers = await Promise.all(kinds.map(start));
        console.log('pids ' + JSON.stringify(containers.map(({ pid }) => pid)));
        ${ending};`),
      { args: [busyboxTree(context)], env: { CAISSON_ROOT: store } },
    );
    const pids = JSON.parse(await line(script, 'pids ')) as number[];
    expect(await script.finished).toMatchObject(status);
    await expect.poll(() => pids.filter(runs)).toEqual([]);
  }
  await sweep(context);
  expect(records()).toEqual([]);
});

test('a process with a running container does not end before it, and ends after it', async (context) => {
  const script = everyKind(
    'await Container.start(image, { command: ["sleep", "0.3"], stdin: "ignore" }); console.log("started");',
  );
  const options = { args: [busyboxTree(context)], env: { CAISSON_ROOT: store } };
  expect(await runScript(context, script, options)).toMatchObject({ stdout: 'started\n', exitCode: 0 });
  await sweep(context);
});

test('a thread that ends takes its containers with it, and those of another thread run on', async (context) => {
  const script = startScript(
    context,
    everyKind(`
      import { once } from 'node:events';
      import { Worker } from 'node:worker_threads';
      const own = await start({});
      const worker = new Worker(\`
        const { parentPort, workerData } = require('node:worker_threads');
        const { Container, Image } = require('caisson');
        const image = Image.directory(workerData);
        const options = [{}, { init: true }, { tty: true }];
        Promise.all(options.map((each) => Container.start(image, { command: ['sleep', '600'], ...each })))
          .then(async (containers) => [...containers, await containers[0].spawn(['sleep', '600'])])
          .then((all) => parentPort.postMessage(all.map(({ pid }) => pid)));
      \`, { eval: true, workerData: process.argv[2] });
      const [pids] = await once(worker, 'message');
      console.log('pids ' + JSON.stringify([own.pid, ...pids]));
      await once(process.stdin.resume(), 'end');
      await worker.terminate();
      console.log('terminated ');
      await own.wait();
    `),
    { args: [busyboxTree(context)], env: { CAISSON_ROOT: store } },
  );
  const [own = 0, ...others] = JSON.parse(await line(script, 'pids ')) as number[];
  await line(script, 'terminated ');
  await expect.poll(() => others.filter(runs)).toEqual([]);
  expect(runs(own)).toBe(true);
  script.child.kill('SIGKILL');
  await script.finished;
  await sweep(context);
  expect(records()).toEqual([]);
});

test('a container of this machine’s programs leaves nothing either', async (context) => {
  requires(context, inject('images').busybox, 'busybox-static');
  const script = startScript(
    context,
    `import { Container, Image } from 'caisson';
     const container = await Container.start(Image.host(), { command: ['sleep', '600'] });
     await container.exec(['touch', '/usr/bin/new', '/etc/new']);
     console.log('pid ' + container.pid);`,
    { env: { CAISSON_ROOT: store } },
  );
  const pid = Number(await line(script, 'pid '));
  script.child.kill('SIGKILL');
  await script.finished;
  await expect.poll(() => runs(pid)).toBe(false);
  await sweep(context);
  expect(records()).toEqual([]);
});

describe.each([
  ['this user', '5', startScript],
  ['a user with subordinate ids', '6', startSubordinate],
] as const)('a container of %s', (_, kind, startScript) => {
  test.runIf(hasUsers)(
    'dies with its owner when its first process has changed its ids, and one guard is enough for all',
    async (context) => {
      const programs = ['1', '2', '3'].map((number) => ['sleep', `${process.pid}${kind}${number}`]);
      const script = startScript(
        context,
        `import { Container, Image } from 'caisson';
       const start = (program) => Container.start(Image.host(), { command: [...${AS_ANOTHER}, ...program] });
       const [first, ...others] = JSON.parse(process.argv[2]);
       process.once('SIGUSR2', () => void Promise.all(others.map(start)));
       await start(first);
       console.log('started ');`,
        { args: [JSON.stringify(programs)] },
      );
      await line(script, 'started ');
      const owner = script.child.pid as number;
      await expect.poll(() => guardsOf(owner)).toHaveLength(1);
      const [killed] = guardsOf(owner);
      // One that somebody has killed is followed by another, which guards them all.
      process.kill(killed as number, 'SIGKILL');
      script.child.kill('SIGUSR2');
      await expect.poll(() => programs.map((each) => whoRuns(each).length)).toEqual([1, 1, 1]);
      const guards = guardsOf(owner);
      expect(guards).toEqual([expect.any(Number)]);
      script.child.kill('SIGKILL');
      await script.finished;
      await expect.poll(() => [...programs.flatMap(whoRuns), ...guards.filter(runs)]).toEqual([]);
    },
  );
});

/** What a program begins with that changes ids: the kernel forgets then whom it was to die with (man 2 PR_SET_PDEATHSIG). */
const AS_ANOTHER = "['setpriv', '--reuid', '1000', '--regid', '1000', '--clear-groups']";

/** The pids of those with this command line. */
function whoRuns(args: readonly string[]): number[] {
  return processes().filter((pid) => readProc(pid, 'cmdline') === `${args.join('\0')}\0`);
}

/** The pids of the guards that a process has started and that still run. */
function guardsOf(owner: number): number[] {
  return processes().filter((pid) =>
    new RegExp(`^${pid} \\(caisson-guard\\) [^ZX] ${owner} `).test(readProc(pid, 'stat')),
  );
}

function processes(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // It has ended.
  }
}
