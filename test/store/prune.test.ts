import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createContainerDirectory } from '../../store/containers/index.ts';
import { digestOf } from '../../store/digest.ts';
import { blobPath } from '../../store/layout.ts';
import { findImage, listImages, pruneStore, untagImage } from './support/doors.ts';
import { countsOf, storeOfImages } from './support/images.ts';
import { runStoreScript } from './support/script.ts';

test('images that lost their names go, and those that have one stay', async (context) => {
  const { store, load } = storeOfImages(context);
  const old = await load({ config: { Cmd: ['1'] }, layers: [[{ name: 'old' }]] }, 'app');
  await load({ config: { Cmd: ['2'] }, layers: [[{ name: 'new' }]] }, 'app');
  const { bytes, ...pruned } = await pruneStore(store);
  expect(pruned).toEqual({ images: [old.digest], untagged: [], layers: 1, blobs: 3, snapshots: 0 });
  expect(bytes).toBeGreaterThan(0);
  expect(findImage(store, 'app').config.Cmd).toEqual(['2']);
  expect(countsOf(store)).toEqual({ blobs: 3, layers: 1, tmp: 0 });
});

test('all images go that no container uses, if that is asked for', async (context) => {
  const { store, load } = storeOfImages(context);
  const used = await load({ config: { Cmd: ['1'] } }, 'used');
  const unused = await load({ config: { Cmd: ['2'] } }, 'unused');
  createContainerDirectory(store, 'box', { uses: { image: used.digest, layers: used.layers } });
  expect(await pruneStore(store, { images: 'unused' })).toMatchObject({
    images: [unused.digest],
    untagged: ['docker.io/library/unused:latest'],
  });
  expect(listImages(store)).toMatchObject([{ digest: used.digest }]);
});

test('nothing is pruned of a container whose image has lost its name', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest, layers } = await load({}, 'app');
  createContainerDirectory(store, 'box', { uses: { image: digest, layers } });
  await untagImage(store, 'app');
  expect(await pruneStore(store)).toMatchObject({ images: [], layers: 0, blobs: 0 });
});

test('what nobody needs goes, and what bears another name than content does stays', async (context) => {
  const { store, load } = storeOfImages(context);
  await load({}, 'app');
  const hex = 'a'.repeat(64);
  writeFileSync(join(store.blobs, hex), 'left by somebody who died');
  writeFileSync(join(store.blobs, 'something'), 'of another tool');
  mkdirSync(join(store.layers, hex));
  expect(await pruneStore(store, { images: 'none' })).toMatchObject({ images: [], layers: 1, blobs: 1 });
  expect(countsOf(store)).toEqual({ blobs: 4, layers: 1, tmp: 0 });
});

test('containers whose owner is dead keep nothing', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest, layers } = await load({});
  const script = `
    import { createContainerDirectory, openStore } from 'store';
    const [root, image, ...layers] = process.argv.slice(2);
    createContainerDirectory(openStore(root), 'box', { uses: { image, layers } });
    process.kill(process.pid, 'SIGKILL');
  `;
  await runStoreScript(context, script, [store.root, digest, ...layers]);
  expect(await pruneStore(store)).toMatchObject({ images: [digest], layers: 1, blobs: 3 });
});

test('an index that leads to several platforms keeps what is there of them, and what is no image', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest } = await load({}, 'app');
  const put = (mediaType: string, document: unknown) => {
    const bytes = Buffer.from(JSON.stringify(document));
    const blob = { mediaType, digest: digestOf(bytes), size: bytes.length };
    writeFileSync(blobPath(store, blob.digest), bytes);
    return blob;
  };
  const index = JSON.parse(readFileSync(store.index, 'utf8'));
  const config = put('application/vnd.example.config', { signature: true });
  const layer = put('application/vnd.example.layer', 'signature');
  const signature = put('application/vnd.oci.image.manifest.v1+json', { schemaVersion: 2, config, layers: [layer] });
  const elsewhere = { ...signature, digest: digestOf('another platform') };
  const nested = put('application/vnd.oci.image.index.v1+json', {
    schemaVersion: 2,
    manifests: [{ ...index.manifests[0], annotations: undefined }, signature, elsewhere],
  });
  writeFileSync(
    store.index,
    JSON.stringify({
      ...index,
      manifests: [{ ...nested, annotations: { 'org.opencontainers.image.ref.name': 'Other Tool' } }],
    }),
  );
  expect(await pruneStore(store)).toMatchObject({ images: [], blobs: 0, layers: 0 });
  expect(countsOf(store).blobs).toBe(7);
  expect(readFileSync(blobPath(store, digest)).length).toBeGreaterThan(0);
});

test('an index that somebody has damaged is an error, and nothing is removed', async (context) => {
  const { store, load } = storeOfImages(context);
  await load({}, 'app');
  writeFileSync(store.index, '{"schemaVersion":2,"manifests":[{}]}');
  await expect(pruneStore(store)).rejects.toMatchObject({ code: 'IMAGE_INVALID' });
  expect(countsOf(store)).toEqual({ blobs: 3, layers: 1, tmp: 0 });
});
