/** Layers are not waited for until they are on the disk; what a power cut takes away of them is unpacked again. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { createContainerDirectory } from '../../store/containers/index.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { UNPRIVILEGED_UID } from '../support/unprivileged.ts';
import { serveImage } from './registry/support/serve-image.ts';
import { findImage, importImage, openStore, pullImage, type Store, unpackImage } from './support/doors.ts';
import { countsOf, storeOfImages } from './support/images.ts';
import { loseUnsynced } from './support/lose-unsynced.ts';
import { has } from './support/programs.ts';
import { runStoreScript } from './support/script.ts';
import { tar } from './support/tar-writer.ts';

const LAYERS = [[{ name: 'a', content: 'A' }], [{ name: 'b', content: 'B' }]];
const notesIn = ({ unsynced }: Store) => (existsSync(unsynced) ? readdirSync(unsynced) : []);
const contentOf = (layers: readonly string[]) =>
  layers.map((layer) => readdirSync(layer).map((name) => readFileSync(join(layer, name), 'utf8')));

/** The store as the next start of the machine finds it, at another path: no process has looked at it before. */
function afterPowerCut(store: Store): Store {
  const root = `${store.root}-afterwards`;
  renameSync(store.root, root);
  expect(loseUnsynced(root)).toBeGreaterThan(0);
  return openStore(root);
}

/** What notes say while layers are not on the disk, written by hand: the process that removes it is quick. */
function noteOf(store: Store, layers: readonly string[]): void {
  mkdirSync(store.unsynced, { recursive: true });
  const names = layers.map((path) => path.slice(store.root.length + 1));
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  writeFileSync(join(store.unsynced, 'owner-0.0'), JSON.stringify({ bootId, layers: names }));
}

async function loadedAndLost(context: TestContext) {
  const { store, load } = storeOfImages(context);
  const { layers } = await load({ layers: LAYERS }, 'app');
  await expect.poll(() => notesIn(store)).toEqual([]);
  noteOf(store, layers);
  return afterPowerCut(store);
}

test('it is noted when layers are on the disk, also when the process that unpacked them has ended', async (context) => {
  const { store, directory } = storeOfImages(context);
  const archive = join(directory, 'root.tar');
  writeFileSync(archive, tar({ name: 'a' }));
  const script = `
    import { importImage, openStore } from 'store';
    const [root, archive] = process.argv.slice(2);
    await importImage(openStore(root), archive, { reference: 'root' });
    process.exit();
  `;
  expect(await runStoreScript(context, script, [store.root, archive])).toMatchObject({ stdout: '', stderr: '' });
  expect(existsSync(store.unsynced)).toBe(true);
  await expect.poll(() => notesIn(store)).toEqual([]);
});

test('layers that are not on the disk yet are used by everybody, as long as the machine runs', async (context) => {
  const { store, load } = storeOfImages(context);
  const { layers } = await load({ layers: LAYERS }, 'app');
  noteOf(store, layers);
  const script = `
    import { findImage, openStore } from 'store';
    console.log(findImage(openStore(process.argv[2]), 'app').layers.length);
  `;
  expect(await runStoreScript(context, script, [store.root])).toMatchObject({ stdout: '2\n', stderr: '' });
});

test('layers that were lost with the power are not found, and are unpacked again from their blobs', async (context) => {
  const store = await loadedAndLost(context);
  expect(() => findImage(store, 'app')).toThrow(expect.objectContaining({ code: 'LAYER_NOT_FOUND' }));
  const { layers } = await unpackImage(store, 'app');
  expect(contentOf(layers)).toEqual([['A'], ['B']]);
  expect(findImage(store, 'app').layers).toEqual(layers);
  expect(countsOf(store)).toMatchObject({ layers: 2, tmp: 0 });
  await expect.poll(() => notesIn(store)).toEqual([]);
});

test('another image brings a layer that was lost', async (context) => {
  const store = await loadedAndLost(context);
  const archive = join(store.root, '..', 'root.tar');
  writeFileSync(archive, tar({ name: 'a', content: 'A' }));
  const { layers } = await importImage(store, archive);
  expect(contentOf(layers)).toEqual([['A']]);
});

test('no container is made of a layer that was lost', async (context) => {
  const store = await loadedAndLost(context);
  const layers = readdirSync(store.layers).map((name) => join(store.layers, name));
  expect(() => createContainerDirectory(store, 'box', { uses: { layers } })).toThrow(
    expect.objectContaining({ code: 'LAYER_NOT_FOUND' }),
  );
  expect(readdirSync(store.containers)).toEqual([]);
});

test('a lost layer of an image that was pulled needs no registry', async (context) => {
  const { store, pull, asked, name } = await serveImage(context, { layers: LAYERS });
  const { layers } = await pull();
  await expect.poll(() => notesIn(store)).toEqual([]);
  noteOf(store, layers);
  const before = asked.length;
  const again = await pullImage(afterPowerCut(store), name, { policy: 'never' });
  expect(contentOf(again.layers)).toEqual([['A'], ['B']]);
  expect(asked).toHaveLength(before);
});

test('a note that is not whole means nothing: no layer had its name yet', async (context) => {
  const { store, load } = storeOfImages(context);
  await load({ layers: LAYERS }, 'app');
  mkdirSync(store.unsynced, { recursive: true });
  writeFileSync(join(store.unsynced, 'owner-0.0'), '{"bootId":"anoth');
  const root = `${store.root}-afterwards`;
  renameSync(store.root, root);
  expect(contentOf(findImage(openStore(root), 'app').layers)).toEqual([['A'], ['B']]);
});

test('where no process can be started that syncs, the note stays', async (context) => {
  requires(context, has('prlimit') && process.geteuid?.() === 0, 'root, to be somebody with a limit, and prlimit');
  const directory = temporaryDirectory(context, 0o777);
  writeFileSync(join(directory, 'root.tar'), tar({ name: 'a', content: 'A' }));
  const script = `
    import { importImage, openStore } from 'store';
    import { execFileSync } from 'node:child_process';
    import { readdirSync } from 'node:fs';
    import { readFile } from 'node:fs/promises';
    const [directory] = process.argv.slice(2);
    const store = openStore(directory + '/store');
    // Node's own threads are there before the limit is.
    await readFile(directory + '/root.tar');
    execFileSync('prlimit', ['--nproc=1', '--pid', String(process.pid)]);
    const { layers } = await importImage(store, directory + '/root.tar');
    console.log(readdirSync(layers[0]), readdirSync(store.unsynced).length);
  `;
  const result = await runStoreScript(context, script, [directory], { uid: UNPRIVILEGED_UID });
  expect(result).toMatchObject({ stdout: "[ 'a' ] 1\n", stderr: '' });
});
