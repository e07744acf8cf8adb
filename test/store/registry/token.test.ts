/** Who is asking, and who is told. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { pullImage } from '../../../store/pull.ts';
import type { RegistryOptions } from '../../../store/registry/index.ts';
import { checkRealm } from '../../../store/registry/token.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { addImage, type Files } from '../support/image.ts';
import { makeCertificates } from './support/docker-registry.ts';
import { type Answer, type Asked, startFaultyRegistry } from './support/faulty-registry.ts';
import { newStore, QUICK } from './support/serve-image.ts';

const LOGIN = { username: 'me', password: 'secret' };
const BASIC = `Basic ${Buffer.from('me:secret').toString('base64')}`;

type Issue = (request: Asked, number: number) => object | number | Promise<object | number>;

/** A token server, and a registry that wants its tokens: by default any of those it has issued. */
async function setUp(
  context: TestContext,
  issue: Issue,
  isGood = (_: Asked, token: string) => token.startsWith('token-'),
) {
  let issued = 0;
  const tokens = await startFaultyRegistry(context, {
    async answer(request, response) {
      const answer = await issue(request, ++issued);
      if (typeof answer === 'number') response.writeHead(answer).end();
      else response.end(JSON.stringify(answer));
    },
  });
  const files: Files = new Map();
  const { digest } = addImage(files, { layers: [[{ name: 'a' }], [{ name: 'b' }]] });
  const challenge = `Bearer realm="http://${tokens.host}/token",service="test",scope="repository:me/app:pull"`;
  const registry = await startFaultyRegistry(context, {
    files,
    tags: { v1: digest },
    answer(request, response, honest) {
      if (isGood(request, request.headers.authorization?.replace('Bearer ', '') ?? '')) honest();
      else response.writeHead(401, { 'www-authenticate': challenge }).end();
    },
  });
  const pull = (options: RegistryOptions = {}) => {
    const tokenServers = [tokens.host];
    return pullImage(newStore(context), `${registry.host}/me/app:v1`, { ...QUICK, tokenServers, ...options });
  };
  return { tokens, registry, pull };
}

describe('a token', () => {
  test('is got by nobody in particular where that is enough', async (context) => {
    const { pull, tokens } = await setUp(context, (_, number) => ({ token: `token-${number}` }));
    await pull();
    expect(tokens.asked.map(({ method, headers, query }) => [method, headers.authorization, String(query)])).toEqual([
      ['GET', undefined, 'service=test&scope=repository%3Ame%2Fapp%3Apull'],
    ]);
  });

  test('is got for a name and a password', async (context) => {
    const { pull, tokens, registry } = await setUp(context, (_, number) => ({ access_token: `token-${number}` }));
    await pull({ credentials: LOGIN });
    expect(tokens.asked.map(({ headers }) => headers.authorization)).toEqual([BASIC]);
    expect(registry.asked.map(({ headers }) => headers.authorization)).not.toContain(BASIC);
  });

  test('is got for an identity token by OAuth', async (context) => {
    const forms: string[] = [];
    const { pull } = await setUp(context, async (request, number) => {
      forms.push(`${request.method} ${await request.body()}`);
      return { access_token: `token-${number}` };
    });
    await pull({ credentials: { identityToken: 'refresh' } });
    const form =
      'client_id=caisson&scope=repository%3Ame%2Fapp%3Apull&service=test&grant_type=refresh_token&refresh_token=refresh';
    expect(forms).toEqual([`POST ${form}`]);
  });

  test('is got by OAuth where the server knows nothing else', async (context) => {
    const { pull, tokens } = await setUp(context, async (request, number): Promise<object | number> => {
      if (request.method === 'GET') return 405;
      return String(await request.body()).includes('grant_type=password&username=me&password=secret')
        ? { access_token: `token-${number}` }
        : 400;
    });
    await pull({ credentials: LOGIN });
    expect(tokens.asked.map(({ method }) => method)).toEqual(['GET', 'POST']);
  });

  test('that is no longer good is got anew, once for all who need it', async (context) => {
    const issue: Issue = (_, number) => ({ token: `token-${number}` });
    const isGood = ({ path }: Asked, token: string) => token === (path.includes('/blobs/') ? 'token-2' : 'token-1');
    const { pull, tokens } = await setUp(context, issue, isGood);
    expect((await pull()).layers).toHaveLength(2);
    expect(tokens.asked).toHaveLength(2);
  });

  test.for([
    ['refuses', () => 401, 'UNAUTHORIZED'],
    ['is ill', () => 500, 'REGISTRY_UNAVAILABLE'],
    ['gives none', () => ({}), 'REGISTRY_ERROR'],
    ['gives one that is no value of a header', () => ({ token: 'a\r\nb: c' }), 'REGISTRY_ERROR'],
  ] as const satisfies readonly (readonly [string, Issue, string])[])(
    'is missing where the server %s',
    async ([, issue, code], context) => {
      const { pull } = await setUp(context, issue);
      await expect(pull({ credentials: LOGIN, retries: 1 })).rejects.toMatchObject({ code });
    },
  );

  test.for([
    [undefined, /there are no credentials for it/],
    [LOGIN, /does not take the credentials from the option credentials/],
  ] as const)('is refused to who has %j, and the error says so', async ([credentials, reason], context) => {
    const { pull } = await setUp(context, () => 401);
    const message = expect.stringMatching(reason);
    await expect(pull({ credentials, retries: 0 })).rejects.toMatchObject({ code: 'UNAUTHORIZED', message });
  });

  test('that has credentials to get it is not got at a server that nobody named', async (context) => {
    const { pull, tokens } = await setUp(context, () => ({ token: 'x' }));
    await expect(pull({ credentials: LOGIN, tokenServers: [] })).rejects.toMatchObject({
      code: 'TOKEN_SERVER_REFUSED',
      message: expect.stringContaining(`tokenServers: ['${tokens.host}']`),
    });
    expect(tokens.asked).toEqual([]);
  });
});

describe('a token server', () => {
  const check = (realm: string, registry: string, rest = {}) =>
    checkRealm(realm, {
      registry: new URL(registry),
      hasCredentials: true,
      insecure: false,
      tokenServers: [],
      ...rest,
    });

  test.for([
    ['https://auth.docker.io/token', 'https://registry-1.docker.io', {}],
    ['https://gitlab.com/jwt/auth', 'https://registry.gitlab.com', {}],
    ['https://ghcr.io/token', 'https://ghcr.io', {}],
    ['https://auth.ghcr.io/token', 'https://ghcr.io', {}],
    ['https://elsewhere.com/token', 'https://registry.example.com', { hasCredentials: false }],
    ['https://elsewhere.com/token', 'https://registry.example.com', { tokenServers: ['elsewhere.com'] }],
    ['http://127.0.0.1:5001/token', 'http://127.0.0.1:5001', {}],
    ['http://registry:5000/token', 'http://registry:5000', { insecure: true }],
  ] as const)('%s may be one of %s', ([realm, registry, rest]) => {
    expect(check(realm, registry, rest).href).toBe(realm);
  });

  test.for([
    ['https://evil.com/token', 'https://registry.example.com', {}],
    ['https://example.com.evil.com/token', 'https://registry.example.com', {}],
    ['https://evilexample.com/token', 'https://registry.example.com', {}],
    ['https://auth.io/token', 'https://ghcr.io', {}],
    ['https://10.0.0.2/token', 'https://10.0.0.1', {}],
    ['http://registry.example.com/token', 'https://registry.example.com', { insecure: true }],
    ['http://example.com/token', 'http://127.0.0.1:5000', { hasCredentials: false }],
    ['http://169.254.169.254/token', 'https://registry.example.com', { hasCredentials: false }],
    ['https://me:x@registry.example.com/token', 'https://registry.example.com', {}],
    ['file:///etc/passwd', 'https://registry.example.com', { hasCredentials: false }],
    ['/token', 'https://registry.example.com', {}],
  ] as const)('%s may not be one of %s', ([realm, registry, rest]) => {
    expect(() => check(realm, registry, rest)).toThrow(expect.objectContaining({ code: 'TOKEN_SERVER_REFUSED' }));
  });
});

test('credentials stay with the registry when it sends somewhere else', async (context) => {
  const files: Files = new Map();
  const { digest } = addImage(files, {});
  const redirected: Answer = ({ path, headers }, response, honest) => {
    if (headers.authorization !== BASIC) response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    else if (path.includes('/blobs/')) response.writeHead(307, { location: `http://${storage.host}${path}` }).end();
    else honest();
  };
  const storage = await startFaultyRegistry(context, { files });
  const { host } = await startFaultyRegistry(context, { files, tags: { v1: digest }, answer: redirected });
  await pullImage(newStore(context), `${host}/me/app:v1`, { ...QUICK, credentials: LOGIN });
  expect(storage.asked).toHaveLength(2);
  expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined]);
});

test('a storage that wants credentials gets none (CVE-2020-15157)', async (context) => {
  const files: Files = new Map();
  const { digest } = addImage(files, {});
  const storage = await startFaultyRegistry(context, {
    answer: (_, response) => void response.writeHead(401, { 'www-authenticate': 'Basic realm="give"' }).end(),
  });
  const { host } = await startFaultyRegistry(context, {
    files,
    tags: { v1: digest },
    answer({ path }, response, honest) {
      if (path.includes('/blobs/')) response.writeHead(302, { location: `http://${storage.host}/` }).end();
      else honest();
    },
  });
  const pulling = pullImage(newStore(context), `${host}/me/app:v1`, { ...QUICK, credentials: LOGIN });
  await expect(pulling).rejects.toMatchObject({ code: 'UNAUTHORIZED', message: expect.stringContaining(storage.host) });
  expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual(storage.asked.map(() => undefined));
});

test('credentials are not shown before they are asked for, nor to mirrors', async (context) => {
  const files: Files = new Map();
  const { digest } = addImage(files, {});
  const guarded: Answer = ({ headers }, response, honest) => {
    if (headers.authorization === BASIC) honest();
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
  };
  const mirror = await startFaultyRegistry(context, { files, tags: { v1: digest }, answer: guarded });
  const own = await startFaultyRegistry(context, { files, tags: { v1: digest }, answer: guarded });
  const registries = [{ prefix: own.host, mirrors: [mirror.host] }];
  await pullImage(newStore(context), `${own.host}/me/app:v1`, { ...QUICK, credentials: LOGIN, registries });
  expect(mirror.asked.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  expect(own.asked.map(({ headers }) => headers.authorization)).toEqual([undefined, BASIC, BASIC, BASIC]);
});

describe('a certificate', () => {
  async function serveTls(context: TestContext) {
    const directory = join(temporaryDirectory(context), 'certificates');
    makeCertificates(directory);
    const [ca, key, cert] = ['ca.crt', 'server-key.pem', 'server.pem'].map((name) =>
      readFileSync(join(directory, name), 'utf8'),
    );
    const files: Files = new Map();
    const { digest } = addImage(files, {});
    const tls = { key: key ?? '', cert: cert ?? '' };
    const { host, asked } = await startFaultyRegistry(context, { files, tags: { v1: digest }, tls });
    const pull = (options: RegistryOptions) =>
      pullImage(newStore(context), `${host}/me/app:v1`, { ...QUICK, ...options });
    return { ca: ca ?? '', asked, pull };
  }

  test('that nobody vouches for ends it, before anything is asked', async (context) => {
    const { pull, asked } = await serveTls(context);
    await expect(pull({ credentials: LOGIN })).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
      hint: expect.stringContaining('option ca'),
    });
    expect(asked).toEqual([]);
  });

  test('is good when its authority is given, and when anything is', async (context) => {
    const { pull, ca } = await serveTls(context);
    expect((await pull({ ca })).layers).toHaveLength(1);
    expect((await pull({ insecure: true })).layers).toHaveLength(1);
  });
});
