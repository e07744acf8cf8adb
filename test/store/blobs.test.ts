import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hasBlob, readBlobDocument, writeVerified } from '../../store/blobs.ts';
import { digestOf } from '../../store/digest.ts';
import { blobPath, openStore, type Store } from '../../store/layout.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { has } from './support/programs.ts';
import { runStoreScript } from './support/script.ts';
import { inChunks } from './support/streams.ts';
import { tar } from './support/tar-writer.ts';

const content = Buffer.from('{"schemaVersion":2}');
const expected = { digest: digestOf(content), size: content.length };

/** Where `store` keeps the blob of `content`. */
async function keep(store: Store, bytes: Buffer = content): Promise<string> {
  const blob = { digest: digestOf(bytes), size: bytes.length };
  const path = blobPath(store, blob.digest);
  await writeVerified(inChunks(bytes, 4), blob, path);
  return path;
}

test('a blob is kept under its digest, and nobody writes to it again', async (context) => {
  const store = openStore(temporaryDirectory(context));
  expect(hasBlob(store, expected)).toBe(false);
  const path = await keep(store);
  expect(hasBlob(store, expected)).toBe(true);
  expect(hasBlob(store, { ...expected, size: 5 })).toBe(false);
  expect(readFileSync(path)).toEqual(content);
  expect(statSync(path).mode & 0o777).toBe(0o400);
  await expect(keep(store)).rejects.toMatchObject({ code: 'EEXIST' });
});

test.for([
  ['another digest', { ...expected, digest: digestOf('other') }, 'DIGEST_MISMATCH'],
  ['a smaller size', { ...expected, size: 5 }, 'SIZE_MISMATCH'],
  ['a bigger size', { ...expected, size: 500 }, 'SIZE_MISMATCH'],
] as const)('of content with %s nothing is left', async ([, wrong, code], context) => {
  const store = openStore(temporaryDirectory(context));
  await expect(writeVerified(inChunks(content), wrong, `${store.tmp}/new`)).rejects.toMatchObject({ code });
  expect(readdirSync(store.tmp)).toEqual([]);
});

test('a digest that is a path names no blob', (context) => {
  const store = openStore(temporaryDirectory(context));
  const lookingOutside = () => hasBlob(store, { digest: 'sha256:../../../escape' });
  expect(lookingOutside).toThrow(expect.objectContaining({ code: 'DIGEST_INVALID' }));
});

test('a document is read and verified; a damaged one is an error', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const path = await keep(store);
  expect(readBlobDocument(store, expected, 'manifest', (document) => document)).toEqual({ schemaVersion: 2 });
  writeFileSync(`${path}.new`, content.toString().replace('2', '3'));
  renameSync(`${path}.new`, path);
  expect(() => readBlobDocument(store, expected, 'manifest', (document) => document)).toThrow(
    expect.objectContaining({ code: 'DIGEST_MISMATCH' }),
  );
});

test('a document that is too big is not read into memory', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const big = Buffer.alloc(5 * 1024 * 1024, 0x20);
  await keep(store, big);
  expect(() => readBlobDocument(store, { digest: digestOf(big) }, 'manifest', (document) => document)).toThrow(
    /has 5242880 bytes, more than the 4194304 of a document/,
  );
});

test('a blob that is not there is an error that names it', (context) => {
  const store = openStore(temporaryDirectory(context));
  expect(() => readBlobDocument(store, expected, 'manifest', (document) => document)).toThrow(
    `blob ${expected.digest} is not in the store at '${store.root}'`,
  );
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
