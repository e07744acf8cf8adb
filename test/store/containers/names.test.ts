import { readdirSync, readlinkSync, symlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  createContainerDirectory,
  findContainer,
  idOfName,
  listContainers,
  readContainerRecord,
  removeContainerDirectory,
  renameContainer,
  sweepNames,
} from '../../../store/containers/index.ts';
import { replaceRecord } from '../../../store/containers/record.ts';
import { openStore } from '../../../store/layout.ts';
import { sweepContainers } from '../../../store/sweep.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { runStoreScript } from '../support/script.ts';

const ids = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];

test('a name is a link to an id, and the beginning of an id needs none', (context) => {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, ids[0], { name: 'web' });
  createContainerDirectory(store, ids[1]);
  expect(readdirSync(store.names)).toEqual(['web']);
  expect(readlinkSync(`${store.names}/web`)).toBe(ids[0]);
  expect([idOfName(store, 'web'), idOfName(store, 'db')]).toEqual([ids[0], undefined]);
});

test('a name that is taken is refused with who has it and what that does, and nothing is left', (context) => {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, ids[0], { name: 'web' });
  expect(() => createContainerDirectory(store, ids[1], { name: 'web' })).toThrow(
    expect.objectContaining({
      code: 'NAME_TAKEN',
      message: expect.stringContaining(`the name 'web' is that of container ${ids[0]}, which is created`) as string,
    }),
  );
  expect([readdirSync(store.containers), readdirSync(store.tmp)]).toEqual([[ids[0]], []]);
});

test('the beginning of another’s id is taken, too', (context) => {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, ids[0]);
  expect(() => createContainerDirectory(store, ids[1], { name: 'a'.repeat(12) })).toThrow(
    expect.objectContaining({ code: 'NAME_TAKEN' }),
  );
  for (const digits of [13, 64]) {
    expect(() => createContainerDirectory(store, ids[1], { name: 'a'.repeat(digits) })).toThrow(
      expect.objectContaining({ code: 'NAME_TAKEN' }),
    );
  }
  createContainerDirectory(store, ids[2], { name: 'd'.repeat(12) });
  expect(findContainer(store, 'd'.repeat(12)).id).toBe(ids[2]);
});

test('the name of a container that was removed is free', async (context) => {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, ids[0], { name: 'web' });
  await removeContainerDirectory(store, ids[0], 'web');
  expect(readdirSync(store.names)).toEqual([]);
  createContainerDirectory(store, ids[1], { name: 'web' });
  // Who removes the first once more does not take the name from the second.
  await removeContainerDirectory(store, ids[0], 'web');
  expect(idOfName(store, 'web')).toBe(ids[1]);
});

test('a container can be renamed, also to the beginning of its id and back', async (context) => {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, ids[0], { name: 'web' });
  createContainerDirectory(store, ids[1], { name: 'db' });
  expect((await renameContainer(store, ids[0], 'site')).name).toBe('site');
  expect([idOfName(store, 'web'), idOfName(store, 'site')]).toEqual([undefined, ids[0]]);
  await expect(renameContainer(store, ids[0], 'db')).rejects.toMatchObject({ code: 'NAME_TAKEN' });
  expect(readContainerRecord(store, ids[0])?.name).toBe('site');
  await renameContainer(store, ids[0], 'a'.repeat(12));
  expect(readdirSync(store.names)).toEqual(['db']);
  await renameContainer(store, ids[0], 'web');
  expect(readdirSync(store.names).sort()).toEqual(['db', 'web']);
  await expect(renameContainer(store, ids[2], 'any')).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' });
});

test('wherever a rename was interrupted, the container has one name and the other is free', (context) => {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, ids[0], { name: 'old' });
  // Killed after the first step.
  symlinkSync(ids[0], `${store.names}/new`);
  expect([idOfName(store, 'old'), idOfName(store, 'new')]).toEqual([ids[0], undefined]);
  createContainerDirectory(store, ids[1], { name: 'new' });
  // Killed after the second.
  replaceRecord(store, { ...findContainer(store, ids[0]), name: 'newer' });
  symlinkSync(ids[0], `${store.names}/newer`);
  expect([idOfName(store, 'old'), idOfName(store, 'newer')]).toEqual([undefined, ids[0]]);
  sweepNames(store);
  expect(readdirSync(store.names).sort()).toEqual(['new', 'newer']);
});

test('the names of a dead owner are free at once, and swept', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  const script = `
    import { createContainerDirectory, openStore } from 'store';
    const store = openStore(process.argv[2]);
    for (const digit of ['a', 'b']) createContainerDirectory(store, digit.repeat(64), { name: 'web-' + digit });
    console.log('made');
    setInterval(() => {}, 1000);
  `;
  await runStoreScript(context, script, [root], { onLine: (_line, kill) => kill('SIGKILL') });
  expect(readdirSync(store.names).sort()).toEqual(['web-a', 'web-b']);
  expect(listContainers(store)).toEqual([]);
  createContainerDirectory(store, ids[2], { name: 'web-a' });
  expect(idOfName(store, 'web-a')).toBe(ids[2]);
  await sweepContainers(store);
  expect([readdirSync(store.names), readdirSync(store.containers)]).toEqual([['web-a'], [ids[2]]]);
});

test('of many processes that want a name at once, one gets it', async (context) => {
  const root = temporaryDirectory(context);
  const script = `
    import { createContainerDirectory, openStore, removeContainerDirectory } from 'store';
    const store = openStore(process.argv[2]);
    let won = 0;
    for (let round = 0; round < 40; round++) {
      const id = process.pid + '-' + round;
      try {
        createContainerDirectory(store, id, { name: 'round-' + round });
        won++;
      } catch (error) {
        if (error.code !== 'NAME_TAKEN') throw error;
      }
    }
    console.log(won);
    setInterval(() => {}, 1000);
  `;
  openStore(root);
  const kills: ((signal: NodeJS.Signals) => void)[] = [];
  const onLine = (_line: string, kill: (signal: NodeJS.Signals) => void) => {
    kills.push(kill);
    // They live until all have tried: the name of one that has ended is free.
    if (kills.length === 3) for (const each of kills) each('SIGKILL');
  };
  const results = await Promise.all([1, 2, 3].map(() => runStoreScript(context, script, [root], { onLine })));
  expect(results.reduce((sum, { stdout }) => sum + Number(stdout), 0)).toBe(40);
});
