import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test, vi } from 'vitest';
import { createContainerDirectory, removeContainerDirectory } from '../../../store/containers/index.ts';
import { containerPathsIn, openStore, type Store } from '../../../store/layout.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

/** Whether a container gets the directory of one that was removed before it, with what `leave` has left there. */
async function isGivenOn(context: TestContext, leave: (path: string, store: Store) => void): Promise<boolean> {
  const store = openStore(temporaryDirectory(context));
  const { path, state } = createContainerDirectory(store, 'first', {});
  const fresh = readFileSync(state);
  writeFileSync(state, 'of the first', { flag: 'r+' });
  leave(path, store);
  await removeContainerDirectory(store, 'first');
  // It is cleaned when this thread has nothing else to do, its state last.
  const isDone = () =>
    readdirSync(store.spares).every((name) =>
      readFileSync(containerPathsIn(join(store.spares, name)).state).equals(fresh),
    );
  await vi.waitUntil(isDone);
  const spares = readdirSync(store.spares).length;
  const { work } = createContainerDirectory(store, 'second', {});
  expect(readdirSync(work)).toEqual([]);
  expect(readdirSync(store.spares)).toEqual([]);
  return spares === 1;
}

test('the directory of a container whose changes were in memory is given on', async (context) => {
  expect(await isGivenOn(context, () => {})).toBe(true);
});

test('that of a container on disk is given on without what overlayfs left', async (context) => {
  const leave = (path: string) => {
    mkdirSync(join(path, 'work/work/incompat/volatile'), { recursive: true });
    writeFileSync(join(path, 'work/work/incompat/volatile/dirty'), '');
  };
  expect(await isGivenOn(context, leave)).toBe(true);
});

test('one that was changed, or has something else in it, is not', async (context) => {
  expect(await isGivenOn(context, (path) => writeFileSync(join(path, 'upper/changed'), ''))).toBe(false);
  expect(await isGivenOn(context, (path) => writeFileSync(join(path, 'work/other'), ''))).toBe(false);
});
