/**
 * A process that is killed at whatever point leaves nothing of its attached containers, and detached ones in a state
 * that the next process can do something with.
 */
import { chownSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, type TestContext, test } from 'vitest';
import { requires } from '../support/requires.ts';
import { type RunningScript, runScript, startScript } from '../support/script.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { UNPRIVILEGED_UID } from '../support/unprivileged.ts';
import { busyboxTree, isRoot, privateStore, slowness } from './fixture.ts';

privateStore();

/** How many processes are killed: of each kind of user. */
const KILLS = slowness > 1 ? 10 : 100;

/** What the containers of a user sleep, and nobody else on this machine, nor another run: so they are found. */
const secondsOf = (uid: number) => String(8_000_000_000 + process.pid * 100_000 + uid);

/** A life of everything that can happen. It begins by removing what the one before has left. */
const LIFE = `
  import { Container, Image } from 'caisson';
  const image = Image.directory(process.argv[2]);
  const command = ['sleep', process.argv[3]];
  for (let round = 0; ; round++) {
    const began = performance.now();
    for (const each of await Container.list({ all: true })) await each.remove();
    if (round === 0) console.log('begin');
    const attached = await Container.start(image, { command, name: 'attached', mounts: [{ type: 'volume', source: 'kept', target: '/kept' }] });
    const detached = await Container.start(image, { command, name: 'detached', detach: true, restart: 'always' });
    await Promise.all([attached.exec(['touch', '/new', '/kept/new']), detached.exec(['touch', '/new'])]);
    const image2 = await attached.snapshot();
    await Container.run(image2, ['ls', '/new']);
    await attached.mount({ type: 'tmpfs', target: '/more' });
    await attached.rename('renamed');
    await detached.pause();
    await detached.resume();
    await Promise.all([detached.stop(), attached.restart()]);
    const created = await Container.create(image, { command, name: 'created', detach: true });
    await detached.snapshot();
    await detached.start();
    await attached.stop();
    await attached.remove();
    await created.remove();
    await detached.kill();
    await detached.remove();
    console.log('round ' + (performance.now() - began));
  }`;

/** What the last process finds: nothing that is not detached, and nothing that it cannot use, remove and make anew. */
const AFTER = `
  import { Container, Image } from 'caisson';
  const left = await Container.list({ all: true });
  for (const each of left) {
    const { detached, state, name, pid } = each.inspect();
    const isUp = state === 'running' || state === 'paused';
    if (!detached || isUp !== (pid !== null)) throw new Error('left: ' + JSON.stringify(each.inspect()));
    if (state === 'paused') await each.resume();
    if (isUp) await each.exec(['true']);
    else await each.start();
    await each.remove();
  }
  const image = Image.directory(process.argv[2]);
  for (const name of ['attached', 'renamed', 'detached', 'created']) {
    const container = await Container.start(image, { command: ['sleep', process.argv[3]], name });
    await container.remove();
  }
  console.log(JSON.stringify({ left: await Container.list({ all: true }) }));`;

/** The same numbers in every run (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** Resolves with the rest of the first line that begins so. */
function line({ child, finished }: RunningScript, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
      const found = new RegExp(`^${word}(.*)\\n`, 'm').exec(seen);
      if (found !== null) resolve(found[1] ?? '');
    });
    void finished.then((result) => reject(new Error(`the script ended: ${JSON.stringify(result)}`)));
  });
}

async function killAtRandom(context: TestContext, uid: number, seed: number): Promise<void> {
  const store = temporaryDirectory(context, 0o700);
  chownSync(store, uid, uid);
  const tree = busyboxTree(context);
  const options = { uid, args: [tree, secondsOf(uid)], env: { CAISSON_ROOT: join(store, 'store') } };
  const first = startScript(context, LIFE, options);
  const roundMs = Number(await line(first, 'round '));
  first.child.kill('SIGKILL');
  await first.finished;
  const random = randomNumbers(seed);
  for (let kill = 0; kill < KILLS; kill++) {
    const script = startScript(context, LIFE, options);
    if (random() < 0.9) await line(script, 'begin');
    setTimeout(() => script.child.kill('SIGKILL'), random() * roundMs);
    expect(await script.finished).toMatchObject({ stderr: '', signal: 'SIGKILL' });
  }
  const after = await runScript(context, AFTER, options);
  expect(after).toMatchObject({ stdout: '{"left":[]}\n', stderr: '', exitCode: 0 });
  await expectNothingOf(join(store, 'store'), secondsOf(uid));
}

async function expectNothingOf(store: string, seconds: string): Promise<void> {
  const left = ['containers', 'tmp', 'names', 'spares'].map((room) => readdirSync(join(store, room)));
  expect(left).toEqual([[], [], [], []]);
  const locks = readdirSync(join(store, 'locks')).filter((name) => /^(owner|container)-/.test(name));
  expect(locks).toEqual([]);
  const running = () =>
    readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid).split('\0')[1] === seconds);
  await expect.poll(running).toEqual([]);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

test(`${isRoot ? 2 * KILLS : KILLS} processes are killed at any point, and the next one finds its way`, async (context) => {
  requires(context, inject('images').busybox, 'busybox-static');
  // Root and an ordinary user at the same time, or this one alone.
  const users = isRoot ? [0, UNPRIVILEGED_UID] : [UNPRIVILEGED_UID];
  await Promise.all(users.map((uid) => killAtRandom(context, uid, 20_260_301 + uid)));
}, 600_000);
