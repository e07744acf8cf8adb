import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findImage, listImages, tagImage, untagImage } from './support/doors.ts';
import { storeOfImages } from './support/images.ts';

test('an image gets another name, and is found by both', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest } = await load({}, 'app:v1');
  const tagged = await tagImage(store, 'app:v1', 'ghcr.io/me/app');
  expect(tagged).toMatchObject({
    digest,
    references: ['docker.io/library/app:v1', 'ghcr.io/me/app:latest'],
  });
  expect(findImage(store, 'ghcr.io/me/app').digest).toBe(digest);
  expect(findImage(store, 'app:v1').digest).toBe(digest);
});

test('an image without a name gets one by its digest', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest } = await load({});
  await tagImage(store, digest, 'app');
  expect(listImages(store)).toMatchObject([{ digest, references: ['docker.io/library/app:latest'] }]);
});

test('a name that is taken goes over, and what had it stays without it', async (context) => {
  const { store, load } = storeOfImages(context);
  const first = await load({ config: { Cmd: ['1'] } }, 'app');
  const second = await load({ config: { Cmd: ['2'] } }, 'next');
  await tagImage(store, 'next', 'app');
  expect(findImage(store, 'app').digest).toBe(second.digest);
  expect(findImage(store, first.digest).references).toEqual([]);
});

test('to give an image the name it has changes nothing', async (context) => {
  const { store, load } = storeOfImages(context);
  await load({}, 'app');
  await tagImage(store, 'app', 'app:latest');
  expect(listImages(store)).toMatchObject([{ references: ['docker.io/library/app:latest'] }]);
});

test.for([
  ['nothing', 'missing', 'app:v2', 'IMAGE_NOT_FOUND'],
  ['a name that is none', 'app', 'App', 'REFERENCE_INVALID'],
  ['a digest', 'app', `app@sha256:${'0'.repeat(64)}`, 'REFERENCE_INVALID'],
] as const)('%s cannot be tagged or be a tag', async ([, from, to, code], context) => {
  const { store, load } = storeOfImages(context);
  await load({}, 'app');
  await expect(tagImage(store, from, to)).rejects.toMatchObject({ code });
});

test('an image that loses its last name by that stays', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest } = await load({}, 'app');
  await untagImage(store, 'app');
  expect(listImages(store)).toMatchObject([{ digest, references: [] }]);
  await expect(untagImage(store, 'app')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
});

test('what other tools wrote into the index and this does not know stays', async (context) => {
  const { store, load } = storeOfImages(context);
  const { digest } = await load({}, 'app');
  const index = JSON.parse(readFileSync(store.index, 'utf8'));
  index.annotations = { kept: 'yes' };
  index.manifests[0].artifactType = 'application/x';
  index.manifests[0].annotations['com.example'] = 'too';
  writeFileSync(store.index, JSON.stringify(index));
  await tagImage(store, 'app', 'app:v2');
  expect(JSON.parse(readFileSync(store.index, 'utf8'))).toMatchObject({
    annotations: { kept: 'yes' },
    manifests: [
      { digest, artifactType: 'application/x', annotations: { 'com.example': 'too' } },
      { digest, artifactType: 'application/x', annotations: { 'com.example': 'too' } },
    ],
  });
});
