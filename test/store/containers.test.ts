import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  createContainerDirectory,
  readContainerRecord,
  removeContainerDirectory,
  usesOf,
} from '../../store/containers.ts';
import { openStore } from '../../store/layout.ts';
import { ownerOf } from '../../store/owner.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test("a container's directory comes with its record, which names its owner", (context) => {
  const store = openStore(temporaryDirectory(context));
  const { path, upper, work, record } = createContainerDirectory(store, 'box', { image: 'x', pid: 42 });
  expect(readdirSync(path).sort()).toEqual(['record.json', 'upper', 'work']);
  expect(readdirSync(upper)).toEqual([]);
  expect(readdirSync(work)).toEqual([]);
  expect(JSON.parse(readFileSync(record, 'utf8'))).toEqual({
    image: 'x',
    pid: 42,
    owner: ownerOf(store),
    uses: { layers: [] },
  });
  expect(readContainerRecord(store, 'box')).toMatchObject({ image: 'x', pid: 42 });
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
  createContainerDirectory(store, 'box', { first: true });
  expect(() => createContainerDirectory(store, 'box', {})).toThrow(
    expect.objectContaining({ code: 'CONTAINER_EXISTS', message: "there is a container with the id 'box'" }),
  );
  expect(readContainerRecord(store, 'box')).toMatchObject({ first: true });
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
  createContainerDirectory(store, 'first', { long: 'x'.repeat(400) });
  await removeContainerDirectory(store, 'first');
  await new Promise((resolve) => setImmediate(resolve));
  createContainerDirectory(store, 'second', { short: true });
  expect(readContainerRecord(store, 'second')).toEqual({
    short: true,
    owner: ownerOf(store),
    uses: { layers: [] },
  });
  createContainerDirectory(store, 'long', { long: 'y'.repeat(5000) });
  expect(readContainerRecord(store, 'long')).toMatchObject({ long: 'y'.repeat(5000) });
});

test('a record says what its container uses of the store, in names of it', (context) => {
  const store = openStore(temporaryDirectory(context));
  const layer = `${store.layers}/${'a'.repeat(64)}`;
  mkdirSync(layer);
  const uses = { image: `sha256:${'b'.repeat(64)}`, layers: ['/elsewhere', layer] };
  createContainerDirectory(store, 'box', {}, uses);
  expect(usesOf(readContainerRecord(store, 'box') ?? {})).toEqual({
    image: uses.image,
    layers: [`layers/${'a'.repeat(64)}`],
  });
});

test('of a layer that is gone no container is made, and nothing is left of it', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const layers = [`${store.layers}/${'a'.repeat(64)}`];
  expect(() => createContainerDirectory(store, 'box', {}, { layers })).toThrow(
    expect.objectContaining({ code: 'LAYER_NOT_FOUND', message: expect.stringContaining('layers/aaaa') as string }),
  );
  expect([...readdirSync(store.containers), ...readdirSync(store.tmp)]).toEqual([]);
});

test('a record that is no JSON is an error that names its file', (context) => {
  const store = openStore(temporaryDirectory(context));
  const { record } = createContainerDirectory(store, 'box', {});
  writeFileSync(record, '{"owner');
  expect(() => readContainerRecord(store, 'box')).toThrow(`'${record}' is not JSON`);
});
