import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, type TestContext, test } from 'vitest';
import { digestOf } from '../../store/digest.ts';
import { findImage } from '../../store/images.ts';
import { pullImage } from '../../store/pull.ts';
import { tagImage } from '../../store/tag.ts';
import type { TransferEvent } from '../../store/transfer-event.ts';
import { requires } from '../support/requires.ts';
import { startFaultyRegistry } from './registry/support/faulty-registry.ts';
import { counts, NOISE, newStore, QUICK, serveImage } from './registry/support/serve-image.ts';
import { addBlob, addImage, type Files } from './support/image.ts';
import { has } from './support/programs.ts';
import { tar } from './support/tar-writer.ts';
import { describeTree } from './support/tree.ts';

const owner = `${process.geteuid?.()}:${process.getegid?.()}`;

describe('an image is pulled', () => {
  test('by its tag, with its layers and configuration', async (context) => {
    const parts = { layers: [[{ name: 'a', content: '1' }], [{ name: 'b', content: '2' }]], config: { Env: ['A=1'] } };
    const { pull, store, name, digest } = await serveImage(context, parts);
    const image = await pull();
    expect(image).toMatchObject({ digest, references: [name], config: { Env: ['A=1'] }, notes: [] });
    expect(image.layers.map((layer) => describeTree(layer))).toEqual([[`644 ${owner} a "1"`], [`644 ${owner} b "2"`]]);
    expect(counts(store)).toEqual([4, 2, 0]);
  });

  test('by its digest, and is found by that again', async (context) => {
    const { host, digest, store } = await serveImage(context);
    const reference = `${host}/me/app@${digest}`;
    expect((await pullImage(store, reference, QUICK)).references).toEqual([reference]);
    expect(findImage(store, reference).digest).toBe(digest);
  });

  test.for(['gzip', 'zstd', 'none'] as const)('with layers compressed by %s', async (program, context) => {
    requires(context, program === 'none' || has(program), program);
    const archive = tar({ name: 'a', content: 'x'.repeat(100_000) });
    const content = program === 'none' ? archive : execFileSync(program, ['-c'], { input: archive });
    const files: Files = new Map();
    const suffix = program === 'none' ? '' : `+${program}`;
    const layer = addBlob(files, `application/vnd.oci.image.layer.v1.tar${suffix}`, content);
    const { digest } = addImage(files, { layers: [], diffIds: [digestOf(archive)], manifest: { layers: [layer] } });
    const { host } = await startFaultyRegistry(context, { files, tags: { v1: digest } });
    const { layers } = await pullImage(newStore(context), `${host}/me/app:v1`, QUICK);
    expect(readFileSync(join(layers[0] ?? '', 'a'), 'utf8')).toBe('x'.repeat(100_000));
  });

  test("from Docker's schema 2 as from OCI's", async (context) => {
    const files: Files = new Map();
    const archive = tar({ name: 'a' });
    const docker = 'application/vnd.docker';
    const layer = addBlob(files, `${docker}.image.rootfs.diff.tar.gzip`, gzipSync(archive));
    const config = { os: 'linux', architecture: 'amd64', rootfs: { diff_ids: [digestOf(archive)] } };
    const manifest = addBlob(
      files,
      `${docker}.distribution.manifest.v2+json`,
      JSON.stringify({
        schemaVersion: 2,
        mediaType: `${docker}.distribution.manifest.v2+json`,
        config: addBlob(files, `${docker}.container.image.v1+json`, JSON.stringify(config)),
        layers: [layer],
      }),
    );
    const platform = { os: 'linux', architecture: 'amd64' };
    const mediaType = `${docker}.distribution.manifest.list.v2+json`;
    const list = JSON.stringify({ schemaVersion: 2, mediaType, manifests: [{ ...manifest, platform }] });
    const { host } = await startFaultyRegistry(context, { files, tags: { v1: addBlob(files, '', list).digest } });
    const image = await pullImage(newStore(context), `${host}/me/app:v1`, { ...QUICK, platform });
    expect(image.digest).toBe(manifest.digest);
  });

  test('and what happens is told', async (context) => {
    const { pull, files, digest, name } = await serveImage(context);
    const layer = [...files].find(([, bytes]) => bytes.length > 100_000)?.[0].replace(/.*\//, 'sha256:') ?? '';
    const size = files.get(`blobs/${layer.replace(':', '/')}`)?.length ?? 0;
    const events: TransferEvent[] = [];
    await pull({ onProgress: (event) => events.push(event) });
    const receiving = events.filter((event) => event.kind === 'receiving');
    const diffId = expect.stringMatching(/^sha256:/);
    expect(events.filter((event) => event.kind !== 'receiving')).toEqual([
      { kind: 'resolving', reference: name },
      { kind: 'resolved', digest, size, layers: 1 },
      { kind: 'unpacking', digest: layer, diffId },
      { kind: 'unpacked', digest: layer, diffId },
      { kind: 'done', digest },
    ]);
    expect(receiving.at(-1)).toEqual({ kind: 'receiving', digest: layer, bytes: size, total: size });
  });
});

describe('the policy', () => {
  test("'missing' asks nobody for an image that is there", async (context) => {
    const { pull, asked } = await serveImage(context);
    const first = await pull();
    const before = asked.length;
    expect(await pull()).toMatchObject({ digest: first.digest, layers: first.layers });
    expect(asked).toHaveLength(before);
  });

  test("'always' asks what the tag stands for, and transfers nothing that is there", async (context) => {
    const { pull, asked } = await serveImage(context);
    await pull();
    const before = asked.length;
    await pull({ policy: 'always' });
    expect(asked.slice(before).map(({ path }) => path)).toEqual(['/v2/me/app/manifests/v1']);
  });

  test("'never' asks nobody", async (context) => {
    const { pull, asked } = await serveImage(context);
    await expect(pull({ policy: 'never' })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
    expect(asked).toEqual([]);
  });

  test("'missing' pulls an image that lost a layer", async (context) => {
    const { pull } = await serveImage(context);
    const { layers } = await pull();
    rmSync(layers[0] ?? '', { recursive: true });
    expect((await pull()).layers).toEqual(layers);
    expect(readdirSync(layers[0] ?? '')).toEqual(['a']);
  });
});

test('of a second image, only the layers that are new are transferred and unpacked', async (context) => {
  const files: Files = new Map();
  const shared = [{ name: 'shared', content: NOISE }];
  const one = addImage(files, { layers: [shared] });
  const two = addImage(files, { layers: [shared, [{ name: 'new' }]] });
  const { host, asked } = await startFaultyRegistry(context, { files, tags: { one: one.digest, two: two.digest } });
  const store = newStore(context);
  const first = await pullImage(store, `${host}/me/app:one`, QUICK);
  const before = asked.filter(({ path }) => path.includes('/blobs/')).length;
  const events: string[] = [];
  const second = await pullImage(store, `${host}/me/app:two`, {
    ...QUICK,
    onProgress: ({ kind }) => events.push(kind),
  });
  expect(second.layers[0]).toBe(first.layers[0]);
  expect(second.layers).toHaveLength(2);
  // Its configuration and its one new layer.
  expect(asked.filter(({ path }) => path.includes('/blobs/'))).toHaveLength(before + 2);
  expect(events.filter((kind) => kind === 'exists' || kind === 'unpacking')).toEqual(['exists', 'unpacking']);
});

test('an image is called what it was asked for by, whatever other names it has', async (context) => {
  const { host, name, store, pull } = await serveImage(context);
  await pull();
  await tagImage(store, name, 'aaa');
  expect((await pull({ policy: 'always' })).name).toBe(name);
  expect((await pull()).name).toBe(name);
  const registries = [{ prefix: 'example.com', location: host }];
  const mirrored = await pullImage(store, 'example.com/me/app:v1', { ...QUICK, registries });
  expect(mirrored.name).toBe('example.com/me/app:v1');
  expect(mirrored.references).toHaveLength(3);
});

describe('an image for one platform', () => {
  const platform = { os: 'linux', architecture: 'mips' };

  test.for(['always', 'missing'] as const)(
    "is not the one for another, by policy '%s', nor gets its name",
    async (policy, context) => {
      const { pull, host, store, files, digest } = await serveImage(context);
      await pull();
      const error = { code: 'PLATFORM_NOT_FOUND', message: expect.stringContaining('is not for linux/mips, but for') };
      await expect(pull({ platform, policy })).rejects.toMatchObject(error);
      const { host: other } = await startFaultyRegistry(context, { files, tags: { v2: digest } });
      const attempt = pullImage(store, `${other}/me/app:v2`, { ...QUICK, platform, policy });
      await expect(attempt).rejects.toMatchObject(error);
      expect(findImage(store, digest).references).toEqual([`${host}/me/app:v1`]);
    },
  );

  test("is not the one for another, by policy 'never'", async (context) => {
    const { pull } = await serveImage(context);
    await pull();
    const error = { code: 'IMAGE_NOT_FOUND', message: expect.stringContaining("app:v1' for linux/mips in the store") };
    await expect(pull({ platform, policy: 'never' })).rejects.toMatchObject(error);
  });
});

describe('of an index for several platforms', () => {
  const machine = process.arch === 'x64' ? 'amd64' : process.arch;

  async function serveIndex(context: TestContext) {
    const files: Files = new Map();
    const manifests = ['s390x', machine].map((architecture) =>
      addImage(files, { platform: { os: 'linux', architecture }, config: { Cmd: [architecture] } }),
    );
    const mediaType = 'application/vnd.oci.image.index.v1+json';
    const { digest } = addBlob(files, mediaType, JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
    const { host, asked } = await startFaultyRegistry(context, { files, tags: { v1: digest } });
    return { name: `${host}/me/app`, digest, asked, store: newStore(context) };
  }

  test("this machine's is pulled, or the one that is asked for", async (context) => {
    const { name, store } = await serveIndex(context);
    expect((await pullImage(store, `${name}:v1`, QUICK)).config.Cmd).toEqual([machine]);
    const platform = { os: 'linux', architecture: 's390x' };
    expect((await pullImage(store, `${name}:v1`, { ...QUICK, platform })).config.Cmd).toEqual(['s390x']);
  });

  test('the digest of the index is a name of the image', async (context) => {
    const { name, digest, store, asked } = await serveIndex(context);
    const { references, layers } = await pullImage(store, `${name}:v1@${digest}`, QUICK);
    expect(references).toEqual([`${name}@${digest}`]);
    const before = asked.length;
    expect((await pullImage(store, `${name}@${digest}`, QUICK)).layers).toEqual(layers);
    expect(asked).toHaveLength(before);
  });

  test('a missing one is an error that names those there are', async (context) => {
    const { name, store } = await serveIndex(context);
    const platform = { os: 'linux', architecture: 'mips' };
    await expect(pullImage(store, `${name}:v1`, { ...QUICK, platform })).rejects.toMatchObject({
      code: 'PLATFORM_NOT_FOUND',
      message: expect.stringContaining(`is not for linux/mips, but for linux/s390x, linux/${machine}`),
    });
    expect(counts(store)).toEqual([0, 0, 0]);
  });
});
