import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createContainerDirectory } from '../../store/containers/index.ts';
import { openStore, type Store } from '../../store/layout.ts';
import { temporaryPath } from '../../store/owner.ts';
import { sweepContainers } from '../../store/sweep.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runStoreScript } from './support/script.ts';

/** Makes containers and something in tmp, says so and waits. */
const OWNER = `
  import { mkdirSync, writeFileSync } from 'node:fs';
  import { createContainerDirectory, openStore, removeContainerDirectory, temporaryPath } from 'store';
  const store = openStore(process.argv[2]);
  const { upper, work } = createContainerDirectory(store, process.argv[3] + '-a', {});
  mkdirSync(upper + '/etc');
  mkdirSync(work + '/work', { mode: 0 });
  createContainerDirectory(store, process.argv[3] + '-b', {});
  const spare = createContainerDirectory(store, process.argv[3] + '-c', {});
  removeContainerDirectory(store, process.argv[3] + '-c');
  mkdirSync(temporaryPath(store) + '/half/a/layer', { recursive: true });
  console.log('made');
  if (process.argv[4] === 'wait') setInterval(() => {}, 1000);
`;

const kill = (_: string, signal: (name: NodeJS.Signals) => void) => signal('SIGKILL');
const rooms = ({ containers, tmp, spares, locks }: Store) => ({
  containers: readdirSync(containers).sort(),
  tmp: readdirSync(tmp),
  spares: readdirSync(spares),
  owners: readdirSync(locks).filter((name) => name.startsWith('owner-')).length,
});

test('what a killed process left is swept, and what a living one has is not', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  createContainerDirectory(store, 'mine', {});
  const mine = temporaryPath(store);
  writeFileSync(mine, '');
  await runStoreScript(context, OWNER, [root, 'dead', 'wait'], { onLine: kill });
  expect(rooms(store).containers).toEqual(['dead-a', 'dead-b', 'mine']);
  const { containers, owners } = await sweepContainers(store);
  expect([...containers].sort()).toEqual(['dead-a', 'dead-b']);
  expect(owners).toBe(1);
  expect(rooms(store)).toEqual({
    containers: ['mine'],
    tmp: [mine.slice(store.tmp.length + 1)],
    spares: [],
    owners: 1,
  });
  expect(await sweepContainers(store)).toEqual({ containers: [], owners: 0 });
});

test('what a process left that ended by itself is swept too', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  await runStoreScript(context, OWNER, [root, 'ended']);
  expect((await sweepContainers(store)).containers).toHaveLength(2);
  expect(rooms(store)).toMatchObject({ containers: [], tmp: [], spares: [] });
});

test('a process that leaves nothing leaves no lock either', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  const before = rooms(store).owners;
  const script = `
    import { createContainerDirectory, openStore, removeContainerDirectory } from 'store';
    const store = openStore(process.argv[2]);
    for (const id of ['a', 'b']) createContainerDirectory(store, id, {});
    for (const id of ['a', 'b']) await removeContainerDirectory(store, id);
    console.log('done');
  `;
  const { stdout, stderr } = await runStoreScript(context, script, [root]);
  expect(stdout + stderr).toBe('done\n');
  expect(rooms(store)).toEqual({ containers: [], tmp: [], spares: [], owners: before });
});

test('of a record that the power cut short, the container is swept with the next dead owner', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  mkdirSync(join(store.containers, 'cut'));
  writeFileSync(join(store.containers, 'cut/record.json'), '');
  await runStoreScript(context, OWNER, [root, 'dead', 'wait'], { onLine: kill });
  expect((await sweepContainers(store)).containers).toContain('cut');
  expect(rooms(store).containers).toEqual([]);
});

test('a sweep that was killed is finished by the next', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  await runStoreScript(context, OWNER, [root, 'dead', 'wait'], { onLine: kill });
  const script = `
    import { openStore, sweepContainers } from 'store';
    setImmediate(() => process.kill(process.pid, 'SIGKILL'));
    await sweepContainers(openStore(process.argv[2]));
  `;
  await runStoreScript(context, script, [root]);
  await sweepContainers(store);
  await sweepContainers(store);
  expect(rooms(store)).toMatchObject({ containers: [], tmp: [], spares: [] });
});

test('many may sweep while others make and remove containers', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  await runStoreScript(context, OWNER, [root, 'dead', 'wait'], { onLine: kill });
  const script = `
    import { createContainerDirectory, openStore, readContainerRecord, removeContainerDirectory, sweepContainers } from 'store';
    const store = openStore(process.argv[2]);
    for (let i = 0; i < 30; i++) {
      const id = 'box-' + process.pid + '-' + i;
      createContainerDirectory(store, id, { options: { i } });
      await sweepContainers(store);
      if (readContainerRecord(store, id)?.options.i !== i) throw new Error('swept alive: ' + id);
      await removeContainerDirectory(store, id);
    }
    console.log('fine');
  `;
  const results = await Promise.all(Array.from({ length: 4 }, () => runStoreScript(context, script, [root])));
  expect(results.map(({ stdout, stderr }) => stdout + stderr)).toEqual(['fine\n', 'fine\n', 'fine\n', 'fine\n']);
  await sweepContainers(store);
  expect(rooms(store)).toMatchObject({ containers: [], tmp: [], spares: [] });
});
