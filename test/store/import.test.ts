import { execFileSync } from 'node:child_process';
import { createReadStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readChunks } from '../../store/blobs.ts';
import { digestOf } from '../../store/digest.ts';
import { decompress } from '../../store/layer/decompress.ts';
import { readTar } from '../../store/layer/read.ts';
import { blobPath, openStore } from '../../store/layout.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { imageHistory, importImage, inspectImage, listImages } from './support/doors.ts';
import { countsOf } from './support/images.ts';
import { attribute } from './support/layers.ts';
import { has } from './support/programs.ts';
import { inChunks } from './support/streams.ts';
import { tar } from './support/tar-writer.ts';
import { describeTree } from './support/tree.ts';

const isRoot = process.geteuid?.() === 0;
const owner = `${process.geteuid?.()}:${process.getegid?.()}`;
const ROOT = tar(
  { name: './', type: '5', mode: 0o755 },
  { name: './etc/', type: '5', mode: 0o755 },
  { name: './etc/hostname', content: 'box\n', mtime: 1_000_000 },
  { name: './etc/link', type: '1', link: './etc/hostname' },
);

test('an archive of a root file system becomes an image of one layer', async (context) => {
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  const path = join(directory, 'root.tar');
  writeFileSync(path, ROOT);
  const image = await importImage(store, path, {
    reference: 'me/root:v1',
    config: { Cmd: ['sh'], Env: ['A=1'] },
    message: 'made by hand',
    author: 'me',
    created: new Date('2024-05-06T07:08:09Z'),
  });
  expect(image).toMatchObject({
    references: ['docker.io/me/root:v1'],
    config: { Cmd: ['sh'], Env: ['A=1'] },
    notes: [],
  });
  expect(image.layers.map((layer) => describeTree(layer))).toEqual([
    [`755 ${owner} etc/`, `644 ${owner} etc/hostname "box\\n"`, `644 ${owner} etc/link "box\\n"`],
  ]);
  expect(inspectImage(store, 'me/root:v1')).toMatchObject({
    author: 'me',
    created: new Date('2024-05-06T07:08:09Z'),
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }],
  });
  expect(imageHistory(store, 'me/root:v1')).toMatchObject([{ createdBy: 'caisson import', comment: 'made by hand' }]);
  expect(countsOf(store)).toEqual({ blobs: 3, layers: 1, tmp: 0 });
});

test('the same archive gives the same image: compressed, from a stream, and with SOURCE_DATE_EPOCH whenever', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, 'root.tar.gz'), gzipSync(ROOT));
  process.env.SOURCE_DATE_EPOCH = '1700000000';
  context.onTestFinished(() => void delete process.env.SOURCE_DATE_EPOCH);
  const message = 'same';
  const images = [
    await importImage(store, inChunks(ROOT, 700), { message }),
    await importImage(store, join(directory, 'root.tar.gz'), { message }),
    await importImage(store, createReadStream(join(directory, 'root.tar.gz')), { message }),
  ];
  expect(new Set(images.map(({ digest }) => digest)).size).toBe(1);
  expect(listImages(store)).toMatchObject([{ created: new Date(1_700_000_000_000) }]);
});

test('devices, owners, attributes, times, hard links and names of any bytes are kept', async (context) => {
  requires(context, isRoot && has('tar', /GNU/), 'root and GNU tar');
  const directory = temporaryDirectory(context);
  const store = openStore(join(directory, 'store'));
  const script = `
    mkdir tree; cd tree; mkfifo fifo; mknod null c 1 3; mknod disk b 7 0; echo x > file; ln file hard; ln -s /file soft
    touch -d @1.123456789 file; chown 1234:5678 file; chmod 6751 file
    truncate -s 1M sparse; echo end >> sparse; : > $(printf 'b\\377d'); setfattr -n user.x -v y file 2>/dev/null || true
  `;
  execFileSync('bash', ['-ec', script], { cwd: directory });
  const archive = execFileSync('tar', [
    '-c',
    '--sparse',
    '--xattrs',
    '--format=posix',
    '-C',
    join(directory, 'tree'),
    '.',
  ]);
  const { layers } = await importImage(store, inChunks(archive));
  const [layer = ''] = layers;
  const find = (path: string) =>
    execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P %y %m %U:%G %s %l %T@ %n\\n'], {
      cwd: path,
      encoding: 'latin1',
    })
      .split('\n')
      .sort();
  expect(find(layer)).toEqual(find(join(directory, 'tree')));
  const contents = (path: string) =>
    execFileSync('sh', ['-c', 'find . -type f -exec sha256sum {} + | sort'], { cwd: path });
  expect(contents(layer).toString('latin1')).toBe(contents(join(directory, 'tree')).toString('latin1'));
  expect(attribute(join(layer, 'file'), 'user.x')).toEqual(attribute(join(directory, 'tree/file'), 'user.x'));
});

test('the blob is a plain layer that says nothing twice', async (context) => {
  const store = openStore(temporaryDirectory(context));
  await importImage(store, inChunks(ROOT), { reference: 'root' });
  const { layers } = inspectImage(store, 'root');
  const [{ digest, diffId } = { digest: '', diffId: '' }] = layers;
  expect(digestOf(readFileSync(blobPath(store, digest)))).toBe(digest);
  const names: string[] = [];
  for await (const entry of readTar(decompress(readChunks(blobPath(store, digest))))) names.push(entry.name.toString());
  expect(names).toEqual(['./', './etc/', './etc/hostname', './etc/link']);
  expect(diffId).toMatch(/^sha256:/);
});

test.for([
  ['no archive', Buffer.from('hello'.repeat(300)), 'ARCHIVE_INVALID'],
  ['cut short', ROOT.subarray(0, 1300), 'ARCHIVE_INVALID'],
  ['leading out of its root', tar({ name: '../evil' }), 'LAYER_INVALID'],
] as const)('of what is %s nothing is left', async ([, bytes, code], context) => {
  const store = openStore(temporaryDirectory(context));
  await expect(importImage(store, inChunks(bytes), { reference: 'root' })).rejects.toMatchObject({ code });
  expect(countsOf(store)).toEqual({ blobs: 0, layers: 0, tmp: 0 });
  expect(listImages(store)).toEqual([]);
});

test('a file that is not there is named as it is', async (context) => {
  const store = openStore(temporaryDirectory(context));
  await expect(importImage(store, '/nowhere/root.tar')).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
    message: "there is no archive at '/nowhere/root.tar'",
  });
  expect(readdirSync(store.tmp)).toEqual([]);
});
