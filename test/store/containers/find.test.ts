import { symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  containerLockPath,
  createContainerDirectory,
  findContainer,
  isAbandoned,
  listContainers,
  readContainerRecord,
} from '../../../store/containers/index.ts';
import { replaceRecord } from '../../../store/containers/record.ts';
import { openStore } from '../../../store/layout.ts';
import { tryLock } from '../../../store/lock.ts';
import { sweepContainers } from '../../../store/sweep.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { runStoreScript } from '../support/script.ts';

test('a whole id is no name, also where an earlier version has let it be one', (context) => {
  const store = openStore(temporaryDirectory(context));
  const [one, other, gone] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];
  createContainerDirectory(store, other, { name: gone });
  expect(() => findContainer(store, gone)).toThrow(expect.objectContaining({ code: 'CONTAINER_NOT_FOUND' }));
  createContainerDirectory(store, one);
  symlinkSync(other, `${store.names}/${one}`);
  replaceRecord(store, { ...findContainer(store, other), name: one });
  expect(findContainer(store, one).id).toBe(one);
});

test('a container is found by its name, its id, and the beginning of that', (context) => {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, 'abc1', { name: 'web' });
  createContainerDirectory(store, 'abc2', { name: 'abc' });
  expect(findContainer(store, 'web').id).toBe('abc1');
  expect(findContainer(store, 'abc1').id).toBe('abc1');
  // A name counts before the beginning of an id.
  expect(findContainer(store, 'abc').id).toBe('abc2');
  expect(() => findContainer(store, 'ab')).toThrow(
    expect.objectContaining({
      code: 'CONTAINER_AMBIGUOUS',
      message: "several containers have an id that begins with 'ab': abc1 (web), abc2 (abc)",
    }),
  );
  expect(() => findContainer(store, 'nginx')).toThrow(
    expect.objectContaining({
      code: 'CONTAINER_NOT_FOUND',
      message: `no container of the store at '${store.root}' is called 'nginx': there are web, abc`,
    }),
  );
  for (const reference of ['', '.', '..', '../containers', 'a/b']) {
    expect(() => findContainer(store, reference)).toThrow(expect.objectContaining({ code: 'CONTAINER_NOT_FOUND' }));
  }
});

test('containers are listed in the order in which they were made; what is damaged hides nothing', (context) => {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, 'second', { createdAt: '2026-01-02T00:00:00.000Z' });
  createContainerDirectory(store, 'third', { createdAt: '2026-01-03T00:00:00.000Z' });
  createContainerDirectory(store, 'first', { createdAt: '2026-01-01T00:00:00.000Z' });
  const { record } = createContainerDirectory(store, 'damaged');
  writeFileSync(record, '{');
  expect(listContainers(store).map(({ id }) => id)).toEqual(['first', 'second', 'third']);
});

test('a detached container outlives who made it, unless he died before it was started', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  const script = `
    import { CellWriter, CREATED, containerPaths, createContainerDirectory, openStore } from 'store';
    const store = openStore(process.argv[2]);
    createContainerDirectory(store, 'created', { detached: true, isOwned: false });
    for (const id of ['starting', 'supervised', 'started']) createContainerDirectory(store, id, { detached: true });
    new CellWriter(containerPaths(store, 'started').state, CREATED).write({ phase: 'running', pid: process.pid });
    console.log('made');
    setInterval(() => {}, 1000);
  `;
  const lock = tryLock(containerLockPath(store, 'supervised'));
  tryLock(containerLockPath(store, 'nobody'))?.release();
  const ids = () =>
    listContainers(store)
      .map(({ id }) => id)
      .sort();
  await runStoreScript(context, script, [root], {
    onLine(_line, kill) {
      expect(ids()).toEqual(['created', 'started', 'starting', 'supervised']);
      kill('SIGKILL');
    },
  });
  expect(ids()).toEqual(['created', 'started', 'supervised']);
  const starting = readContainerRecord(store, 'starting');
  expect(starting !== undefined && isAbandoned(store, starting)).toBe(true);
  expect(await sweepContainers(store)).toEqual({ containers: ['starting'], owners: 1 });
  expect(ids()).toEqual(['created', 'started', 'supervised']);
  expect(tryLock(containerLockPath(store, 'nobody'), { create: false })).toBeUndefined();
  lock?.release();
});
