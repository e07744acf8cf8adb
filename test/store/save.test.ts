import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { expect, type TestContext, test } from 'vitest';
import { digestOf } from '../../store/digest.ts';
import { readTar } from '../../store/layer/read.ts';
import { blobPath, openStore } from '../../store/layout.ts';
import { findImage, listImages, loadImage, removeImage, saveImage, tagImage } from './support/doors.ts';
import { countsOf, storeOfImages } from './support/images.ts';
import { collect, inChunks } from './support/streams.ts';

const LAYERS = [[{ name: 'a', content: 'first' }], [{ name: 'b', content: 'second' }, { name: '.wh.a' }]];

/** The members of an archive by name. */
async function membersOf(archive: Uint8Array): Promise<Map<string, Buffer>> {
  const members = new Map<string, Buffer>();
  for await (const entry of readTar(inChunks(archive))) {
    const pieces: Uint8Array[] = [];
    for await (const { bytes } of entry.content()) pieces.push(Buffer.from(bytes));
    members.set(entry.name.toString(), Buffer.concat(pieces));
  }
  return members;
}

async function twoImages(context: TestContext) {
  const images = storeOfImages(context);
  const one = await images.load({ layers: LAYERS, config: { Cmd: ['1'] } }, 'one:v1');
  const two = await images.load({ layers: LAYERS.slice(0, 1), config: { Cmd: ['2'] } }, 'ghcr.io/me/two');
  return { ...images, one, two, other: openStore(join(images.directory, 'other')) };
}

test('an OCI archive has images as they are, and loading it gives the same ones', async (context) => {
  const { store, directory, one, two, other } = await twoImages(context);
  const path = join(directory, 'saved.tar');
  await saveImage(store, ['one:v1', 'ghcr.io/me/two'], path);
  const members = await membersOf(readFileSync(path));
  expect([...members.keys()].slice(0, 2)).toEqual(['oci-layout', 'index.json']);
  expect(members.size).toBe(2 + 6);
  for (const [name, bytes] of members) {
    if (name.startsWith('blobs/')) expect(digestOf(bytes)).toBe(name.replace('blobs/sha256/', 'sha256:'));
  }
  expect((await loadImage(other, path, { reference: 'one:v1' })).digest).toBe(one.digest);
  expect((await loadImage(other, path, { reference: 'ghcr.io/me/two' })).digest).toBe(two.digest);
  expect(countsOf(store).tmp).toBe(0);
});

test("Docker's archive has layers uncompressed, under the names of both formats", async (context) => {
  const { store, directory, one, other } = await twoImages(context);
  await tagImage(store, 'one:v1', 'one:v2');
  const path = join(directory, 'saved.tar');
  await saveImage(store, ['one:v1', 'one:v2', 'ghcr.io/me/two'], path, { format: 'docker' });
  const members = await membersOf(readFileSync(path));
  const manifest = JSON.parse(members.get('manifest.json')?.toString() ?? '');
  expect(manifest).toMatchObject([
    { RepoTags: ['docker.io/library/one:v1', 'docker.io/library/one:v2'] },
    { RepoTags: ['ghcr.io/me/two:latest'] },
  ]);
  for (const { Config, Layers } of manifest) {
    const { rootfs } = JSON.parse(members.get(Config)?.toString() ?? '');
    expect(Layers.map((name: string) => digestOf(members.get(name) ?? ''))).toEqual(rootfs.diff_ids);
    expect(Layers).toEqual(rootfs.diff_ids.map((diffId: string) => diffId.replace('sha256:', 'blobs/sha256/')));
  }
  expect(JSON.parse(members.get('repositories')?.toString() ?? '')).toEqual({
    'docker.io/library/one': { v1: expect.any(String) as string, v2: expect.any(String) as string },
    'ghcr.io/me/two': { latest: expect.any(String) as string },
  });
  const loaded = await loadImage(other, path, { reference: 'one:v2' });
  expect(loaded.config).toEqual(one.config);
  expect(loaded.layers.map((layer) => readdirSync(layer))).toEqual(one.layers.map((layer) => readdirSync(layer)));
});

test.for(['oci', 'docker'] as const)(
  'the same images give the same %s archive, whoever saves them',
  async (format, context) => {
    const { store, directory, other } = await twoImages(context);
    const [first, second] = [join(directory, 'first.tar'), join(directory, 'second.tar')];
    await saveImage(store, ['one:v1', 'ghcr.io/me/two'], first, { format });
    await loadImage(other, first, { reference: 'ghcr.io/me/two' });
    await loadImage(other, first, { reference: 'one:v1' });
    await saveImage(other, ['one:v1', 'ghcr.io/me/two'], second, { format });
    expect(digestOf(readFileSync(second))).toBe(digestOf(readFileSync(first)));
  },
);

test('an image goes into a stream, which ends with it', async (context) => {
  const { store, directory } = await twoImages(context);
  const stream = new PassThrough();
  const [bytes] = await Promise.all([collect(stream), saveImage(store, 'one:v1', stream)]);
  await saveImage(store, 'one:v1', join(directory, 'saved.tar'));
  expect(digestOf(bytes)).toBe(digestOf(readFileSync(join(directory, 'saved.tar'))));
});

test('by its digest, an image is saved without a name', async (context) => {
  const { store, directory, one, other } = await twoImages(context);
  await saveImage(store, one.digest, join(directory, 'saved.tar'), { format: 'docker' });
  expect((await loadImage(other, join(directory, 'saved.tar'))).references).toEqual([]);
});

test('an image that is removed while it is saved is saved whole', async (context) => {
  const { store, other, directory } = await twoImages(context);
  const stream = new PassThrough({ highWaterMark: 1 });
  const saving = saveImage(store, 'one:v1', stream);
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const first = await chunks.next();
  await removeImage(store, 'one:v1');
  const rest = await collect({ [Symbol.asyncIterator]: () => chunks });
  await saving;
  writeFileSync(join(directory, 'saved.tar'), Buffer.concat([first.value as Buffer, rest]));
  expect((await loadImage(other, join(directory, 'saved.tar'))).references).toEqual(['docker.io/library/one:v1']);
});

test('a damaged blob is not saved: no file appears, and a stream is destroyed with the reason', async (context) => {
  const { store, directory } = await twoImages(context);
  const [largest = ''] = readdirSync(store.blobs).sort((a, b) => sizeOf(b) - sizeOf(a));
  function sizeOf(name: string): number {
    return readFileSync(join(store.blobs, name)).length;
  }
  const path = join(store.blobs, largest);
  const bytes = readFileSync(path);
  rmSync(path);
  writeFileSync(path, Buffer.alloc(bytes.length, 'x'));
  await expect(saveImage(store, 'one:v1', join(directory, 'saved.tar'))).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
    message: expect.stringContaining(largest) as string,
  });
  expect(readdirSync(directory).filter((name) => name.startsWith('saved'))).toEqual([]);
  let reason: unknown;
  const stream = new Writable({ write: (_chunk, _encoding, done) => done() }).on('error', (error) => {
    reason = error;
  });
  await expect(saveImage(store, 'one:v1', stream)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  await new Promise((resolve) => setImmediate(resolve));
  expect(reason).toMatchObject({ code: 'DIGEST_MISMATCH' });
  expect(countsOf(store).tmp).toBe(0);
});

test('what is missing is named, and a file that was there stays as it was', async (context) => {
  const { store, directory, one } = await twoImages(context);
  const path = join(directory, 'saved.tar');
  writeFileSync(path, 'before');
  await expect(saveImage(store, ['one:v1', 'missing'], path)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  const blob = JSON.parse(readFileSync(blobPath(store, one.digest), 'utf8')).layers[0].digest;
  rmSync(blobPath(store, blob));
  await expect(saveImage(store, 'one:v1', path)).rejects.toMatchObject({
    code: 'BLOB_NOT_FOUND',
    message: expect.stringContaining(blob) as string,
  });
  expect(readFileSync(path, 'utf8')).toBe('before');
  expect(listImages(store)).toHaveLength(2);
});

test('saving is stopped by a signal, and nothing is left', async (context) => {
  const { store, directory } = await twoImages(context);
  const reason = new Error('enough');
  const path = join(directory, 'saved.tar');
  await expect(saveImage(store, 'one:v1', path, { signal: AbortSignal.abort(reason) })).rejects.toThrow();
  expect(existsSync(path)).toBe(false);
  expect(findImage(store, 'one:v1').layers).toHaveLength(2);
  expect(readdirSync(directory).filter((name) => name.startsWith('saved'))).toEqual([]);
});

test('what is at a path and is no file is written to, and not replaced', async (context) => {
  const { store, directory } = await twoImages(context);
  const [fifo, file] = [join(directory, 'fifo'), join(directory, 'saved.tar')];
  execFileSync('mkfifo', [fifo]);
  const [bytes] = await Promise.all([readFile(fifo), saveImage(store, ['one:v1'], fifo)]);
  await saveImage(store, ['one:v1'], file);
  expect(bytes.equals(readFileSync(file))).toBe(true);
  expect(lstatSync(fifo).isFIFO()).toBe(true);
});
