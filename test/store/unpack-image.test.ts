import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { blobPath } from '../../store/layout.ts';
import { findImage, inspectImage, unpackImage } from './support/doors.ts';
import { countsOf, storeOfImages } from './support/images.ts';

const LAYERS = [[{ name: 'a' }], [{ name: 'b' }]];

test('a layer whose directory somebody removed is an error that says so, and is unpacked on demand', async (context) => {
  const { store, load } = storeOfImages(context);
  const { layers } = await load({ layers: LAYERS }, 'app');
  rmSync(layers[0] ?? '', { recursive: true });
  expect(() => findImage(store, 'app')).toThrow(expect.objectContaining({ code: 'LAYER_NOT_FOUND' }));
  expect(await unpackImage(store, 'app')).toEqual({ ...findImage(store, 'app'), notes: [] });
  expect(layers.map((layer) => readdirSync(layer))).toEqual([['a'], ['b']]);
  expect(countsOf(store)).toEqual({ blobs: 4, layers: 2, tmp: 0 });
});

test('to load the image again puts the layer back, too', async (context) => {
  const { load } = storeOfImages(context);
  const { layers } = await load({ layers: LAYERS }, 'app');
  rmSync(layers[1] ?? '', { recursive: true });
  expect((await load({ layers: LAYERS }, 'app')).layers).toEqual(layers);
  expect(readdirSync(layers[1] ?? '')).toEqual(['b']);
});

test('an image that is whole is found as it is', async (context) => {
  const { store, load } = storeOfImages(context);
  await load({ layers: LAYERS }, 'app');
  expect(await unpackImage(store, 'app')).toEqual({ ...findImage(store, 'app'), notes: [] });
});

test('of a damaged blob nothing is unpacked, and loading the image again mends it', async (context) => {
  const { store, load } = storeOfImages(context);
  const { layers } = await load({ layers: LAYERS }, 'app');
  rmSync(layers[0] ?? '', { recursive: true });
  const path = blobPath(store, inspectImage(store, 'app').layers[0]?.digest ?? '');
  const bytes = readFileSync(path);
  chmodSync(path, 0o600);
  writeFileSync(path, Buffer.alloc(bytes.length, 'x'));
  await expect(unpackImage(store, 'app')).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(countsOf(store)).toEqual({ blobs: 4, layers: 1, tmp: 0 });
  rmSync(path);
  await expect(unpackImage(store, 'app')).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
  expect((await load({ layers: LAYERS }, 'app')).layers).toEqual(layers);
});
