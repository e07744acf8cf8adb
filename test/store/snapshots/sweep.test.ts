import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { type SnapshotRecord, snapshotPaths } from '../../../store/snapshots/record.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import {
  containerPaths,
  createContainerDirectory,
  findImage,
  materializeSnapshot,
  moveChanges,
  nameSnapshot,
  openStore,
  pruneStore,
  removeContainerDirectory,
  removeImage,
  removeSnapshot,
  type Store,
  sweepContainers,
} from '../support/doors.ts';
import { runStoreScript } from '../support/script.ts';
import { describedSnapshot } from '../support/snapshots.ts';

function storeOf(context: TestContext): Store {
  return openStore(join(temporaryDirectory(context, 0o755), 'store'));
}

/** Takes a snapshot of a container that is then removed. */
async function take(store: Store, below: readonly SnapshotRecord[] = []): Promise<SnapshotRecord> {
  createContainerDirectory(store, 'box', {});
  writeFileSync(join(containerPaths(store, 'box').upper, 'file'), String(below.length));
  const snapshots = below.map(({ id }) => id);
  const taken = moveChanges(store, 'box', describedSnapshot({ snapshots }));
  await removeContainerDirectory(store, 'box');
  return taken;
}

/** Has another process take snapshots and die: one without a name, one with, and one on which a named one lies. */
async function takenByTheDead(context: TestContext, store: Store): Promise<Record<string, string>> {
  const { stdout, stderr } = await runStoreScript(
    context,
    `
      import { createContainerDirectory, moveChanges, nameSnapshot, openStore } from 'store';
      const store = openStore(process.argv[2]);
      const description = JSON.parse(process.argv[3]);
      createContainerDirectory(store, 'of-the-dead', {});
      const take = (...snapshots) => moveChanges(store, 'of-the-dead', { ...description, snapshots });
      const taken = { nameless: take(), named: take(), below: take() };
      taken.above = take(taken.below.id);
      await nameSnapshot(store, taken.named, 'named');
      await nameSnapshot(store, taken.above, 'above');
      console.log(JSON.stringify(Object.fromEntries(Object.entries(taken).map(([name, { id }]) => [name, id]))));
      process.kill(process.pid, 'SIGKILL');
    `,
    [store.root, JSON.stringify(describedSnapshot())],
  );
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const isThere = (store: Store, { id }: { id: string | undefined }) => existsSync(snapshotPaths(store, id ?? '').path);

test('a snapshot without a name lives as long as the process that took it', async (context) => {
  const store = storeOf(context);
  const mine = await take(store);
  const { nameless, named, below, above } = await takenByTheDead(context, store);
  await sweepContainers(store);
  expect([nameless, named, below, above].map((id) => isThere(store, { id }))).toEqual([false, true, true, true]);
  expect(isThere(store, mine)).toBe(true);
  expect(readdirSync(store.tmp)).toEqual([]);
});

test('a snapshot that a container was made of stays until that is gone', async (context) => {
  const store = storeOf(context);
  const taken = await take(store);
  createContainerDirectory(store, 'user', { uses: { layers: [snapshotPaths(store, taken.id).layer] } });
  await removeSnapshot(store, taken.id);
  expect(isThere(store, taken)).toBe(true);
  await removeContainerDirectory(store, 'user');
  await removeSnapshot(store, taken.id);
  expect(isThere(store, taken)).toBe(false);
});

test('a snapshot that another lies on stays as long as that one', async (context) => {
  const store = storeOf(context);
  const below = await take(store);
  const above = await take(store, [below]);
  await removeSnapshot(store, below.id);
  expect(isThere(store, below)).toBe(true);
  await removeSnapshot(store, above.id);
  await removeSnapshot(store, below.id);
  expect([isThere(store, below), isThere(store, above)]).toEqual([false, false]);
});

test('a snapshot stays that has the layer of an image, and goes with the image', async (context) => {
  const store = storeOf(context);
  const taken = await take(store);
  const { digest } = await materializeSnapshot(store, taken.id, { references: ['docker.io/library/app:latest'] });
  await removeSnapshot(store, taken.id);
  await pruneStore(store);
  expect(readdirSync(findImage(store, digest).layers[0] as string)).toEqual(['file']);
  await removeImage(store, 'app');
  await removeSnapshot(store, taken.id);
  expect(isThere(store, taken)).toBe(false);
  expect([readdirSync(store.layers), readdirSync(store.blobs)]).toEqual([[], []]);
});

test('a snapshot that was lost with the power goes, and its name with it', async (context) => {
  const store = storeOf(context);
  const lost = await take(store);
  await nameSnapshot(store, lost, 'lost');
  const { path, record, synced } = snapshotPaths(store, lost.id);
  await expect.poll(() => existsSync(synced), { timeout: 20_000 }).toBe(true);
  rmSync(synced);
  writeFileSync(record, JSON.stringify({ ...JSON.parse(readFileSync(record, 'utf8')), bootId: 'another' }));
  await pruneStore(store);
  expect(existsSync(path)).toBe(false);
  expect(readFileSync(join(store.snapshots, 'names.json'), 'utf8')).toBe('{}');
});
