/** Pushing to registries that are as a test wants them; test/store/registry/docker-registry.test.ts has real ones. */

import { rmSync } from 'node:fs';
import { describe, expect, type TestContext, test } from 'vitest';
import { digestOf } from '../../store/digest.ts';
import { blobPath } from '../../store/layout.ts';
import { loadImage } from '../../store/load.ts';
import { type PushImageOptions, pushImage } from '../../store/push.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { acceptUploads } from './registry/support/accept-uploads.ts';
import { type Answer, type Asked, startFaultyRegistry } from './registry/support/faulty-registry.ts';
import { NOISE, newStore, QUICK } from './registry/support/serve-image.ts';
import { type Files, layoutFiles, writeFiles } from './support/image.ts';

/** A store with an image, and a registry that takes it; `answer` gets each request before. */
async function setUp(
  context: TestContext,
  answer: (request: Asked, ...rest: Parameters<Answer>) => void = (_, ...rest) => rest[2](),
) {
  const received: Files = new Map();
  const accept = acceptUploads(received);
  const { host, asked } = await startFaultyRegistry(context, {
    files: received,
    answer: (request, response, honest) => answer(request, request, response, () => accept(request, response, honest)),
  });
  const store = newStore(context);
  const files = layoutFiles({ layers: [[{ name: 'a', content: NOISE }]] });
  const image = await loadImage(store, writeFiles(temporaryDirectory(context), files), {
    reference: `${host}/me/app:v1`,
  });
  const push = (options: PushImageOptions = {}) => pushImage(store, `${host}/me/app:v1`, { ...QUICK, ...options });
  const sent = [...files].filter(([name]) => name.startsWith('blobs/'));
  return { store, image, push, received, sent, asked, host };
}

const isPatch = ({ method }: Asked) => method === 'PATCH';

test('a manifest goes after all it points to', async (context) => {
  const { push, received, sent, asked } = await setUp(context);
  await push();
  expect(received).toEqual(new Map(sent));
  expect(asked.at(-1)).toMatchObject({ method: 'PUT', path: '/v2/me/app/manifests/v1' });
});

describe('in pieces', () => {
  test('each says where it belongs', async (context) => {
    const { push, received, sent, asked } = await setUp(context);
    await push({ chunkBytes: 200_000 });
    expect(received).toEqual(new Map(sent));
    const ranges = asked.filter(isPatch).map(({ headers }) => headers['content-range']);
    expect(ranges).toContain('0-199999');
    expect(ranges.filter((range) => range?.startsWith('200000-'))).toHaveLength(1);
  });

  test('they are as big as the registry wants them at least', async (context) => {
    const { push, asked } = await setUp(context, (_, request, response, honest) => {
      if (request.method === 'POST') response.setHeader('OCI-Chunk-Min-Length', '250000');
      honest();
    });
    await push({ chunkBytes: 1000 });
    expect(asked.filter(isPatch).map(({ headers }) => headers['content-range'])).toContain('0-249999');
  });

  test('one that was lost on the way is sent again from where it was lost', async (context) => {
    let isLost = false;
    const { push, received, sent, asked } = await setUp(context, (_, request, response, honest) => {
      if (!isPatch(request) || request.headers['content-range'] !== '100000-199999' || isLost) return honest();
      isLost = true;
      response.destroy();
    });
    await push({ chunkBytes: 100_000 });
    expect(received).toEqual(new Map(sent));
    const repeated = asked.filter(({ headers }) => headers['content-range'] === '100000-199999');
    expect(repeated).toHaveLength(2);
  });
});

test('what was refused for the moment is sent again as a whole', async (context) => {
  let refused = 0;
  const { push, received, sent } = await setUp(context, (_, request, response, honest) => {
    if (request.method !== 'PUT' || refused++ > 0) return honest();
    response.writeHead(503, { 'retry-after': '0' }).end();
  });
  await push();
  expect(received).toEqual(new Map(sent));
});

test('credentials do not follow an upload to another server', async (context) => {
  const elsewhere: Files = new Map();
  const storage = await startFaultyRegistry(context, { answer: acceptUploads(elsewhere) });
  const { push, sent, asked } = await setUp(context, (_, request, response, honest) => {
    if (request.headers.authorization === undefined) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    } else if (request.method === 'POST') {
      response.writeHead(202, { location: `http://${storage.host}/blobs/uploads/${asked.length}` }).end();
    } else honest();
  });
  await push({ credentials: { username: 'me', password: 'secret' } });
  expect(elsewhere.size).toBe(sent.length - 1);
  expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
});

test('what another repository does not have after all is sent', async (context) => {
  const { store, push, received, sent, host, asked } = await setUp(context);
  await pushImage(store, `${host}/me/app:v1`, { ...QUICK, to: `${host}/me/other:v1` });
  expect(asked.filter(({ query }) => query.get('from') === 'me/app')).toHaveLength(2);
  expect(asked.filter(({ method }) => method === 'DELETE')).toHaveLength(2);
  await push();
  expect(received).toEqual(new Map(sent));
});

describe('a push fails in words', () => {
  const status =
    (code: number, body = '') =>
    (_: Asked, __: Asked, response: Parameters<Answer>[1]) =>
      void response.writeHead(code).end(body);

  test.for([
    [401, 'UNAUTHORIZED'],
    [403, 'FORBIDDEN'],
    [404, 'NOT_FOUND'],
    [429, 'RATE_LIMITED'],
    [500, 'REGISTRY_UNAVAILABLE'],
    [418, 'REGISTRY_ERROR'],
  ] as const)('where the registry says %i', async ([code, expected], context) => {
    const { push } = await setUp(context, (_, request, response, honest) =>
      request.method === 'HEAD' ? honest() : status(code)(_, request, response),
    );
    await expect(push({ retries: 1 })).rejects.toMatchObject({
      code: expected,
      message: expect.stringContaining(`HTTP ${code}`),
    });
  });

  test('where the registry took something else', async (context) => {
    const { push } = await setUp(context, (_, request, response, honest) => {
      if (request.path.includes('/manifests/'))
        response.writeHead(201, { 'docker-content-digest': digestOf('x') }).end();
      else honest();
    });
    await expect(push()).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining(digestOf('x')),
    });
  });

  test('where the digest in the name is not the image', async (context) => {
    const { push, host, image } = await setUp(context);
    await expect(push({ to: `${host}/me/app@${digestOf('x')}` })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: `the image has digest ${image.digest} and cannot be pushed as ${digestOf('x')}`,
    });
  });

  test('where the store has lost a blob', async (context) => {
    const { push, store, image } = await setUp(context);
    rmSync(blobPath(store, image.digest));
    await expect(push()).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' });
  });

  test('when it is stopped', async (context) => {
    const stop = new AbortController();
    const { push } = await setUp(context, () => stop.abort());
    await expect(push({ signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });
});
