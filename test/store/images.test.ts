import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findImage, listImages } from '../../store/images.ts';
import { blobPath, openStore, type Store } from '../../store/layout.ts';
import { loadImage } from '../../store/load.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { layoutFiles, writeArchive } from './support/image.ts';
import { runStoreScript } from './support/script.ts';

/** Loads an image that is told from others by its command. */
async function load(store: Store, directory: string, command: string, reference?: string): Promise<string> {
  const own = join(directory, command);
  mkdirSync(own, { recursive: true });
  return (await loadImage(store, writeArchive(own, layoutFiles({ config: { Cmd: [command] } })), { reference })).digest;
}

test('an image is found by every way to write its name, and by its digest', async (context) => {
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  const digest = await load(store, directory, 'app', 'app');
  for (const name of ['app', 'app:latest', 'library/app', 'docker.io/library/app:latest', digest, `app@${digest}`]) {
    expect(findImage(store, name).digest).toBe(digest);
  }
});

test('where there is no such image, the error names what was looked for and what there is', async (context) => {
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  expect(() => findImage(store, 'app')).toThrow(
    `no image 'docker.io/library/app:latest' in the store at '${store.root}': it has no images`,
  );
  await load(store, directory, 'one', 'one:v1');
  await load(store, directory, 'two', 'ghcr.io/me/two:v2');
  expect(() => findImage(store, 'one')).toThrow(
    expect.objectContaining({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining("it has 'docker.io/library/one:v1', 'ghcr.io/me/two:v2'"),
    }),
  );
});

test('a name goes to the image that got it last; the other stays, without it', async (context) => {
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  const first = await load(store, directory, 'first', 'app');
  const second = await load(store, directory, 'second', 'app');
  expect(findImage(store, 'app').digest).toBe(second);
  expect(findImage(store, first).config.Cmd).toEqual(['first']);
  expect(listImages(store)).toMatchObject([
    { digest: first, references: [] },
    { digest: second, references: ['docker.io/library/app:latest'] },
  ]);
});

test('an image may have several names, and one without a name gets one', async (context) => {
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  const digest = await load(store, directory, 'app');
  expect(listImages(store)).toMatchObject([{ digest, references: [] }]);
  await load(store, directory, 'app', 'app:v1');
  await load(store, directory, 'app', 'app:v2');
  await load(store, directory, 'app', 'app:v1');
  expect(listImages(store)).toMatchObject([
    { digest, references: ['docker.io/library/app:v2', 'docker.io/library/app:v1'] },
  ]);
  expect(JSON.parse(readFileSync(store.index, 'utf8')).manifests).toHaveLength(2);
});

test('what one gets of an image is nobody else’s', async (context) => {
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  await load(store, directory, 'app', 'app');
  const image = findImage(store, 'app');
  // CVE-2021-21334: the environment of one container was that of another of the same image.
  expect(() => (image.config.Cmd as string[]).push('evil')).toThrow(TypeError);
  expect(() => (image.layers as string[]).pop()).toThrow(TypeError);
  expect(() => Object.assign(image, { digest: 'evil' })).toThrow(TypeError);
});

test('a list says how big images are, for what machine, and when they were made', async (context) => {
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  const parts = { platform: { os: 'linux', architecture: 'arm64', variant: 'v8', created: '2024-05-06T07:08:09Z' } };
  const { platform } = parts;
  await loadImage(store, writeArchive(directory, layoutFiles(parts)), { reference: 'app', platform });
  const content = readdirSync(store.blobs).map((name) => statSync(join(store.blobs, name)).size);
  expect(listImages(store)).toEqual([
    {
      digest: expect.stringMatching(/^sha256:/) as string,
      references: ['docker.io/library/app:latest'],
      size: content.reduce((sum, size) => sum + size),
      platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
      created: new Date('2024-05-06T07:08:09Z'),
    },
  ]);
});

test('a damaged image does not hide the others', async (context) => {
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  const damaged = await load(store, directory, 'damaged', 'damaged');
  await load(store, directory, 'app', 'app');
  const path = blobPath(store, damaged);
  chmodSync(path, 0o600);
  writeFileSync(path, '{}');
  expect(listImages(store)).toEqual([
    { digest: damaged, references: ['docker.io/library/damaged:latest'] },
    expect.objectContaining({ references: ['docker.io/library/app:latest'], size: expect.any(Number) as number }),
  ]);
  expect(() => findImage(store, 'damaged')).toThrow(expect.objectContaining({ code: 'DIGEST_MISMATCH' }));
});

test('processes that load images at the same time lose none', async (context) => {
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  const archives = ['a', 'b', 'c', 'd'].map((name) => {
    mkdirSync(join(directory, name));
    return writeArchive(join(directory, name), layoutFiles({ config: { Cmd: [name] } }));
  });
  const script = `
    import { loadImage, openStore } from 'store';
    const [root, archive, name] = process.argv.slice(2);
    const store = openStore(root);
    for (let i = 0; i < 5; i++) await loadImage(store, archive, { reference: name + ':v' + i });
    console.log('loaded');
  `;
  const results = await Promise.all(
    archives.map((archive, index) => runStoreScript(context, script, [store.root, archive, `image${index}`])),
  );
  expect(results.map(({ stdout, stderr }) => stdout + stderr)).toEqual(Array.from(archives, () => 'loaded\n'));
  const references = listImages(store).flatMap((image) => image.references);
  expect(references).toHaveLength(20);
  expect(new Set(references).size).toBe(20);
});
