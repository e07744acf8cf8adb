import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { blobPath } from '../../../store/layout.ts';
import { type SnapshotRecord, snapshotPaths } from '../../../store/snapshots/record.ts';
import { requires } from '../../support/requires.ts';
import { makeTreeOfAllKinds } from '../support/all-kinds.ts';
import {
  baseOfImage,
  containerPaths,
  createContainerDirectory,
  findImage,
  findSnapshot,
  materializeSnapshot,
  moveChanges,
  nameSnapshot,
  pruneStore,
  type SnapshotDescription,
  type Store,
} from '../support/doors.ts';
import { fingerprint } from '../support/fingerprint.ts';
import { storeOfImages } from '../support/images.ts';
import { has } from '../support/programs.ts';
import { runStoreScript } from '../support/script.ts';
import { describedSnapshot } from '../support/snapshots.ts';

/** Takes a snapshot of a container that has written a file of this name. */
function take(store: Store, name: string, description: Partial<SnapshotDescription> = {}): SnapshotRecord {
  const id = `box-${name}`;
  createContainerDirectory(store, id, {});
  writeFileSync(join(containerPaths(store, id).upper, name), name);
  return moveChanges(store, id, describedSnapshot(description));
}

async function storeWithBase(context: TestContext) {
  const made = storeOfImages(context);
  const { digest } = await made.load({ layers: [[{ name: 'base' }]] }, 'base');
  return { ...made, base: baseOfImage(made.store, digest).base };
}

test('an image is made of a chain of snapshots, layer for layer', async (context) => {
  const { store, base } = await storeWithBase(context);
  const first = take(store, 'first', { base, createdBy: 'sh -c first' });
  const config = { Cmd: ['run'], Env: ['A=b'] };
  const second = take(store, 'second', { base, snapshots: [first.id], config, author: 'who', message: 'why' });
  const { digest } = await materializeSnapshot(store, second.id);
  const image = findImage(store, digest);
  expect(image.layers.map((layer) => readdirSync(layer))).toEqual([['base'], ['first'], ['second']]);
  expect(image.config).toEqual(config);
  const manifest = JSON.parse(readFileSync(blobPath(store, digest), 'utf8'));
  expect(JSON.parse(readFileSync(blobPath(store, manifest.config.digest), 'utf8'))).toMatchObject({
    author: 'who',
    created: second.created,
    history: [
      { comment: 'imported' },
      { created_by: 'sh -c first' },
      { created_by: 'sh -c true', author: 'who', comment: 'why' },
    ],
  });
});

test('the same snapshot gives the same image, and what is packed is not packed again', async (context) => {
  const { store, base } = await storeWithBase(context);
  const taken = take(store, 'file', { base });
  const first = await materializeSnapshot(store, taken.id);
  const blobs = readdirSync(store.blobs).map((name) => lstatSync(join(store.blobs, name)).ino);
  expect(await materializeSnapshot(store, taken.id)).toEqual(first);
  expect(readdirSync(store.blobs).map((name) => lstatSync(join(store.blobs, name)).ino)).toEqual(blobs);
  expect(readdirSync(store.tmp)).toEqual([]);
});

test("the layer stays where it is, and the image's is a link to it", async (context) => {
  const { store, base } = await storeWithBase(context);
  const taken = take(store, 'file', { base });
  const { ino } = lstatSync(snapshotPaths(store, taken.id).layer);
  const { digest } = await materializeSnapshot(store, taken.id);
  const layer = findImage(store, digest).layers.at(-1) as string;
  expect(readlinkSync(layer)).toBe(`../snapshots/${taken.id}/layer`);
  expect(lstatSync(snapshotPaths(store, taken.id).layer).ino).toBe(ino);
});

test('the names of a snapshot become those of the image', async (context) => {
  const { store, base } = await storeWithBase(context);
  const taken = take(store, 'file', { base });
  await nameSnapshot(store, taken, 'app');
  const { digest } = await materializeSnapshot(store, taken.id, { references: ['docker.io/library/other:latest'] });
  expect(findSnapshot(store, 'app')).toBeUndefined();
  expect([findImage(store, 'app').digest, findImage(store, 'other').digest]).toEqual([digest, digest]);
});

test('an image of a snapshot is there after the machine was restarted', async (context) => {
  const { store, base } = await storeWithBase(context);
  const first = take(store, 'first', { base });
  const second = take(store, 'second', { base, snapshots: [first.id] });
  const { digest } = await materializeSnapshot(store, second.id, { references: ['docker.io/library/app:latest'] });
  for (const { id } of [first, second]) {
    const { record } = snapshotPaths(store, id);
    writeFileSync(record, JSON.stringify({ ...JSON.parse(readFileSync(record, 'utf8')), bootId: 'another' }));
  }
  await pruneStore(store);
  expect(findImage(store, digest).layers.map((layer) => readdirSync(layer))).toEqual([['base'], ['first'], ['second']]);
});

test('what was pruned of an image is packed again', async (context) => {
  const { store, base } = await storeWithBase(context);
  const taken = take(store, 'file', { base });
  const first = await materializeSnapshot(store, taken.id);
  await pruneStore(store);
  expect(() => findImage(store, first.digest)).toThrow(expect.objectContaining({ code: 'IMAGE_NOT_FOUND' }));
  expect(await materializeSnapshot(store, taken.id)).toEqual(first);
  expect(findImage(store, first.digest).layers.map((layer) => readdirSync(layer))).toEqual([['base'], ['file']]);
});

test('of a snapshot on a directory, the directory becomes the lowest layer', async (context) => {
  const { store, directory } = storeOfImages(context);
  const path = join(directory, 'rootfs');
  mkdirSync(join(path, 'etc'), { recursive: true });
  writeFileSync(join(path, 'etc/hostname'), 'somewhere', { mode: 0o640 });
  const taken = take(store, 'file', { base: { kind: 'directory', path } });
  const { digest } = await materializeSnapshot(store, taken.id);
  rmSync(path, { recursive: true });
  const [lowest = '', top = ''] = findImage(store, digest).layers;
  expect(fingerprint(lowest).map((line) => line.split(' ').slice(0, 2))).toEqual([
    ['etc', '755'],
    ['etc/hostname', '640'],
  ]);
  expect(readdirSync(top)).toEqual(['file']);
});

test('of a snapshot on this machine no image can be made, and it says what else to do', async (context) => {
  const { store } = storeOfImages(context);
  const taken = take(store, 'file', { base: { kind: 'host' } });
  await expect(materializeSnapshot(store, taken.id)).rejects.toMatchObject({
    code: 'IMAGE_NOT_PORTABLE',
    message: expect.stringContaining('export()'),
  });
});

test('an abort leaves the snapshot, and nothing else', async (context) => {
  const { store, base } = await storeWithBase(context);
  const taken = take(store, 'file', { base });
  const before = readdirSync(store.blobs);
  const reason = new Error('enough');
  const attempt = materializeSnapshot(store, taken.id, { signal: AbortSignal.abort(reason) });
  await expect(attempt).rejects.toBe(reason);
  expect([readdirSync(store.tmp), readdirSync(store.blobs)]).toEqual([[], before]);
  expect(findSnapshot(store, taken.id)?.id).toBe(taken.id);
});

test.runIf(process.getuid?.() === 0)('a full disk leaves the snapshot, and nothing else', async (context) => {
  const { directory } = storeOfImages(context);
  const disk = join(directory, 'disk');
  mkdirSync(disk);
  const script = `
    import { randomBytes } from 'node:crypto';
    import { readdirSync, writeFileSync } from 'node:fs';
    import { containerPaths, createContainerDirectory, findSnapshot, materializeSnapshot, moveChanges, openStore } from 'store';
    const [root, description] = process.argv.slice(2);
    const store = openStore(root);
    createContainerDirectory(store, 'box', {});
    writeFileSync(containerPaths(store, 'box').upper + '/big', randomBytes(6 * 1024 * 1024));
    const { id } = moveChanges(store, 'box', JSON.parse(description));
    const code = await materializeSnapshot(store, id).catch((error) => error.code);
    console.log(JSON.stringify([code, readdirSync(store.tmp), readdirSync(store.blobs), findSnapshot(store, id).id === id]));
  `;
  const mounting = `mount -t tmpfs -o size=8m tmpfs ${disk} && exec "$@"`;
  const { stdout, stderr } = await runStoreScript(
    context,
    script,
    [join(disk, 'store'), JSON.stringify(describedSnapshot())],
    {
      under: ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', mounting, 'sh'],
    },
  );
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual(['STORE_FULL', [], [], true]);
});

test('skopeo and umoci read the image, and unpack what the container had', async (context) => {
  requires(context, process.getuid?.() === 0 && has('umoci') && has('skopeo'), 'root, umoci and skopeo');
  const { store, directory } = await storeWithBase(context);
  createContainerDirectory(store, 'box', {});
  makeTreeOfAllKinds(containerPaths(store, 'box').upper, ['big owners']);
  const taken = moveChanges(store, 'box', describedSnapshot());
  const expected = fingerprint(snapshotPaths(store, taken.id).layer);
  await materializeSnapshot(store, taken.id, { references: ['docker.io/library/all:latest'] });
  const copy = join(directory, 'copy');
  const name = 'docker.io/library/all:latest';
  execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', `oci:${store.root}:${name}`, `oci:${copy}:all`]);
  execFileSync('umoci', ['raw', 'unpack', '--image', `${copy}:all`, join(directory, 'unpacked')]);
  expect(fingerprint(join(directory, 'unpacked'))).toEqual(expected);
});
