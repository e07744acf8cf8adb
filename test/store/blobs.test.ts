import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hasBlob, openBlob, putBlob, readBlobDocument } from '../../store/blobs.ts';
import { digestOf } from '../../store/digest.ts';
import { blobPath, openStore } from '../../store/layout.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { has } from './support/programs.ts';
import { runStoreScript } from './support/script.ts';
import { collect, inChunks } from './support/streams.ts';
import { tar } from './support/tar-writer.ts';

const content = Buffer.from('{"schemaVersion":2}');
const expected = { digest: digestOf(content), size: content.length };

test('a blob is kept under its digest, and nobody writes to it again', async (context) => {
  const store = openStore(temporaryDirectory(context));
  expect(hasBlob(store, expected)).toBe(false);
  await putBlob(store, inChunks(content, 4), expected);
  expect(hasBlob(store, expected)).toBe(true);
  expect(readFileSync(blobPath(store, expected.digest))).toEqual(content);
  expect(statSync(blobPath(store, expected.digest)).mode & 0o777).toBe(0o400);
  expect(await collect(openBlob(store, expected))).toEqual(content);
  expect(readdirSync(store.tmp)).toEqual([]);
});

test('a blob that is there is not read again', async (context) => {
  const store = openStore(temporaryDirectory(context));
  await putBlob(store, inChunks(content), expected);
  async function* unread(): AsyncGenerator<Uint8Array> {
    yield await Promise.reject(new Error('read'));
  }
  await putBlob(store, unread(), expected);
});

test.for([
  ['another digest', { ...expected, digest: digestOf('other') }, 'DIGEST_MISMATCH'],
  ['a smaller size', { ...expected, size: 5 }, 'SIZE_MISMATCH'],
  ['a bigger size', { ...expected, size: 500 }, 'SIZE_MISMATCH'],
  ['a digest that is a path', { digest: 'sha256:../../../escape', size: 19 }, 'DIGEST_INVALID'],
] as const)('of content with %s nothing is left', async ([, wrong, code], context) => {
  const store = openStore(temporaryDirectory(context));
  await expect(putBlob(store, inChunks(content), wrong)).rejects.toMatchObject({ code });
  expect([...readdirSync(store.blobs), ...readdirSync(store.tmp)]).toEqual([]);
});

test('a document is read and verified; a damaged one is an error', async (context) => {
  const store = openStore(temporaryDirectory(context));
  await putBlob(store, inChunks(content), expected);
  expect(readBlobDocument(store, expected, 'manifest', (document) => document)).toEqual({ schemaVersion: 2 });
  const path = blobPath(store, expected.digest);
  writeFileSync(`${path}.new`, content.toString().replace('2', '3'));
  renameSync(`${path}.new`, path);
  expect(() => readBlobDocument(store, expected, 'manifest', (document) => document)).toThrow(
    expect.objectContaining({ code: 'DIGEST_MISMATCH' }),
  );
});

test('a document that is too big is not read into memory', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const big = Buffer.alloc(5 * 1024 * 1024, 0x20);
  await putBlob(store, inChunks(big), { digest: digestOf(big) });
  expect(() => readBlobDocument(store, { digest: digestOf(big) }, 'manifest', (document) => document)).toThrow(
    /has 5242880 bytes, more than the 4194304 of a document/,
  );
});

test('a blob that is not there is an error that names it', (context) => {
  const store = openStore(temporaryDirectory(context));
  expect(() => openBlob(store, expected)).toThrow(`blob ${expected.digest} is not in the store at '${store.root}'`);
});

test('on a full disk nothing is left of a blob', async (context) => {
  requires(context, process.geteuid?.() === 0 && has('unshare'), 'root and unshare');
  const directory = temporaryDirectory(context);
  const script = `
    import { readdirSync } from 'node:fs';
    import { loadImage, openStore } from 'store';
    const store = openStore(process.argv[2]);
    const error = await loadImage(store, process.argv[3]).catch((reason) => reason);
    console.log(error.code, readdirSync(store.tmp), readdirSync(store.blobs), readdirSync(store.layers));
  `;
  const archive = `${directory}/image.tar`;
  const big = Buffer.alloc(4 * 1024 * 1024, 'x');
  writeFileSync(archive, tar({ name: 'layer.tar', content: big }));
  const { stdout, stderr } = await runStoreScript(context, script, [`${directory}/mnt`, archive], {
    under: [
      'unshare',
      '-m',
      'sh',
      '-c',
      'mkdir "$0" && mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"',
      `${directory}/mnt`,
    ],
  });
  expect(stdout + stderr).toBe('STORE_FULL [] [] []\n');
});
