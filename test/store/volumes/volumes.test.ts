/** Volumes on disk: made once, found, removed when nobody uses them. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import {
  createContainerDirectory,
  createVolume,
  listVolumeNames,
  openStore,
  pruneVolumes,
  readVolumeRecord,
  removeContainerDirectory,
  removeVolume,
  type Store,
  usersOfVolume,
  useVolume,
  volumePaths,
} from '../../../store/index.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const newStore = (context: TestContext): Store => openStore(join(temporaryDirectory(context), 'store'));

test('a volume has a record and an empty directory that others may enter', (context) => {
  const store = newStore(context);
  const made = createVolume(store, 'data', { labels: { a: 'b' } });
  expect(readVolumeRecord(store, 'data')).toEqual(made);
  expect(made).toMatchObject({ name: 'data', labels: { a: 'b' }, isUsed: false });
  const { data } = volumePaths(store, 'data');
  expect([readdirSync(data), statSync(data).mode & 0o7777]).toEqual([[], 0o755]);
  expect(readdirSync(store.tmp)).toEqual([]);
});

test('a volume of that name is there already: it is that one, with the labels it has', (context) => {
  const store = newStore(context);
  const first = createVolume(store, 'data', { labels: { a: 'b' } });
  expect(createVolume(store, 'data', { labels: { c: 'd' } })).toEqual(first);
  expect(listVolumeNames(store)).toEqual(['data']);
});

test('names that would lead out of the store are refused', (context) => {
  const store = newStore(context);
  for (const name of ['', '.', '..', 'a/b', '../a', '.a', 'a\0']) {
    expect(() => createVolume(store, name), name).toThrow(TypeError);
    expect(() => volumePaths(store, name), name).toThrow(TypeError);
  }
});

test('a record that is none, or of a later version, says so', (context) => {
  const store = newStore(context);
  createVolume(store, 'data');
  const { record } = volumePaths(store, 'data');
  const written = JSON.parse(readFileSync(record, 'utf8'));
  writeFileSync(record, JSON.stringify({ ...written, version: 2 }));
  expect(() => readVolumeRecord(store, 'data')).toThrow(expect.objectContaining({ code: 'RECORD_TOO_NEW' }));
  for (const text of ['', '[]', '{"version":1}']) {
    writeFileSync(record, text);
    expect(() => readVolumeRecord(store, 'data'), text).toThrow(expect.objectContaining({ code: 'RECORD_INVALID' }));
  }
});

test('a container’s volumes are made with it, and are not removed before it', async (context) => {
  const store = newStore(context);
  createContainerDirectory(store, 'c1', { name: 'user', uses: { volumes: ['data'] } });
  createVolume(store, 'free');
  expect(usersOfVolume(store, 'data')).toEqual(['user']);
  await expect(removeVolume(store, 'data')).rejects.toMatchObject({ code: 'VOLUME_IN_USE' });
  expect(await pruneVolumes(store)).toMatchObject({ volumes: ['free'] });
  await removeContainerDirectory(store, 'c1');
  await removeVolume(store, 'data');
  await expect(removeVolume(store, 'data')).rejects.toMatchObject({ code: 'VOLUME_NOT_FOUND' });
  expect(readdirSync(store.tmp)).toEqual([]);
});

test('pruning takes those that are chosen, and says what they took of the disk', async (context) => {
  const store = newStore(context);
  for (const name of ['kept', 'going']) createVolume(store, name, { labels: { name } });
  writeFileSync(join(volumePaths(store, 'going').data, 'file'), Buffer.alloc(100_000, 1));
  const { volumes, bytes } = await pruneVolumes(store, ({ labels }) => labels.name === 'going');
  expect(volumes).toEqual(['going']);
  expect(bytes).toBeGreaterThanOrEqual(100_000);
  expect(listVolumeNames(store)).toEqual(['kept']);
});

test('a volume is filled by the first who is to have it, and what an earlier one left half done is gone', async (context) => {
  const store = newStore(context);
  const layer = temporaryDirectory(context);
  mkdirSync(join(layer, 'srv'));
  writeFileSync(join(layer, 'srv/file'), 'of the image');
  createVolume(store, 'data');
  const { data, filling } = volumePaths(store, 'data');
  mkdirSync(filling);
  writeFileSync(join(filling, 'half'), '');
  const source = { layers: [layer], views: [], path: '/srv' };
  await Promise.all([useVolume(store, 'data', source), useVolume(store, 'data', source)]);
  expect(readdirSync(data)).toEqual(['file']);
  expect(readVolumeRecord(store, 'data')?.isUsed).toBe(true);
  writeFileSync(join(layer, 'srv/later'), '');
  await useVolume(store, 'data', source);
  expect(readdirSync(data)).toEqual(['file']);
  expect(readdirSync(store.locks).filter((name) => name.startsWith('volume-'))).toEqual([]);
});
