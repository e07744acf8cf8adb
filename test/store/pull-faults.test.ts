/** Registries that are broken, evil or far away. */
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../store/digest.ts';
import { listImages } from '../../store/images.ts';
import { pullImage } from '../../store/pull.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { type Answer, sendBytes, startFaultyRegistry } from './registry/support/faulty-registry.ts';
import { bigBlob, counts, NOISE, newStore, QUICK, serveImage } from './registry/support/serve-image.ts';
import { addBlob, addImage, type Files } from './support/image.ts';
import { has } from './support/programs.ts';
import { runStoreScript } from './support/script.ts';
import { tar } from './support/tar-writer.ts';

type Answers = (files: Files) => Answer;

/** Answers for the layer, and is honest about all else. */
function forLayer(answer: (bytes: Buffer, ...rest: Parameters<Answer>) => void): Answers {
  return (files) => (request, response, honest) => {
    const bytes = bigBlob(files, request);
    return bytes === undefined ? honest() : answer(bytes, request, response, honest);
  };
}

/** Sends a changed layer without saying how long it is. */
function changed(change: (bytes: Buffer) => Buffer): Answers {
  return forLayer((bytes, _, response) => void response.writeHead(200).write('', () => response.end(change(bytes))));
}

/** Answers every question for a manifest with this. */
function manifest(text: string | Buffer, mediaType = 'application/vnd.oci.image.manifest.v1+json'): Answers {
  return () => (_, response) => void response.writeHead(200, { 'content-type': mediaType }).end(text);
}

/** Answers everything with a status. */
function status(code: number, headers: Record<string, string> = {}): Answers {
  const body = '{"errors":[{"code":"WHY","message":"be\\u001b[31mcause"}]}';
  return () => (_, response) => void response.writeHead(code, headers).end(body);
}

const flip = (bytes: Buffer) =>
  Buffer.concat([bytes.subarray(0, 40), Buffer.from([~(bytes[40] ?? 0)]), bytes.subarray(41)]);
const docker1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
const index = 'application/vnd.oci.image.index.v1+json';

const FAULTS: readonly (readonly [title: string, answers: Answers, code: string, message: RegExp])[] = [
  [
    'with a damaged layer',
    changed(flip),
    'DIGEST_MISMATCH',
    /blob should have digest sha256:\w{64}, but has sha256:\w{64}/,
  ],
  [
    'with a layer that is cut short',
    changed((bytes) => bytes.subarray(0, 5000)),
    'SIZE_MISMATCH',
    /blob sha256:\w{64} should have \d+ bytes, but has only 5000/,
  ],
  [
    'with a layer that is too long',
    changed((bytes) => Buffer.concat([bytes, bytes])),
    'SIZE_MISMATCH',
    /should have \d+ bytes, but has more/,
  ],
  [
    'with a layer of another length',
    forLayer((_, request, response) => sendBytes(request, response, Buffer.alloc(7))),
    'SIZE_MISMATCH',
    /blob sha256:\w{64} with 7 bytes; it should have \d+ bytes/,
  ],
  [
    'with a missing layer',
    forLayer((_, __, response) => response.writeHead(404).end()),
    'BLOB_NOT_FOUND',
    /has no blob sha256:/,
  ],
  [
    'whose manifest the registry calls by another digest',
    () => (_, response) => response.writeHead(200, { 'docker-content-digest': digestOf('x') }).end('{}'),
    'DIGEST_MISMATCH',
    /should have digest sha256:\w{64}, but has sha256:\w{64}/,
  ],
  ['whose manifest is no JSON', manifest('{'), 'IMAGE_INVALID', /manifest v1 of .* is not valid/],
  [
    'whose manifest is endless',
    manifest(Buffer.alloc(5_000_000, 0x20)),
    'IMAGE_INVALID',
    /more than the 4194304 bytes/,
  ],
  ["in Docker's first schema", manifest('{"schemaVersion":1}', docker1), 'MEDIA_TYPE_UNKNOWN', /Docker's first schema/],
  [
    'that is a manifest and called an index',
    (files) => manifest([...files.values()].find((bytes) => bytes.includes('"layers":[')) ?? '', index)(files),
    'MEDIA_TYPE_UNKNOWN',
    /the registry calls it/,
  ],
  ['of an unknown kind', manifest('{"mediaType":"text/plain"}'), 'MEDIA_TYPE_UNKNOWN', /'text\/plain'/],
  ['that is not there', status(404), 'IMAGE_NOT_FOUND', /there is no image '127.0.0.1:\d+\/me\/app:v1'/],
  ['that nobody may see', status(401), 'UNAUTHORIZED', /\(HTTP 401, WHY: be \[31mcause\)/],
  [
    'that is forbidden',
    status(403),
    'FORBIDDEN',
    /^GET http:\/\/127.0.0.1:\d+\/v2\/me\/app\/manifests\/v1: .*HTTP 403/,
  ],
  ['of a registry that is ill', status(500), 'REGISTRY_UNAVAILABLE', /HTTP 500/],
  ['of a registry that was asked too often', status(429, { 'retry-after': '0' }), 'RATE_LIMITED', /HTTP 429/],
  [
    'of a registry that wants to be left alone for an hour',
    status(429, { 'retry-after': '3600' }),
    'RATE_LIMITED',
    /HTTP 429/,
  ],
  [
    'of a registry that redirects without end',
    status(302, { location: '/v2/me/app/manifests/v1' }),
    'REDIRECT_REFUSED',
    /more than 10 redirects/,
  ],
  [
    'of a registry that redirects to plain HTTP elsewhere',
    status(302, { location: 'http://192.0.2.1/' }),
    'REDIRECT_REFUSED',
    /out of TLS, to http:\/\/192.0.2.1/,
  ],
  [
    'of a registry that redirects to a file',
    status(302, { location: 'file:///etc/passwd' }),
    'REDIRECT_REFUSED',
    /out of TLS/,
  ],
  [
    'of a server that hangs up',
    () => (_, response) => void response.destroy(),
    'CONNECTION_LOST',
    /connection was lost/,
  ],
  [
    'of a server that speaks no HTTP',
    () => (_, response) => void response.socket?.end('SSH-2.0-x\r\n'),
    'REGISTRY_ERROR',
    /not HTTP/,
  ],
];

describe('nothing is left of an image', () => {
  test.for(FAULTS)('%s', async ([, answers, code, message], context) => {
    const { pull, store } = await serveImage(context, undefined, answers);
    const error = await pull({ retries: 1 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(counts(store)).toEqual([0, 0, 0]);
    expect(listImages(store)).toEqual([]);
  });

  test('of a server that says nothing', async (context) => {
    const { pull, store } = await serveImage(context, undefined, () => () => {});
    await expect(pull({ retries: 0, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'REGISTRY_TIMEOUT',
      message: expect.stringMatching(/takes too long/),
    });
    expect(counts(store)).toEqual([0, 0, 0]);
  });

  const chart = addBlob(new Map(), 'application/vnd.cncf.helm.config.v1+json', '{}');
  test.for([
    ['whose configuration names another layer', { diffIds: [digestOf('wrong')] }, 'DIFF_ID_MISMATCH'],
    ['whose configuration names more layers', { diffIds: [digestOf('wrong'), digestOf('wrong')] }, 'IMAGE_INVALID'],
    ['that is a manifest and an index', { manifest: { manifests: [] } }, 'IMAGE_INVALID'],
    ['with a layer that leaves it', { layers: [[{ name: '../x' }]] }, 'LAYER_INVALID'],
    ['that is a chart', { manifest: { config: chart } }, 'MEDIA_TYPE_UNKNOWN'],
    ['that is for another machine', { platform: { os: 'linux', architecture: 'mips' } }, 'PLATFORM_NOT_FOUND'],
  ] as const)('%s', async ([, parts, code], context) => {
    const { pull, store } = await serveImage(context, parts);
    await expect(pull()).rejects.toMatchObject({ code });
    expect(counts(store)).toEqual([0, 0, 0]);
  });

  test('that is pulled by its digest when another one comes', async (context) => {
    const { host, store } = await serveImage(context, undefined, manifest('{"schemaVersion":2}'));
    const wanted = digestOf('x');
    await expect(pullImage(store, `${host}/me/app@${wanted}`, QUICK)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining(`should have digest ${wanted}, but has ${digestOf('{"schemaVersion":2}')}`),
    });
    expect(counts(store)).toEqual([0, 0, 0]);
  });

  test('that was stopped while it came', async (context) => {
    const stop = new AbortController();
    const { pull, store } = await serveImage(
      context,
      undefined,
      forLayer((_, __, response) => response.writeHead(200).write('x', () => stop.abort())),
    );
    await expect(pull({ signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(counts(store)).toEqual([0, 0, 0]);
  });
});

test('a pull that fills the disk says so, and leaves nothing', async (context) => {
  requires(context, process.getuid?.() === 0 && has('unshare'), 'root and unshare');
  const { name } = await serveImage(context);
  const directory = temporaryDirectory(context);
  const script = `
    import { openStore, pullImage } from 'store';
    import { readdirSync } from 'node:fs';
    const store = openStore(process.argv[2]);
    const error = await pullImage(store, process.argv[3]).catch((reason) => reason);
    console.log(error.code, ...[store.blobs, store.layers, store.tmp].map((path) => readdirSync(path).length));
  `;
  const mount = 'mount -t tmpfs -o size=200k tmpfs "$0" && exec "$@"';
  const { stdout, stderr } = await runStoreScript(context, script, [join(directory, 'store'), name], {
    under: ['unshare', '-m', 'sh', '-c', mount, directory],
  });
  expect(stderr).toBe('');
  expect(stdout).toBe('STORE_FULL 0 0 0\n');
});

test('an image whose layer lies about a layer that is there leaves the store as it was', async (context) => {
  const files: Files = new Map();
  const known = addImage(files, { layers: [[{ name: 'known' }]] });
  const liar = addImage(files, { layers: [[{ name: 'liar' }]], diffIds: [digestOf(tar({ name: 'known' }))] });
  const { host } = await startFaultyRegistry(context, { files, tags: { known: known.digest, liar: liar.digest } });
  const store = newStore(context);
  await pullImage(store, `${host}/me/app:known`, QUICK);
  const before = counts(store);
  await expect(pullImage(store, `${host}/me/app:liar`, QUICK)).rejects.toMatchObject({ code: 'DIFF_ID_MISMATCH' });
  expect(counts(store)).toEqual(before);
});

describe('a connection that is cut', () => {
  /** Sends half of the layer at first, then answers as `later` does. */
  const cutOnce = (later: (bytes: Buffer, ...rest: Parameters<Answer>) => void): Answers => {
    let isCut = false;
    return forLayer((bytes, request, response, honest) => {
      if (isCut) return later(bytes, request, response, honest);
      isCut = true;
      sendHalf(bytes, response);
    });
  };
  const sendHalf = (bytes: Buffer, response: ServerResponse) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  };

  test.for([
    ['is taken up where it was', cutOnce((_, __, ___, honest) => honest())],
    [
      'is begun anew where the registry knows no ranges',
      cutOnce((bytes, request, response) => sendBytes({ ...request, headers: {} }, response, bytes)),
    ],
  ] as const)('%s', async ([, answers], context) => {
    const { pull, asked } = await serveImage(context, undefined, answers);
    const events: string[] = [];
    const { layers } = await pull({ onProgress: ({ kind }) => events.push(kind) });
    expect(readFileSync(join(layers[0] ?? '', 'a'))).toEqual(NOISE);
    expect(events).toContain('retrying');
    expect(asked.at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  test('ends in an error where the registry sends another part than it was asked for', async (context) => {
    const answers = cutOnce((bytes, _, response) => {
      response.writeHead(206, { 'content-range': `bytes 7-9/${bytes.length}` }).end('abc');
    });
    const { pull, store } = await serveImage(context, undefined, answers);
    await expect(pull()).rejects.toMatchObject({
      code: 'REGISTRY_ERROR',
      message: expect.stringMatching(/from byte 7 instead of \d+/),
    });
    expect(counts(store)).toEqual([0, 0, 0]);
  });

  test('ends in an error where another content follows', async (context) => {
    const answers = cutOnce((bytes, request, response) => sendBytes(request, response, Buffer.alloc(bytes.length)));
    const { pull, store } = await serveImage(context, undefined, answers);
    await expect(pull()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(counts(store)).toEqual([0, 0, 0]);
  });

  test('ends in an error where it is cut each time', async (context) => {
    const { pull, store, asked } = await serveImage(
      context,
      undefined,
      forLayer((bytes, _, response) => sendHalf(bytes, response)),
    );
    await expect(pull({ retries: 2 })).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
    expect(asked.filter(({ headers }) => headers.range !== undefined)).toHaveLength(2);
    expect(counts(store)).toEqual([0, 0, 0]);
  });
});

test('a registry that drips is too slow, however long it drips', async (context) => {
  const answers = forLayer((bytes, _, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    const drip = setInterval(() => response.write('x'), 20);
    response.on('close', () => clearInterval(drip));
  });
  const { pull, store } = await serveImage(context, undefined, answers);
  await expect(pull({ retries: 0, timeoutMs: 300 })).rejects.toMatchObject({
    code: 'REGISTRY_TIMEOUT',
    message: expect.stringMatching(/only \d+ bytes came in/),
  });
  expect(counts(store)).toEqual([0, 0, 0]);
});

test.for([500, 503, 429, 408])('what a registry refuses with %i once is asked for again', async (code, context) => {
  let refused = 0;
  const { pull } = await serveImage(context, undefined, () => (_, response, honest) => {
    if (refused++ === 0) response.writeHead(code, { 'retry-after': '0' }).end();
    else honest();
  });
  expect((await pull()).layers).toHaveLength(1);
});

test('a registry that cannot be reached is named', async (context) => {
  const store = newStore(context);
  await expect(pullImage(store, 'registry.invalid/me/app', QUICK)).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('GET https://registry.invalid/v2/me/app/manifests/latest: there is no such host'),
  });
  await expect(pullImage(store, '127.0.0.1:1/me/app', QUICK)).rejects.toMatchObject({
    code: 'REGISTRY_UNREACHABLE',
    message: expect.stringContaining('127.0.0.1:1'),
  });
});
