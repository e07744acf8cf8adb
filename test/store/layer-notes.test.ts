import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findImage, importImage, pruneStore, removeImage } from './support/doors.ts';
import { storeOfImages } from './support/images.ts';
import { tar } from './support/tar-writer.ts';

/** Nobody makes such a device: to overlayfs it is a whiteout. */
const DEVICE = { name: 'device', type: '3' };

test('what could not be kept is told whenever the image is found, until its layer goes', async (context) => {
  const { store, load } = storeOfImages(context);
  const layers = [[DEVICE, { name: 'file' }], [{ name: 'other' }]];
  const { notes, digest } = await load({ layers }, 'app');
  expect(notes).toEqual([expect.stringMatching(/^layer sha256:[0-9a-f]{12}: 1 device /)]);
  expect(findImage(store, 'app').notes).toEqual(notes);
  expect((await load({ layers }, 'app')).notes).toEqual(notes);
  await pruneStore(store);
  expect(findImage(store, digest).notes).toEqual(notes);
  await removeImage(store, 'app');
  expect(readdirSync(store.notes)).toEqual([]);
});

test('an image that is imported has the same notes', async (context) => {
  const { store } = storeOfImages(context);
  const { notes } = await importImage(store, tar(DEVICE, DEVICE, { name: 'file' }), { reference: 'app' });
  expect(notes).toEqual([expect.stringMatching(/^layer sha256:[0-9a-f]{12}: 2 devices /)]);
  expect(findImage(store, 'app').notes).toEqual(notes);
});
