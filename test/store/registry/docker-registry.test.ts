/** Against Debian's docker-registry, with skopeo as the other client. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { digestOf } from '../../../store/digest.ts';
import { findImage } from '../../../store/images.ts';
import { loadImage } from '../../../store/load.ts';
import { pullImage } from '../../../store/pull.ts';
import { pushImage } from '../../../store/push.ts';
import { deleteRemoteImage, listReferrers, listRemoteTags } from '../../../store/registry/index.ts';
import type { TransferEvent } from '../../../store/transfer-event.ts';
import { requires } from '../../support/requires.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { addBlob, addImage, layoutFiles, writeFiles } from '../support/image.ts';
import { has } from '../support/programs.ts';
import { describeTree } from '../support/tree.ts';
import { LOGIN, type RunningRegistry, startRegistry } from './support/docker-registry.ts';
import { counts, NOISE, newStore } from './support/serve-image.ts';

const LAYERS = [
  [
    { name: 'removed', content: '1' },
    { name: 'kept', content: NOISE },
  ],
  [{ name: '.wh.removed' }, { name: 'added', content: '2' }],
];

/** A store with an image of two layers, the second of which removes something. */
async function storeWithImage(context: TestContext, reference: string) {
  const store = newStore(context);
  const files = layoutFiles({ layers: LAYERS, config: { Env: ['A=1'], Cmd: ['/bin/sh'] } });
  const path = writeFiles(temporaryDirectory(context), files);
  const image = await loadImage(store, path, { reference });
  return { store, image, path };
}

/** `skopeo copy` or `inspect`; `end` says which end of a copy the registry is. */
function skopeo(
  { ca, certificates }: RunningRegistry,
  command: string,
  end: 'src-' | 'dest-' | '',
  ...args: string[]
): string {
  const tls = ca === '' ? [`--${end}tls-verify=false`] : [`--${end}cert-dir=${certificates}`];
  const commandLine = ['--insecure-policy', command, ...tls, `--${end}creds=me:secret`, ...args];
  return execFileSync('skopeo', commandLine, { encoding: 'utf8', stdio: 'pipe' });
}

describe.for([
  ['without TLS', {}],
  ['with TLS', { tls: true }],
  ['with TLS and a password', { tls: true, login: true }],
] as const)('at a registry %s', ([, features]) => {
  test('what is pushed is pulled, layer by layer the same', async (context) => {
    const registry = await startRegistry(context, features);
    const options = { ca: registry.ca || undefined, ...('login' in features ? { credentials: LOGIN } : {}) };
    const reference = `${registry.host}/me/app:v1`;
    const { store, image } = await storeWithImage(context, reference);
    expect(await pushImage(store, reference, options)).toEqual({ reference, digest: image.digest });
    const other = newStore(context);
    const pulled = await pullImage(other, reference, options);
    expect(pulled).toMatchObject({ digest: image.digest, references: [reference], config: image.config });
    expect(pulled.layers.map((layer) => describeTree(layer))).toEqual(image.layers.map((layer) => describeTree(layer)));
    expect(counts(other)).toEqual([4, 2, 0]);
  });

  test('what skopeo copies there is pulled, and what is pushed skopeo verifies', async (context) => {
    requires(context, has('skopeo'), 'skopeo');
    const registry = await startRegistry(context, features);
    const options = { ca: registry.ca || undefined, ...('login' in features ? { credentials: LOGIN } : {}) };
    const { store, image, path } = await storeWithImage(context, `${registry.host}/ours:v1`);
    skopeo(registry, 'copy', 'dest-', `oci:${path}`, `docker://${registry.host}/theirs:v1`);
    const theirs = await pullImage(newStore(context), `${registry.host}/theirs:v1`, options);
    expect(theirs.layers.map((layer) => describeTree(layer))).toEqual(image.layers.map((layer) => describeTree(layer)));

    await pushImage(store, `${registry.host}/ours:v1`, options);
    const ours = `docker://${registry.host}/ours:v1`;
    expect(JSON.parse(skopeo(registry, 'inspect', '', ours))).toMatchObject({ Digest: image.digest, Env: ['A=1'] });
    // It compares all digests while it copies.
    const copy = join(temporaryDirectory(context), 'copy');
    skopeo(registry, 'copy', 'src-', ours, `dir:${copy}`);
    expect(digestOf(readFileSync(join(copy, 'manifest.json')))).toBe(image.digest);
  });
});

test('a wrong password, and none, are refused in words', async (context) => {
  const registry = await startRegistry(context, { login: true });
  const pull = (credentials?: typeof LOGIN) =>
    pullImage(newStore(context), `${registry.host}/me/app:v1`, { credentials });
  const refused = (reason: RegExp) => ({ code: 'UNAUTHORIZED', message: expect.stringMatching(reason) });
  await expect(pull()).rejects.toMatchObject(refused(/there are no credentials for it .*authentication required/));
  const error = await pull({ ...LOGIN, password: 'wrong' }).catch((reason: Error) => reason);
  expect(error).toMatchObject(
    refused(/does not take the credentials from the option credentials .*authentication required/),
  );
  expect(String((error as Error).stack)).not.toContain('wrong');
});

describe('a push', () => {
  const kinds = (events: TransferEvent[]) =>
    events.filter(({ kind }) => kind === 'exists' || kind === 'sending').map(({ kind }) => kind);

  test('sends nothing that is there', async (context) => {
    const { host } = await startRegistry(context);
    const { store } = await storeWithImage(context, `${host}/me/app:v1`);
    await pushImage(store, `${host}/me/app:v1`);
    const events: TransferEvent[] = [];
    await pushImage(store, `${host}/me/app:v1`, { onProgress: (event) => events.push(event) });
    expect(kinds(events)).toEqual(['exists', 'exists', 'exists']);
  });

  test('mounts what another repository of the registry has', async (context) => {
    const { host } = await startRegistry(context);
    const { store, image } = await storeWithImage(context, `${host}/me/app:v1`);
    await pushImage(store, `${host}/me/app:v1`);
    const events: TransferEvent[] = [];
    const pushed = await pushImage(store, `${host}/me/app:v1`, {
      to: `${host}/you/copy:v2`,
      onProgress: (event) => events.push(event),
    });
    expect(pushed).toEqual({ reference: `${host}/you/copy:v2`, digest: image.digest });
    expect(kinds(events)).toEqual(['exists', 'exists', 'exists']);
    expect((await pullImage(newStore(context), `${host}/you/copy:v2`)).digest).toBe(image.digest);
  });

  test('in pieces arrives as one', async (context) => {
    const { host } = await startRegistry(context);
    const { store, image } = await storeWithImage(context, `${host}/me/app:v1`);
    const events: TransferEvent[] = [];
    await pushImage(store, `${host}/me/app:v1`, { chunkBytes: 100_000, onProgress: (event) => events.push(event) });
    expect(events.filter((event) => event.kind === 'sending' && event.bytes === 200_000)).toHaveLength(1);
    const pulled = await pullImage(newStore(context), `${host}/me/app:v1`);
    expect(pulled.layers.map((layer) => describeTree(layer))).toEqual(image.layers.map((layer) => describeTree(layer)));
  });

  test('of a name that is not in the store says which there are', async (context) => {
    const { store } = await storeWithImage(context, 'localhost:1/me/app:v1');
    await expect(pushImage(store, 'localhost:1/me/other')).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      message: expect.stringContaining('localhost:1/me/app:v1'),
    });
  });
});

test('tags are listed and deleted, images deleted by their digest', async (context) => {
  const { host } = await startRegistry(context);
  const { store, image } = await storeWithImage(context, `${host}/me/app:v1`);
  for (const tag of ['v1', 'v2', 'v3']) await pushImage(store, `${host}/me/app:v1`, { to: `${host}/me/app:${tag}` });
  expect(await listRemoteTags(`${host}/me/app`)).toEqual(['v1', 'v2', 'v3']);
  // This registry deletes no tags alone; what it would do instead is said, and not done.
  await expect(deleteRemoteImage(`${host}/me/app:v1`)).rejects.toMatchObject({
    code: 'UNSUPPORTED',
    hint: expect.stringContaining(`${host}/me/app@${image.digest}`),
  });
  await deleteRemoteImage(`${host}/me/app@${image.digest}`);
  await expect(pullImage(newStore(context), `${host}/me/app:v1`)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  await expect(deleteRemoteImage(`${host}/me/app@${image.digest}`)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  await expect(listRemoteTags(`${host}/me/nothing`)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
});

test('what refers to an image is listed where the registry knows nothing of referrers', async (context) => {
  const { host } = await startRegistry(context);
  const { store, image } = await storeWithImage(context, `${host}/me/app:v1`);
  await pushImage(store, `${host}/me/app:v1`);
  const files = layoutFiles();
  const subject = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: image.digest, size: 1 };
  const signature = addImage(files, {
    manifest: { subject, artifactType: 'application/x-signature' },
    name: 'signature',
  });
  files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [signature] })));
  const path = writeFiles(temporaryDirectory(context), files);
  await loadImage(store, path, { reference: `${host}/me/app:signature` });
  await pushImage(store, `${host}/me/app:signature`);
  const listed = [expect.objectContaining({ digest: signature.digest, artifactType: 'application/x-signature' })];
  expect(await listReferrers(`${host}/me/app:v1`)).toEqual(listed);
  expect(await listReferrers(`${host}/me/app:v1`, { artifactType: 'application/x-signature' })).toEqual(listed);
  expect(await listReferrers(`${host}/me/app:v1`, { artifactType: 'application/x-other' })).toEqual([]);
});

test("an index for several platforms is pulled for this machine's, by tag and by digest", async (context) => {
  requires(context, has('skopeo'), 'skopeo');
  const registry = await startRegistry(context);
  const files = layoutFiles();
  const machine = process.arch === 'x64' ? 'amd64' : process.arch;
  const manifests = ['s390x', machine].map((architecture) =>
    addImage(files, { platform: { os: 'linux', architecture }, config: { Cmd: [architecture] } }),
  );
  const mediaType = 'application/vnd.oci.image.index.v1+json';
  const index = addBlob(files, mediaType, JSON.stringify({ schemaVersion: 2, mediaType, manifests }));
  files.set('index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [index] })));
  const path = writeFiles(temporaryDirectory(context), files);
  skopeo(registry, 'copy', 'dest-', '--all', `oci:${path}`, `docker://${registry.host}/multi:v1`);
  const store = newStore(context);
  expect((await pullImage(store, `${registry.host}/multi:v1`)).config.Cmd).toEqual([machine]);
  const reference = `${registry.host}/multi@${index.digest}`;
  expect((await pullImage(store, reference)).config.Cmd).toEqual([machine]);
  expect(findImage(store, reference).references).toEqual([`${registry.host}/multi:v1`, reference]);
});
