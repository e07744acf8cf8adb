import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  createContainerDirectory,
  listContainers,
  readContainerRecord,
  removeContainerDirectory,
} from '../../../store/containers/index.ts';
import { openStore } from '../../../store/layout.ts';
import { ownerOf } from '../../../store/owner.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

test("a container's directory comes with its record, which names its owner", (context) => {
  const store = openStore(temporaryDirectory(context));
  const { path, upper, work, record } = createContainerDirectory(store, 'box', {
    labels: { tier: 'db' },
    createdAt: '2026-01-02T03:04:05.678Z',
  });
  expect(readdirSync(path).sort()).toEqual(['record.json', 'state', 'upper', 'work']);
  expect(readdirSync(upper)).toEqual([]);
  expect(readdirSync(work)).toEqual([]);
  const content = {
    id: 'box',
    name: 'box',
    image: { name: 'host', origin: { kind: 'host' } },
    createdAt: '2026-01-02T03:04:05.678Z',
    labels: { tier: 'db' },
    options: {},
    detached: false,
    owner: ownerOf(store),
    uses: { layers: [], volumes: [], mounted: [] },
  };
  expect(JSON.parse(readFileSync(record, 'utf8'))).toEqual({ version: 1, ...content });
  expect(readContainerRecord(store, 'box')).toEqual(content);
  expect(readdirSync(store.tmp)).toEqual([]);
});

test('the root of a container can be passed by all its users, whatever the umask', (context) => {
  const store = openStore(temporaryDirectory(context));
  const umask = process.umask(0o077);
  context.onTestFinished(() => void process.umask(umask));
  expect(statSync(createContainerDirectory(store, 'box', {}).upper).mode & 0o7777).toBe(0o755);
});

test('an id is taken once', (context) => {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, 'box', { labels: { first: 'yes' } });
  expect(() => createContainerDirectory(store, 'box', {})).toThrow(
    expect.objectContaining({ code: 'CONTAINER_EXISTS', message: "there is a container with the id 'box'" }),
  );
  expect(readContainerRecord(store, 'box')).toMatchObject({ labels: { first: 'yes' } });
  expect(readdirSync(store.tmp)).toEqual([]);
});

test('an id that is a path is refused', (context) => {
  const store = openStore(temporaryDirectory(context));
  expect(() => createContainerDirectory(store, '../escape', {})).toThrow(TypeError);
});

test('a container that changed nothing is gone, and its id is free', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const { work } = createContainerDirectory(store, 'box', {});
  mkdirSync(join(work, 'work'), { mode: 0 });
  await removeContainerDirectory(store, 'box');
  expect(readContainerRecord(store, 'box')).toBeUndefined();
  expect([...readdirSync(store.containers), ...readdirSync(store.tmp)]).toEqual([]);
  await removeContainerDirectory(store, 'box');
  createContainerDirectory(store, 'box', {});
});

test('what a container left is never there for the next', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
  const changes: readonly ((upper: string) => void)[] = [
    (upper) => writeFileSync(join(upper, 'file'), 'secret'),
    (upper) => chmodSync(upper, 0o700),
    (upper) => mkdirSync(join(upper, 'dir')),
  ];
  for (const [index, change] of changes.entries()) {
    change(createContainerDirectory(store, `box${index}`, {}).upper);
    await removeContainerDirectory(store, `box${index}`);
    await nextTurn();
    const { upper } = createContainerDirectory(store, `next${index}`, {});
    expect(readdirSync(upper)).toEqual([]);
    expect(statSync(upper).mode & 0o7777).toBe(0o755);
  }
});

test('the record of a directory that is used again is the new one', async (context) => {
  const store = openStore(temporaryDirectory(context));
  createContainerDirectory(store, 'first', { labels: { long: 'x'.repeat(400) } });
  await removeContainerDirectory(store, 'first');
  await new Promise((resolve) => setImmediate(resolve));
  createContainerDirectory(store, 'second', { labels: { short: 'yes' } });
  expect(readContainerRecord(store, 'second')).toMatchObject({ id: 'second', labels: { short: 'yes' } });
  createContainerDirectory(store, 'long', { labels: { long: 'y'.repeat(5000) } });
  expect(readContainerRecord(store, 'long')).toMatchObject({ labels: { long: 'y'.repeat(5000) } });
});

test('a record says what its container uses of the store, in names of it', (context) => {
  const store = openStore(temporaryDirectory(context));
  const layer = `${store.layers}/${'a'.repeat(64)}`;
  mkdirSync(layer);
  const uses = { image: `sha256:${'b'.repeat(64)}`, layers: ['/elsewhere', layer] };
  createContainerDirectory(store, 'box', { uses });
  const layers = [`layers/${'a'.repeat(64)}`];
  expect(readContainerRecord(store, 'box')?.uses).toMatchObject({ image: uses.image, layers, volumes: [] });
});

test('of a layer that is gone no container is made, and nothing is left of it', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const layers = [`${store.layers}/${'a'.repeat(64)}`];
  expect(() => createContainerDirectory(store, 'box', { uses: { layers } })).toThrow(
    expect.objectContaining({ code: 'LAYER_NOT_FOUND', message: expect.stringContaining('layers/aaaa') as string }),
  );
  expect([...readdirSync(store.containers), ...readdirSync(store.tmp)]).toEqual([]);
});

test.each([
  ['{"owner', 'Unterminated string'],
  ['[]', 'the record must be an object'],
  ['{"version":1,"id":"other"}', 'it is that of "other"'],
  ['{"version":0}', 'its version is 0'],
  ['{"version":1,"id":"box","image":{"name":"x","origin":{"kind":"moon"}},"uses":{},"name":"x"}', 'kind is "moon"'],
])('a record that says %s is an error that names its file', (text, reason) => {
  const root = mkdtempSync(join(tmpdir(), 'caisson-record-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const store = openStore(root);
  const { record } = createContainerDirectory(store, 'box');
  writeFileSync(record, text);
  const expected = new RegExp(`'${record}' is not the record of a container: .*${reason}`);
  expect(() => readContainerRecord(store, 'box')).toThrow(expected);
});

test('the record of a later caisson is left alone', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const { record } = createContainerDirectory(store, 'box');
  writeFileSync(record, '{"version":2}');
  expect(() => readContainerRecord(store, 'box')).toThrow(expect.objectContaining({ code: 'RECORD_TOO_NEW' }));
  expect(listContainers(store)).toEqual([]);
});
