/** caisson in worker threads: each is an owner of its own, and what it has goes with it. */
import { expect, test } from 'vitest';
import { runScript } from '../../support/script.ts';
import { runUnprivileged } from '../../support/unprivileged.ts';

const SCRIPT = `
  import { readdirSync } from 'node:fs';
  import { once } from 'node:events';
  import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
  import { Container, Image } from 'caisson';

  const list = (name) => readdirSync(process.env.CAISSON_ROOT + '/' + name);
  const owners = () => list('locks').filter((name) => name.startsWith('owner-')).length;
  const start = (work) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: work });
    return { worker, told: once(worker, 'message').then(([text]) => text), ended: once(worker, 'exit') };
  };

  if (isMainThread) {
    await Container.run(Image.host(), ['true']);
    const running = ['run', 'run', 'run', 'run'].map(start);
    const outputs = await Promise.all(running.map(({ told }) => told));
    await Promise.all(running.map(({ ended }) => ended));
    const afterRunning = owners();

    const leaving = start('leave');
    await leaving.told;
    const [during, { length: left }] = [owners(), list('containers')];
    await leaving.worker.terminate();
    const { stdout } = await Container.run(Image.host(), ['echo', 'still here']);
    console.log(JSON.stringify({ outputs, afterRunning, during, left, stdout }));
  } else if (workerData === 'run') {
    const results = await Promise.all(['a', 'b', 'c'].map((word) => Container.run(Image.host(), ['echo', word])));
    parentPort.postMessage(results.map(({ stdout }) => stdout.trim()).join(''));
  } else {
    const { id } = await Container.start(Image.host(), { command: ['sleep', '60'] });
    parentPort.postMessage(id);
  }`;

test.for([
  ['who runs the tests', runScript],
  ['a user without root', runUnprivileged],
] as const)(
  'worker threads of %s run containers at once, and end by themselves or are ended',
  async ([, run], context) => {
    const { stdout, stderr, exitCode } = await run(context, SCRIPT);
    expect([stderr, exitCode]).toEqual(['', 0]);
    expect(JSON.parse(stdout)).toEqual({
      outputs: ['abc', 'abc', 'abc', 'abc'],
      // That of the main thread.
      afterRunning: 1,
      during: 2,
      left: 1,
      stdout: 'still here\n',
    });
  },
);

const ENDED = `
  import { once } from 'node:events';
  import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
  import { Container, Image, ready } from 'caisson';

  const start = (options) => Container.start(Image.host(), { command: ['sh', '-c', 'echo a; exec sleep 60'], ...options });
  const works = {
    running: async () => void (await start()),
    read: async () => once((await start()).stdout, 'data'),
    waiting: async () => void (await start()).wait(),
    following: async () => (await start()).logs({ follow: true }).lines().next(),
    executing: async () => void (await start()).exec(['sleep', '60']),
    readying: async () => void start({ ready: ready.port(1) }),
    healthy: async () => void (await start({ healthCheck: { command: ['true'], intervalMs: 20 } })),
  };
  if (isMainThread) {
    for (const work of Object.keys(works)) {
      const worker = new Worker(new URL(import.meta.url), { workerData: work });
      await once(worker, 'message');
      await new Promise((resolve) => setTimeout(resolve, 50));
      console.log(work, await worker.terminate());
    }
    console.log((await Container.run(Image.host(), ['echo', 'still here'])).stdout.trim());
  } else {
    globalThis.kept = await works[workerData]();
    parentPort.postMessage('ready');
  }`;

test('a worker thread may be ended while it waits for a container, and takes nothing with it', async (context) => {
  const { stdout, stderr, exitCode } = await runScript(context, ENDED);
  const works = ['running', 'read', 'waiting', 'following', 'executing', 'readying', 'healthy'];
  expect([stderr, exitCode]).toEqual(['', 0]);
  expect(stdout.trim().split('\n')).toEqual([...works.map((work) => `${work} 1`), 'still here']);
});
