/** The package installed twice and both loaded into one process: two copies of all code, and one of what is the thread's. */
import { expect, test } from 'vitest';
import { runScript, type ScriptResult } from '../../support/script.ts';
import { runUnprivileged } from '../../support/unprivileged.ts';

const PREPARE = `
  import { cpSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';
  import { createRequire } from 'node:module';
  import { dirname } from 'node:path';
  import * as one from 'caisson';
  const require = createRequire(import.meta.url);
  const installed = dirname(require.resolve('caisson/package.json'));
  for (const name of ['package.json', 'dist']) cpSync(installed + '/' + name, 'copy/' + name, { recursive: true });
  symlinkSync(installed + '/node_modules', 'copy/node_modules');
  const other = require('./copy');
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
    const first = await one.Container.start(one.Image.host(), { command: ['sleep', '60'], name: 'first' });
    const second = await other.Container.start(other.Image.host(), { command: ['sleep', '60'], name: 'second' });
    const owners = list('locks').filter((name) => name.startsWith('owner-')).length;
    const names = async ({ Container }) => (await Container.list()).map(({ name }) => name).sort();
    const [byOne, byOther] = [await names(one), await names(other)];
    const isSame = (await one.Container.get('second')) === second && (await other.Container.get('first')) === first;
    const taken = await other.Container.create(other.Image.host(), { name: 'first' }).catch(({ code }) => code);
    await Promise.all([first.remove(), second.remove()]);
    tell({ isTwo: one.Container !== other.Container, owners, byOne, byOther, isSame, taken, left: list('containers') });`;
  const names = ['first', 'second'];
  expect(told(await run(context, script))).toEqual({
    isTwo: true,
    owners: 1,
    byOne: names,
    byOther: names,
    isSame: true,
    taken: 'NAME_TAKEN',
    left: [],
  });
});

test('what one copy made the other takes: images, containers, errors', async (context) => {
  const script = `${PREPARE}
    const image = one.Image.host();
    const { stdout } = await other.Container.run(image, ['echo', 'hello']);
    await using container = await other.Container.start(image, { command: ['sleep', '60'] });
    const joined = await one.Container.run(image, ['hostname'], { namespaces: { uts: { container } } });
    const { stdout: hostname } = await container.exec(['hostname']);
    const error = await other.Container.run(image, ['no-such']).catch((error) => error);
    class Special extends one.CaissonError {}
    tell({
      stdout,
      isJoined: joined.stdout === hostname,
      instances: [error instanceof one.CaissonError, image instanceof other.Image, container instanceof one.Container],
      others: [error instanceof Special, new Error('x') instanceof one.CaissonError, {} instanceof one.Image, error instanceof one.SyscallError],
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
      const { Container, Image } = index % 2 === 0 ? one : other;
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
