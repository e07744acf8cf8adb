import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { removeTree } from '../../store/remove.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runStoreScript } from './support/script.ts';

test('a tree is removed, a file too, and nothing is no error', async (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, 'tree/a/b/c'), { recursive: true });
  writeFileSync(join(directory, 'tree/a/file'), '');
  writeFileSync(join(directory, 'file'), '');
  for (const name of ['tree', 'file', 'nothing']) {
    await removeTree(join(directory, name));
    expect(existsSync(join(directory, name))).toBe(false);
  }
});

test('links are removed, not followed', async (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, 'outside'));
  writeFileSync(join(directory, 'outside/victim'), 'victim');
  mkdirSync(join(directory, 'tree/sub'), { recursive: true });
  symlinkSync(join(directory, 'outside'), join(directory, 'tree/link'));
  symlinkSync('../../outside', join(directory, 'tree/sub/link'));
  symlinkSync(join(directory, 'outside'), join(directory, 'top'));
  await removeTree(join(directory, 'tree'));
  await removeTree(join(directory, 'top'));
  expect(existsSync(join(directory, 'tree'))).toBe(false);
  expect(existsSync(join(directory, 'top'))).toBe(false);
  expect(readFileSync(join(directory, 'outside/victim'), 'utf8')).toBe('victim');
});

test('what is small is gone at once, what is big lets others have their turn', async (context) => {
  const directory = temporaryDirectory(context);
  mkdirSync(join(directory, 'tree'));
  for (let index = 0; index < 3000; index++) mkdirSync(join(directory, 'tree', String(index)));
  let turns = 0;
  let done = false;
  const removed = removeTree(join(directory, 'tree')).then(() => {
    done = true;
  });
  while (!done) {
    turns++;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await removed;
  expect(turns).toBeGreaterThan(5);
  expect(existsSync(join(directory, 'tree'))).toBe(false);
});

const DEEP = `
  import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
  import { removeTree } from 'store';
  const top = process.argv[2] + '/deep';
  mkdirSync(top);
  process.chdir(top);
  for (let depth = 0; depth < 3000; depth++) {
    writeFileSync('.removed-0', '');
    mkdirSync('d'.repeat(100));
    process.chdir('d'.repeat(100));
  }
  process.chdir('/');
  await removeTree(top);
  console.log(existsSync(top));
`;

test('a tree that is deeper than a path may be long is removed', async (context) => {
  const { stdout, stderr } = await runStoreScript(context, DEEP, [temporaryDirectory(context)]);
  expect(stdout + stderr).toBe('false\n');
});

const CLOSED = `
  import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
  import { removeTree } from 'store';
  const top = process.argv[2] + '/closed';
  mkdirSync(top + '/work/work/incompat', { recursive: true });
  mkdirSync(top + '/read-only/sub/sub', { recursive: true });
  writeFileSync(top + '/read-only/sub/file', '', { mode: 0 });
  for (const name of ['/work/work/incompat', '/work/work', '/read-only/sub/sub', '/read-only/sub', '/read-only', '']) {
    chmodSync(top + name, name.startsWith('/work') ? 0 : 0o555);
  }
  await removeTree(top);
  console.log(existsSync(top));
`;

test('directories without permissions are removed by their owner, who is not root', async (context) => {
  const directory = temporaryDirectory(context);
  chmodSync(directory, 0o777);
  const { stdout, stderr } = await runStoreScript(context, CLOSED, [directory], { uid: 65534 });
  expect(stdout + stderr).toBe('false\n');
});
