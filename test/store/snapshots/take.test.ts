import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { type SnapshotRecord, snapshotPaths } from '../../../store/snapshots/record.ts';
import { MAX_LAYERS } from '../../../store/snapshots/take.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import {
  baseOfImage,
  containerPaths,
  createContainerDirectory,
  findImage,
  findSnapshot,
  listSnapshots,
  moveChanges,
  moveChangesBack,
  nameSnapshot,
  openStore,
  removeSnapshot,
  tagImage,
} from '../support/doors.ts';
import { storeOfImages } from '../support/images.ts';
import { describedSnapshot } from '../support/snapshots.ts';

function containerWithChanges(context: TestContext) {
  const store = openStore(join(temporaryDirectory(context), 'store'));
  const { upper } = createContainerDirectory(store, 'box', {});
  writeFileSync(join(upper, 'written'), 'by a container');
  return { store, upper };
}

test('changes become a snapshot by a rename, and the container goes on with none', (context) => {
  const { store, upper } = containerWithChanges(context);
  chmodSync(upper, 0o1750);
  const { ino } = statSync(upper);
  const { id } = moveChanges(store, 'box', describedSnapshot());
  const { layer } = snapshotPaths(store, id);
  expect([statSync(layer).ino, readFileSync(join(layer, 'written'), 'utf8')]).toEqual([ino, 'by a container']);
  expect([readdirSync(upper), statSync(upper).mode & 0o7777]).toEqual([[], 0o1750]);
  expect(readdirSync(store.tmp)).toEqual([]);
});

test('what is written down of a snapshot is read back', (context) => {
  const { store } = containerWithChanges(context);
  const description = describedSnapshot({ message: 'why', author: 'who', config: { Cmd: ['run'] } });
  const record = moveChanges(store, 'box', description);
  expect(findSnapshot(store, record.id)).toEqual(record);
  expect(record).toMatchObject(description);
});

test('a snapshot that cannot be published leaves the container as it was', (context) => {
  const { store, upper } = containerWithChanges(context);
  const { ino } = statSync(upper);
  rmSync(store.snapshots, { recursive: true });
  expect(() => moveChanges(store, 'box', describedSnapshot())).toThrow(/ENOENT/);
  expect([statSync(upper).ino, readdirSync(upper)]).toEqual([ino, ['written']]);
  expect(readdirSync(store.tmp)).toEqual([]);
});

test('a container gets its changes back when its snapshot is taken back', async (context) => {
  const { store, upper } = containerWithChanges(context);
  const { ino } = statSync(upper);
  const { id } = moveChanges(store, 'box', describedSnapshot());
  await moveChangesBack(store, 'box', id);
  expect([statSync(upper).ino, readdirSync(upper)]).toEqual([ino, ['written']]);
  expect([readdirSync(store.snapshots), readdirSync(store.tmp)]).toEqual([[], []]);
});

test('a snapshot on too many layers is refused with a way out', (context) => {
  const { store, upper } = containerWithChanges(context);
  const snapshots = Array.from({ length: MAX_LAYERS }, (_, index) => String(index).padStart(64, '0'));
  const attempt = () => moveChanges(store, 'box', describedSnapshot({ snapshots }));
  expect(attempt).toThrow(
    expect.objectContaining({ code: 'TOO_MANY_LAYERS', message: expect.stringContaining('200') }),
  );
  expect(readdirSync(upper)).toEqual(['written']);
});

test('a snapshot of an image has all of it that is needed to make an image of the snapshot', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest } = await load({ layers: [[{ name: 'one' }], [{ name: 'two' }]] }, 'app');
  const { base, platform } = baseOfImage(store, digest);
  const diffIds = base.kind === 'image' ? base.layers.map(({ diffId }) => diffId) : [];
  expect(findImage(store, 'app').layers).toEqual(diffIds.map((diffId) => join(store.layers, diffId.slice(7))));
  expect(platform).toMatchObject({ os: 'linux' });
});

test('a name is that of one image: the last that was given it', async (context) => {
  const { store, load } = storeOfImages(context);
  createContainerDirectory(store, 'box', {});
  const { digest } = await load({}, 'app');
  const taken: SnapshotRecord = moveChanges(store, 'box', describedSnapshot());
  expect(await nameSnapshot(store, taken, 'app')).toBe('docker.io/library/app:latest');
  expect(findSnapshot(store, 'app')?.id).toBe(taken.id);
  expect(() => findImage(store, 'app')).toThrow(expect.objectContaining({ code: 'IMAGE_NOT_FOUND' }));
  await tagImage(store, digest, 'app');
  expect(findSnapshot(store, 'app')).toBeUndefined();
  expect(findImage(store, 'app').digest).toBe(digest);
  await expect(nameSnapshot(store, taken, `app@${digest}`)).rejects.toMatchObject({ code: 'REFERENCE_INVALID' });
});

test('a named snapshot is written to the disk in the background, and outlives a start of the machine then', async (context) => {
  const { store } = containerWithChanges(context);
  const record = moveChanges(store, 'box', describedSnapshot());
  const paths = snapshotPaths(store, record.id);
  const written = JSON.parse(readFileSync(paths.record, 'utf8'));
  const restartMachine = () => writeFileSync(paths.record, JSON.stringify({ ...written, bootId: 'another' }));

  restartMachine();
  expect(() => findSnapshot(store, record.id)).toThrow(expect.objectContaining({ code: 'SNAPSHOT_NOT_FOUND' }));
  await nameSnapshot(store, record, 'app');
  await expect.poll(() => readdirSync(paths.path), { timeout: 20_000 }).toContain('synced');
  expect(findSnapshot(store, 'app')?.id).toBe(record.id);
});

test('a snapshot that is removed has no name and is not there any more', async (context) => {
  const { store } = containerWithChanges(context);
  const record = moveChanges(store, 'box', describedSnapshot());
  await nameSnapshot(store, record, 'app');
  expect(listSnapshots(store)).toMatchObject([
    { snapshot: record.id, references: ['docker.io/library/app:latest'], created: new Date(record.created) },
  ]);
  expect(await removeSnapshot(store, record.id)).toEqual(['docker.io/library/app:latest']);
  expect(findSnapshot(store, 'app')).toBeUndefined();
  expect(listSnapshots(store)).toEqual([]);
  expect(readdirSync(store.tmp)).toEqual([]);
});

test('a record that names no directory of the store is none', (context) => {
  const { store } = containerWithChanges(context);
  mkdirSync(join(store.snapshots, 'a'.repeat(64)));
  expect(() => snapshotPaths(store, '../containers/box')).toThrow(TypeError);
  expect(() => findSnapshot(store, 'a'.repeat(64))).toThrow(expect.objectContaining({ code: 'SNAPSHOT_NOT_FOUND' }));
  expect(containerPaths(store, 'box').path).toBe(join(store.containers, 'box'));
});
