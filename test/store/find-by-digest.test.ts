import { expect, test } from 'vitest';
import { withName } from '../../store/catalog.ts';
import { findByDigest } from '../../store/find-by-digest.ts';
import { MEDIA_TYPES } from '../../store/manifest.ts';
import { storeOfImages } from './support/images.ts';

const entry = (start: string) => {
  const digest = `sha256:${start.padEnd(64, '0')}`;
  return { mediaType: MEDIA_TYPES.manifest, digest, size: 1 };
};

test('at least four digits find an image, be it damaged', (context) => {
  const { store } = storeOfImages(context);
  const entries = [entry('abcd1'), entry('abcd2'), entry('ffff')];
  expect(findByDigest(store, 'ffff', entries)).toBe(entries[2]);
  expect(findByDigest(store, 'sha256:abcd2', entries)).toBe(entries[1]);
  for (const text of ['fff', 'FFFF', 'sha256:fff', 'eeee', 'ffffx']) {
    expect(findByDigest(store, text, entries)).toBeUndefined();
  }
});

test('of what may be several, an error tells the digests and names', (context) => {
  const { store } = storeOfImages(context);
  const [one, other] = [entry('abcd1'), entry('abcd2')];
  const entries = [withName(one, 'docker.io/library/a:v1'), withName(one, 'docker.io/library/b:v1'), other];
  const both = `${one.digest} docker.io/library/a:v1 docker.io/library/b:v1, or ${other.digest}`;
  expect(() => findByDigest(store, 'abcd', entries)).toThrow(
    expect.objectContaining({ code: 'IMAGE_AMBIGUOUS', message: expect.stringContaining(both) }),
  );
});
