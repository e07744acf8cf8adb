/** Several processes use one store at the same time, and none takes from another what it needs. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { readCatalog } from '../../store/catalog.ts';
import { blobPath, layerPath } from '../../store/layout.ts';
import { addNeeds, noNeeds } from '../../store/needs.ts';
import { listImages, pruneStore, type Store, sweepContainers } from './support/doors.ts';
import { layoutFiles, writeArchive } from './support/image.ts';
import { countsOf, storeOfImages } from './support/images.ts';
import { runStoreScript } from './support/script.ts';

const SHARED = [{ name: 'shared/file', content: 'x'.repeat(10_000) }];

/** Archives of images that share a layer and have one of their own. */
function makeArchives(directory: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const own = join(directory, String(index));
    mkdirSync(own);
    const layers = [SHARED, [{ name: `own-${index}`, content: String(index) }]];
    return writeArchive(own, layoutFiles({ layers, config: { Cmd: [String(index)] } }));
  });
}

/** What of the images in the index is not there. */
function missingIn(store: Store): string[] {
  const needs = noNeeds();
  for (const entry of readCatalog(store)) addNeeds(needs, store, entry);
  const paths = [
    ...[...needs.blobs.keys()].map((digest) => blobPath(store, digest)),
    ...[...needs.layers].map((diffId) => layerPath(store, diffId)),
  ];
  return [...needs.broken, ...paths.filter((path) => !existsSync(path))];
}

async function run(context: TestContext, scripts: readonly (readonly [script: string, ...args: string[]])[]) {
  const results = await Promise.all(scripts.map(([script, ...args]) => runStoreScript(context, script, args)));
  return results.map(({ stdout, stderr }) => stdout + stderr);
}

/** Loads and uses an image again and again: what it has just loaded is there until it removes it itself. */
const LOAD = `
  import { createContainerDirectory, loadImage, openStore, removeContainerDirectory, removeImage, tagImage } from 'store';
  import { existsSync, readdirSync } from 'node:fs';
  const [root, archive, name] = process.argv.slice(2);
  const store = openStore(root);
  for (let i = 0; i < 12; i++) {
    const image = await loadImage(store, archive, { reference: name });
    createContainerDirectory(store, name + i, { uses: { image: image.digest, layers: image.layers } });
    await removeImage(store, name, { force: true });
    for (const layer of image.layers) if (readdirSync(layer).length !== 1) throw new Error('emptied: ' + layer);
    await removeContainerDirectory(store, name + i);
    await loadImage(store, archive, { reference: name });
    await tagImage(store, name, name + ':again');
  }
  console.log('fine');
`;

const PRUNE = `
  import { openStore, pruneStore } from 'store';
  const store = openStore(process.argv[2]);
  for (let i = 0; i < 40; i++) await pruneStore(store);
  console.log('fine');
`;

test('processes load, use, tag and remove images that share layers, while others prune', async (context) => {
  const { store, directory } = storeOfImages(context);
  const archives = makeArchives(directory, 3);
  const loaders = archives.map((archive, index) => [LOAD, store.root, archive, `image${index}`] as const);
  const outputs = await run(context, [...loaders, [PRUNE, store.root], [PRUNE, store.root]]);
  expect(outputs).toEqual(outputs.map(() => 'fine\n'));
  expect(missingIn(store)).toEqual([]);
  expect(listImages(store).flatMap(({ references }) => references)).toHaveLength(6);
  await sweepContainers(store);
  expect(countsOf(store)).toEqual({ blobs: 3 * 3 + 1, layers: 4, tmp: 0 });
});

/** Makes containers of an image without a name that anybody may prune: either a container has its layers, or there is none. */
const CREATE = `
  import { createContainerDirectory, findImage, openStore, removeContainerDirectory } from 'store';
  import { readdirSync } from 'node:fs';
  const [root, digest] = process.argv.slice(2);
  const store = openStore(root);
  const { layers } = findImage(store, digest);
  console.log('ready');
  let made = 0;
  for (;;) {
    try {
      createContainerDirectory(store, 'box' + process.pid, { uses: { layers } });
    } catch (error) {
      if (error.code !== 'LAYER_NOT_FOUND') throw error;
      break;
    }
    made++;
    for (const layer of layers) if (readdirSync(layer).length !== 1) throw new Error('emptied: ' + layer);
    await removeContainerDirectory(store, 'box' + process.pid);
  }
  console.log('gone');
`;

test('a container has all of its layers, or is not made', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest } = await load({ layers: [SHARED, [{ name: 'own' }]] });
  let isPruned: Promise<unknown> = Promise.resolve();
  let ready = 0;
  const onLine = (line: string) => {
    if (line === 'ready' && ++ready === 2) isPruned = pruneUntilGone(store);
  };
  const results = await Promise.all(
    [1, 2].map(() => runStoreScript(context, CREATE, [store.root, digest], { onLine })),
  );
  expect(results.map(({ stdout, stderr }) => stdout + stderr)).toEqual(['ready\ngone\n', 'ready\ngone\n']);
  await isPruned;
  expect(countsOf(store)).toMatchObject({ blobs: 0, layers: 0 });
});

/** Who makes containers has it between two of them only for a moment, so once may not be enough. */
async function pruneUntilGone(store: Store): Promise<void> {
  while (countsOf(store).layers > 0) await pruneStore(store, { images: 'unused' });
}

test('an image that is loaded while what it shares is pruned is whole when it is loaded', async (context) => {
  const { store, directory, load } = storeOfImages(context);
  const [archive = ''] = makeArchives(directory, 1);
  const script = `
    import { findImage, loadImage, openStore, removeImage } from 'store';
    const [root, archive] = process.argv.slice(2);
    const store = openStore(root);
    for (let i = 0; i < 15; i++) {
      const { layers } = await loadImage(store, archive, { reference: 'mine' });
      if (findImage(store, 'mine').layers.length !== layers.length) throw new Error('not whole');
      await removeImage(store, 'mine');
    }
    console.log('fine');
  `;
  const loading = run(context, [[script, store.root, archive]]);
  let isOver = false;
  void loading.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await load({ layers: [SHARED, [{ name: 'other' }]] });
    await pruneStore(store);
  }
  expect(await loading).toEqual(['fine\n']);
  await pruneStore(store);
  expect(countsOf(store)).toEqual({ blobs: 0, layers: 0, tmp: 0 });
});
