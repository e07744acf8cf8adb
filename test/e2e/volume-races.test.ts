/** Volumes that many processes use at once, or that one of them dies with. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image, type Mount, Volume } from 'caisson';
import { afterEach, expect, type TestContext, test } from 'vitest';
import { type RunningScript, startScript } from '../support/script.ts';
import { busyboxCopy, privateStore, sh } from './fixture.ts';

const store = privateStore();

afterEach(async () => {
  await Volume.prune();
});

/** An image with so many files at /data. */
function imageWith(context: TestContext, count: number): string {
  const root = busyboxCopy(context);
  mkdirSync(join(root, 'data'));
  for (let index = 0; index < count; index++) writeFileSync(join(root, 'data', `file-${index}`), `${index}`);
  return root;
}

const COUNT = sh('ls /data | wc -l');

/** A process that has a container use the volume, and says how many files that sees. */
function startUser(context: TestContext, root: string): RunningScript {
  const script = `
    import { Container, Image } from 'caisson';
    const mounts = [{ type: 'volume', source: 'raced', target: '/data' }];
    const { stdout } = await Container.run(Image.directory(process.argv[2]), ${JSON.stringify(COUNT)}, { mounts });
    console.log(stdout.trim());
  `;
  return startScript(context, script, { args: [root], env: { CAISSON_ROOT: store } });
}

test('processes that use a new volume at once all see it filled, and whole', async (context) => {
  const root = imageWith(context, 500);
  const mounts: Mount[] = [{ type: 'volume', source: 'raced', target: '/data' }];
  const others = Array.from({ length: 3 }, () => startUser(context, root).finished);
  const own = Array.from({ length: 4 }, () => Container.run(Image.directory(root), COUNT, { mounts }));
  for (const result of [...(await Promise.all(own)), ...(await Promise.all(others))]) {
    expect({ stdout: result.stdout.trim(), stderr: result.stderr }).toEqual({ stdout: '500', stderr: '' });
  }
});

test('a process that is killed while it fills a volume leaves it for the next to fill', async (context) => {
  const root = imageWith(context, 3000);
  const filling = join(store, 'volumes/raced/filling');
  for (let round = 0; round < 3; ) {
    const { child, finished } = startUser(context, root);
    let isOver = false;
    void finished.then(() => {
      isOver = true;
    });
    while (!existsSync(join(filling, `file-${round * 700}`)) && !isOver) await new Promise(setImmediate);
    child.kill('SIGKILL');
    const { signal } = await finished;
    // On a busy machine it may be done before it is seen that it has begun.
    if (signal === null) {
      await (await Volume.get('raced')).remove();
      continue;
    }
    expect(signal).toBe('SIGKILL');
    expect(readdirSync(join(store, 'volumes/raced/data'))).toEqual([]);
    round++;
  }
  const mounts: Mount[] = [{ type: 'volume', source: 'raced', target: '/data' }];
  const { stdout } = await Container.run(Image.directory(root), COUNT, { mounts });
  expect(stdout).toBe('3000\n');
  expect(readdirSync(join(store, 'volumes/raced')).sort()).toEqual(['data', 'record.json']);
  // What the dead had is swept with the first look at the volume's users.
  await (await Volume.get('raced')).remove();
  expect(readdirSync(join(store, 'containers'))).toEqual([]);
});

test('a volume is removed from under no container, and every container has one', async (context) => {
  const image = Image.directory(imageWith(context, 5));
  const mounts: Mount[] = [{ type: 'volume', source: 'raced', target: '/data' }];
  let removed = 0;
  const remove = async () => {
    try {
      await (await Volume.get('raced')).remove();
      removed++;
    } catch (error) {
      expect((error as { code: string }).code).toMatch(/^VOLUME_(IN_USE|NOT_FOUND)$/);
    }
  };
  const use = async () => {
    const { stdout } = await Container.run(image, COUNT, { mounts });
    expect(stdout).toBe('5\n');
  };
  for (let turn = 0; turn < 20; turn++) {
    await Promise.all(turn % 2 === 0 ? [remove(), use(), remove(), use()] : [use(), remove(), use(), remove()]);
    await remove();
  }
  expect(removed).toBeGreaterThan(0);
});
