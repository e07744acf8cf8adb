import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, type TestContext, test } from 'vitest';
import { digestOf } from '../../store/digest.ts';
import { findImage, listImages } from '../../store/images.ts';
import { openStore, type Store } from '../../store/layout.ts';
import { loadImage } from '../../store/load.ts';
import { sweepContainers } from '../../store/sweep.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { addBlob, addImage, type Files, layoutFiles, writeArchive, writeFiles } from './support/image.ts';
import { has } from './support/programs.ts';
import { runStoreScript } from './support/script.ts';
import { encodeEntry, tar } from './support/tar-writer.ts';
import { describeTree } from './support/tree.ts';

function setUp(context: TestContext): { store: Store; directory: string } {
  const directory = temporaryDirectory(context);
  return { store: openStore(join(directory, 'store')), directory };
}

const namesIn = (store: Store) => [store.blobs, store.layers, store.tmp].map((path) => readdirSync(path).length);
const owner = `${process.geteuid?.()}:${process.getegid?.()}`;

describe('an image is loaded', () => {
  const files = layoutFiles({
    layers: [[{ name: 'a', content: 'first' }], [{ name: 'b', content: 'second' }]],
    config: { Env: ['A=1'], Cmd: ['/a'], Labels: { a: 'b' } },
  });

  test.for([
    ['an OCI layout directory', (directory: string) => writeFiles(directory, files)],
    ['an archive of an OCI layout', (directory: string) => writeArchive(directory, files)],
    ['a compressed archive of one', (directory: string) => writeArchive(directory, files, gzipSync)],
    [
      'an archive with ./ before its names',
      (directory: string) => writeArchive(directory, new Map([...files].map(([name, bytes]) => [`./${name}`, bytes]))),
    ],
  ] as const)('from %s', async ([, write], context) => {
    const { store, directory } = setUp(context);
    const image = await loadImage(store, write(directory), { reference: 'app:v1' });
    expect(image).toMatchObject({
      references: ['docker.io/library/app:v1'],
      config: { Env: ['A=1'], Cmd: ['/a'], Labels: { a: 'b' } },
      notes: [],
    });
    expect(image.layers.map((layer) => describeTree(layer))).toEqual([
      [`644 ${owner} a "first"`],
      [`644 ${owner} b "second"`],
    ]);
    expect(findImage(store, 'app:v1').layers).toEqual(image.layers);
    expect(namesIn(store)).toEqual([4, 2, 0]);
  });

  test('from what docker save wrote before there was OCI, with links between layers', async (context) => {
    const { store, directory } = setUp(context);
    const layer = tar({ name: 'a', content: 'first' });
    const config = JSON.stringify({
      os: 'linux',
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      config: { Cmd: ['/a'] },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer), digestOf(layer)] },
    });
    const manifest = [
      { Config: 'config.json', RepoTags: ['me/app:v1', 'me/app:latest'], Layers: ['one/layer.tar', 'two/layer.tar'] },
    ];
    const path = join(directory, 'saved.tar');
    writeFileSync(
      path,
      tar(
        { name: 'one/', type: '5' },
        { name: 'one/layer.tar', content: layer },
        { name: 'two/layer.tar', type: '2', link: '../one/layer.tar' },
        { name: 'config.json', content: config },
        { name: 'manifest.json', content: JSON.stringify(manifest) },
      ),
    );
    const image = await loadImage(store, path);
    expect(image.references).toEqual(['docker.io/me/app:v1', 'docker.io/me/app:latest']);
    // Overlay refuses a directory that comes twice.
    expect(image.layers.map((each) => describeTree(each))).toEqual([[`644 ${owner} a "first"`]]);
    expect((await loadImage(store, path)).digest).toBe(image.digest);
    expect(listImages(store)).toHaveLength(1);
  });

  test.for(['gzip', 'zstd'])('with layers compressed by %s', async (program, context) => {
    requires(context, has(program), program);
    const { store, directory } = setUp(context);
    const archive = tar({ name: 'a', content: 'x'.repeat(100_000) });
    const compressed = execFileSync(program, ['-c'], { input: archive });
    const packed = layoutFiles();
    const layer = addBlob(packed, `application/vnd.oci.image.layer.v1.tar+${program}`, compressed);
    const entry = addImage(packed, { layers: [], diffIds: [digestOf(archive)], manifest: { layers: [layer] } });
    packed.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [entry] })));
    const image = await loadImage(store, writeFiles(directory, packed));
    expect(readFileSync(join(image.layers[0] ?? '', 'a'), 'utf8')).toBe('x'.repeat(100_000));
  });
});

describe('of several images', () => {
  const several = layoutFiles({ name: 'one:v1', config: { Cmd: ['1'] } }, { name: 'two:v2', config: { Cmd: ['2'] } });

  test('the one that is asked for is loaded', async (context) => {
    const { store, directory } = setUp(context);
    const path = writeFiles(directory, several);
    expect((await loadImage(store, path, { reference: 'two:v2' })).config.Cmd).toEqual(['2']);
    expect((await loadImage(store, path, { reference: 'docker.io/library/one:v1' })).config.Cmd).toEqual(['1']);
  });

  test('none is loaded when it is not said which, and the error names them', async (context) => {
    const { store, directory } = setUp(context);
    await expect(loadImage(store, writeFiles(directory, several))).rejects.toMatchObject({
      code: 'IMAGE_AMBIGUOUS',
      message: expect.stringContaining("'one:v1', 'two:v2'"),
    });
    expect(namesIn(store)).toEqual([0, 0, 0]);
  });
});

describe('of an index for several platforms', () => {
  const machine = process.arch === 'x64' ? 'amd64' : process.arch;
  const files: Files = layoutFiles();
  const entries = ['s390x', machine, 'riscv64'].map((architecture) =>
    addImage(files, { platform: { os: 'linux', architecture }, config: { Cmd: [architecture] } }),
  );
  const attestation = {
    ...addBlob(files, 'application/vnd.oci.image.manifest.v1+json', '{}'),
    platform: { os: 'unknown', architecture: 'unknown' },
  };
  const nested = addBlob(
    files,
    'application/vnd.oci.image.index.v1+json',
    JSON.stringify({ schemaVersion: 2, manifests: [...entries, attestation] }),
  );
  files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [nested] })));

  test("this machine's is loaded, or the one that is asked for", async (context) => {
    const { store, directory } = setUp(context);
    const path = writeFiles(directory, files);
    expect((await loadImage(store, path)).config.Cmd).toEqual([machine]);
    const platform = { os: 'linux', architecture: 's390x' };
    expect((await loadImage(store, path, { platform })).config.Cmd).toEqual(['s390x']);
  });

  test('a missing one is an error that names those there are', async (context) => {
    const { store, directory } = setUp(context);
    const platform = { os: 'linux', architecture: 'mips' };
    await expect(loadImage(store, writeFiles(directory, files), { platform })).rejects.toMatchObject({
      code: 'PLATFORM_NOT_FOUND',
      message: expect.stringContaining(
        `not for linux/mips, but for linux/s390x, linux/${machine}, linux/riscv64, unknown/unknown`,
      ),
    });
  });
});

describe('nothing is left of an image', () => {
  const good = () => layoutFiles({ layers: [[{ name: 'a' }], [{ name: 'b' }]] });
  /** The files with one of them changed: the first whose content passes. */
  const damage = (
    files: Files,
    choose: (name: string, bytes: Buffer) => boolean,
    change: (bytes: Buffer) => Buffer | undefined,
  ) => {
    const [name, bytes] = [...files].find(([each, content]) => choose(each, content)) ?? [];
    if (name === undefined || bytes === undefined) throw new Error('there is no such file');
    const changed = change(bytes);
    if (changed === undefined) files.delete(name);
    else files.set(name, changed);
    return files;
  };
  const isLayer = (_: string, bytes: Buffer) => bytes[0] === 0x1f;
  const flip = (bytes: Buffer) =>
    Buffer.concat([bytes.subarray(0, 40), Buffer.from([(bytes[40] ?? 0) ^ 1]), bytes.subarray(41)]);
  const wrong = digestOf('wrong');

  test.for([
    ['with a damaged layer', () => damage(good(), isLayer, flip), 'DIGEST_MISMATCH'],
    [
      'with a layer that is cut short',
      () => damage(good(), isLayer, (bytes) => bytes.subarray(0, -1)),
      'SIZE_MISMATCH',
    ],
    [
      'with a layer that is too long',
      () => damage(good(), isLayer, (bytes) => Buffer.concat([bytes, Buffer.from('x')])),
      'SIZE_MISMATCH',
    ],
    ['with a missing layer', () => damage(good(), isLayer, () => undefined), 'BLOB_NOT_FOUND'],
    [
      'with a damaged manifest',
      () => damage(good(), (_, bytes) => bytes.includes('"layers":['), flip),
      'DIGEST_MISMATCH',
    ],
    [
      'with a missing configuration',
      () =>
        damage(
          good(),
          (_, bytes) => bytes.includes('rootfs'),
          () => undefined,
        ),
      'BLOB_NOT_FOUND',
    ],
    [
      'whose configuration names another layer',
      () => layoutFiles({ layers: [[{ name: 'a' }]], diffIds: [wrong] }),
      'DIFF_ID_MISMATCH',
    ],
    ['whose configuration names fewer layers', () => layoutFiles({ diffIds: [] }), 'IMAGE_INVALID'],
    ['whose configuration names more layers', () => layoutFiles({ diffIds: [wrong, wrong] }), 'IMAGE_INVALID'],
    ['that is a manifest and an index', () => layoutFiles({ manifest: { manifests: [] } }), 'IMAGE_INVALID'],
    [
      'with a layer that leaves it',
      () => layoutFiles({ layers: [[{ name: 'fine' }], [{ name: '../x' }]] }),
      'LAYER_INVALID',
    ],
    ['with an index that is no JSON', () => layoutFiles().set('index.json', Buffer.from('{')), 'IMAGE_INVALID'],
    ['with an index of nothing', () => layoutFiles(), 'IMAGE_INVALID'],
    [
      'with an index of gigabytes',
      () => layoutFiles().set('index.json', Buffer.alloc(5_000_000, 0x20)),
      'IMAGE_INVALID',
    ],
    ['that is something else', () => new Map([['README', Buffer.from('hello')]]), 'IMAGE_INVALID'],
  ] as const)('%s', async ([, make, code], context) => {
    for (const write of [writeFiles, writeArchive]) {
      const { store, directory } = setUp(context);
      const error = await loadImage(store, write(directory, make())).catch((reason: unknown) => reason);
      // In an archive, what is of another size is of another digest too, which is measured first.
      const codes = code === 'SIZE_MISMATCH' ? [code, 'DIGEST_MISMATCH'] : [code];
      expect(codes).toContain((error as { code: string }).code);
      expect(namesIn(store)).toEqual([0, 0, 0]);
      expect(listImages(store)).toEqual([]);
    }
  });

  test('whose configuration names a layer that is there, but means another', async (context) => {
    const { store, directory } = setUp(context);
    mkdirSync(join(directory, 'liar'));
    const known = await loadImage(store, writeFiles(directory, layoutFiles({ layers: [[{ name: 'known' }]] })));
    const diffIds = known.layers.map((path) => `sha256:${path.slice(-64)}`);
    const before = namesIn(store);
    const liar = writeFiles(join(directory, 'liar'), layoutFiles({ layers: [[{ name: 'liar' }]], diffIds }));
    await expect(loadImage(store, liar)).rejects.toMatchObject({ code: 'DIFF_ID_MISMATCH' });
    expect(namesIn(store)).toEqual(before);
  });

  test.for([
    ['that is cut short', (archive: Buffer) => archive.subarray(0, archive.length / 2)],
    ['that is compressed and cut short', (archive: Buffer) => gzipSync(archive).subarray(0, 500)],
    ['that is no archive', () => Buffer.from('not an archive '.repeat(100))],
  ] as const)('in an archive %s', async ([, encode], context) => {
    const { store, directory } = setUp(context);
    await expect(loadImage(store, writeArchive(directory, good(), encode))).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
    });
    expect(namesIn(store)).toEqual([0, 0, 0]);
  });

  test('with more in a layer than the caller allows', async (context) => {
    const { store, directory } = setUp(context);
    const entries = ['a', 'b', 'c', 'd'].map((name) => ({ name, content: name }));
    const layout = writeFiles(directory, layoutFiles({ layers: [entries] }));
    await expect(loadImage(store, layout, { limits: { maxEntries: 3 } })).rejects.toMatchObject({
      code: 'LAYER_LIMIT_EXCEEDED',
      hint: 'the limit is the option maxEntries',
    });
    expect(namesIn(store)).toEqual([0, 0, 0]);
    expect(await loadImage(store, layout, { limits: { maxEntries: 4 } })).toMatchObject({ notes: [] });
  });

  test('in an archive with a PAX header of a gigabyte', async (context) => {
    const { store, directory } = setUp(context);
    const header = () => encodeEntry({ name: 'p', type: 'x', size: 1024 ** 3 });
    await expect(loadImage(store, writeArchive(directory, good(), header))).rejects.toMatchObject({
      code: 'LAYER_LIMIT_EXCEEDED',
    });
    expect(namesIn(store)).toEqual([0, 0, 0]);
  });

  test('that was stopped while it was loaded', async (context) => {
    const { store, directory } = setUp(context);
    const signal = AbortSignal.abort();
    await expect(loadImage(store, writeArchive(directory, good()), { signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(namesIn(store)).toEqual([0, 0, 0]);
  });
});

test('an archive that names files outside of itself reads and writes none of them', async (context) => {
  const { store, directory } = setUp(context);
  writeFileSync(join(directory, 'secret.json'), '{"secret":true}');
  const manifest = JSON.stringify([{ Config: '../secret.json', RepoTags: null, Layers: [] }]);
  const path = join(directory, 'evil.tar');
  writeFileSync(
    path,
    tar(
      { name: '../../../escaped', content: 'evil' },
      { name: '/tmp/../escaped', content: 'evil' },
      { name: 'config.json', type: '2', link: join(directory, 'secret.json') },
      { name: 'manifest.json', content: manifest },
    ),
  );
  await expect(loadImage(store, path)).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
  expect(readdirSync(directory).sort()).toEqual(['evil.tar', 'secret.json', 'store']);
});

test('where there is no image, the error names the path', async (context) => {
  const { store, directory } = setUp(context);
  await expect(loadImage(store, join(directory, 'nothing.tar'))).rejects.toMatchObject({
    code: 'IMAGE_NOT_FOUND',
    message: `there is no image at '${directory}/nothing.tar'`,
  });
});

test('an image that lost a layer is loaded again', async (context) => {
  const { store, directory } = setUp(context);
  const path = writeFiles(directory, layoutFiles({}));
  const { layers, digest } = await loadImage(store, path);
  execFileSync('rm', ['-r', layers[0] ?? '']);
  expect(() => findImage(store, digest)).toThrow(expect.objectContaining({ code: 'LAYER_NOT_FOUND' }));
  expect((await loadImage(store, path)).layers).toEqual(layers);
});

test('a process that is killed while it loads leaves nothing but what is swept', async (context) => {
  const { store, directory } = setUp(context);
  const layers = Array.from({ length: 3 }, (_, layer) =>
    Array.from({ length: 200 }, (_, file) => ({ name: `${layer}/${file}`, content: 'x'.repeat(5000) })),
  );
  const path = writeArchive(directory, layoutFiles({ layers }));
  const script = `
    import { loadImage, openStore } from 'store';
    const [root, path, delay] = process.argv.slice(2);
    const store = openStore(root);
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(delay));
    await loadImage(store, path);
  `;
  for (const delayMs of [1, 5, 10, 20, 40, 80]) {
    await runStoreScript(context, script, [store.root, path, String(delayMs)]);
    await sweepContainers(store);
    expect(readdirSync(store.tmp)).toEqual([]);
    for (const blob of readdirSync(store.blobs)) {
      expect(digestOf(readFileSync(join(store.blobs, blob)))).toBe(`sha256:${blob}`);
    }
    for (const layer of readdirSync(store.layers)) expect(describeTree(join(store.layers, layer))).toHaveLength(201);
  }
  expect((await loadImage(store, path)).layers).toHaveLength(3);
});
