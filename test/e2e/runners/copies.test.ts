/** The ESM and the CommonJS build in one process: two copies of all code, and one of what is the thread's. */
import { expect, test } from 'vitest';
import { runScript, type ScriptResult } from '../../support/script.ts';
import { runUnprivileged } from '../../support/unprivileged.ts';

const PREPARE = `
  import { readdirSync, readlinkSync } from 'node:fs';
  import { createRequire } from 'node:module';
  import * as esm from 'caisson';
  const cjs = createRequire(import.meta.url)('caisson');
  const list = (name) => readdirSync(process.env.CAISSON_ROOT + '/' + name);
  const tell = (value) => console.log(JSON.stringify(value));
`;

const told = ({ stdout, stderr, exitCode }: ScriptResult) => {
  expect([stderr, exitCode]).toEqual(['', 0]);
  return JSON.parse(stdout) as unknown;
};

test.for([
  ['who runs the tests', runScript],
  ['a user without root', runUnprivileged],
] as const)('for %s, both are one owner, and see the same containers', async ([, run], context) => {
  const script = `${PREPARE}
    const first = await esm.Container.start(esm.Image.host(), { command: ['sleep', '60'], name: 'first' });
    const second = await cjs.Container.start(cjs.Image.host(), { command: ['sleep', '60'], name: 'second' });
    const owners = list('locks').filter((name) => name.startsWith('owner-')).length;
    const names = async ({ Container }) => (await Container.list()).map(({ name }) => name).sort();
    const [byEsm, byCjs] = [await names(esm), await names(cjs)];
    const isSame = (await esm.Container.get('second')) === second && (await cjs.Container.get('first')) === first;
    const taken = await cjs.Container.create(cjs.Image.host(), { name: 'first' }).catch(({ code }) => code);
    await Promise.all([first.remove(), second.remove()]);
    tell({ isTwo: esm.Container !== cjs.Container, owners, byEsm, byCjs, isSame, taken, left: list('containers') });`;
  const names = ['first', 'second'];
  expect(told(await run(context, script))).toEqual({
    isTwo: true,
    owners: 1,
    byEsm: names,
    byCjs: names,
    isSame: true,
    taken: 'NAME_TAKEN',
    left: [],
  });
});

test('what one copy made the other takes: images, containers, errors', async (context) => {
  const script = `${PREPARE}
    const image = esm.Image.host();
    const { stdout } = await cjs.Container.run(image, ['echo', 'hello']);
    await using container = await cjs.Container.start(image, { command: ['sleep', '60'] });
    const joined = await esm.Container.run(image, ['hostname'], { namespaces: { uts: { container } } });
    const { stdout: hostname } = await container.exec(['hostname']);
    const error = await cjs.Container.run(image, ['no-such']).catch((error) => error);
    class Special extends esm.CaissonError {}
    tell({
      stdout,
      isJoined: joined.stdout === hostname,
      instances: [error instanceof esm.CaissonError, image instanceof cjs.Image, container instanceof esm.Container],
      others: [error instanceof Special, new Error('x') instanceof esm.CaissonError, {} instanceof esm.Image, error instanceof esm.SyscallError],
      special: new Special('CODE', 'text') instanceof Special,
    });`;
  expect(told(await runScript(context, script))).toEqual({
    stdout: 'hello\n',
    isJoined: true,
    instances: [true, true, true],
    others: [false, false, false, false],
    special: true,
  });
});

test('names of what is temporary do not meet, and nothing is left when the process ends', async (context) => {
  const script = `${PREPARE}
    const runs = Array.from({ length: 12 }, (_, index) => {
      const { Container, Image } = index % 2 === 0 ? esm : cjs;
      return Container.run(Image.host(), ['echo', String(index)]);
    });
    const results = await Promise.all(runs);
    const locks = readdirSync('/proc/self/fd').filter((fd) => {
      try { return /owner-[0-9a-f]+\\.lock$/.test(readlinkSync('/proc/self/fd/' + fd)); } catch { return false; }
    });
    process.on('exit', () => tell({
      outputs: results.map(({ stdout }) => Number(stdout)),
      locks: locks.length,
      left: [...list('locks').filter((name) => name.startsWith('owner-')), ...list('spares'), ...list('tmp')],
    }));`;
  expect(told(await runScript(context, script))).toEqual({
    outputs: Array.from({ length: 12 }, (_, index) => index),
    locks: 1,
    left: [],
  });
});
