import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createContainerDirectory } from '../../store/containers/index.ts';
import { findImage, listImages, pruneStore, removeContainerDirectory, removeImage, tagImage } from './support/doors.ts';
import { countsOf, storeOfImages } from './support/images.ts';

test('an image goes with its last name, and all that was only its own with it', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest } = await load({ layers: [[{ name: 'a' }], [{ name: 'b' }]] }, 'app:v1');
  await tagImage(store, 'app:v1', 'app:v2');
  expect(await removeImage(store, 'app:v1')).toEqual({
    untagged: ['docker.io/library/app:v1'],
    blobs: 0,
    layers: 0,
    snapshots: 0,
    bytes: 0,
  });
  expect(findImage(store, digest).references).toEqual(['docker.io/library/app:v2']);
  const removed = await removeImage(store, 'app:v2');
  expect(removed).toMatchObject({ untagged: ['docker.io/library/app:v2'], removed: digest, blobs: 4, layers: 2 });
  expect(removed.bytes).toBeGreaterThan(4 * 4096);
  expect(listImages(store)).toEqual([]);
  expect(countsOf(store)).toEqual({ blobs: 0, layers: 0, tmp: 0 });
});

test('what another image shares stays', async (context) => {
  const { store, load } = storeOfImages(context);
  const shared = [{ name: 'shared' }];
  await load({ layers: [shared, [{ name: 'one' }]] }, 'one');
  const other = await load({ layers: [shared, [{ name: 'two' }]] }, 'two');
  expect(await removeImage(store, 'one')).toMatchObject({ blobs: 3, layers: 1 });
  expect(findImage(store, 'two').layers).toEqual(other.layers);
  expect(other.layers.every((layer) => existsSync(layer))).toBe(true);
});

test('by its digest an image of several names is removed with force only', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest } = await load({}, 'app:v1');
  await tagImage(store, 'app:v1', 'app:v2');
  await expect(removeImage(store, digest)).rejects.toMatchObject({
    code: 'IMAGE_HAS_NAMES',
    message: expect.stringContaining("'docker.io/library/app:v1', 'docker.io/library/app:v2'") as string,
  });
  expect(listImages(store)).toHaveLength(1);
  expect(await removeImage(store, digest, { force: true })).toMatchObject({ removed: digest, layers: 1 });
  expect(listImages(store)).toEqual([]);
});

test('an image that a container uses is not removed, and the error names the container', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest, layers } = await load({}, 'app');
  createContainerDirectory(store, 'id', { name: 'box', uses: { image: digest, layers } });
  await expect(removeImage(store, 'app')).rejects.toMatchObject({
    code: 'IMAGE_IN_USE',
    message: expect.stringContaining("image 'docker.io/library/app:latest' is used by container 'box'") as string,
  });
  expect(findImage(store, 'app').digest).toBe(digest);
  await removeContainerDirectory(store, 'id');
  await removeImage(store, 'app');
  expect(listImages(store)).toEqual([]);
});

test('with force it goes, and its content when the container has gone', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest, layers } = await load({}, 'app');
  createContainerDirectory(store, 'id', { name: 'box', uses: { image: digest, layers } });
  expect(await removeImage(store, 'app', { force: true })).toMatchObject({ removed: digest, layers: 0, blobs: 0 });
  expect(listImages(store)).toEqual([]);
  expect(countsOf(store)).toEqual({ blobs: 3, layers: 1, tmp: 0 });
  await removeContainerDirectory(store, 'id');
  expect(await pruneStore(store)).toMatchObject({ images: [], layers: 1, blobs: 3 });
  expect(countsOf(store)).toEqual({ blobs: 0, layers: 0, tmp: 0 });
});

test('what is not there cannot be removed', async (context) => {
  const { store, load } = storeOfImages(context);
  await load({}, 'app');
  await expect(removeImage(store, 'missing')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  expect(countsOf(store)).toMatchObject({ layers: 1, tmp: 0 });
});
