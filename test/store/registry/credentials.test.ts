import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { findCredentials } from '../../../store/registry/credentials.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const config = (content: unknown) => JSON.stringify(content);
const auths = (key: string, auth = base64('me:secret')) => config({ auths: { [key]: { auth } } });

/** What is found with this in DOCKER_AUTH_CONFIG and nothing anywhere else. */
const look = (text: string, host: string, repository = 'team/app') =>
  findCredentials(host, repository, undefined, {
    DOCKER_AUTH_CONFIG: text,
    DOCKER_CONFIG: '/nonexistent',
    XDG_CONFIG_HOME: '/nonexistent',
  });

const find = async (...args: Parameters<typeof look>) => (await look(...args))?.credentials;

describe('in a config.json', () => {
  test.for([
    ['example.com', 'example.com'],
    ['https://example.com', 'example.com'],
    ['https://example.com/v2/', 'example.com'],
    ['example.com:5000', 'example.com:5000'],
    ['https://index.docker.io/v1/', 'registry-1.docker.io'],
    ['docker.io', 'registry-1.docker.io'],
    ['example.com/team', 'example.com'],
    ['example.com/team/app', 'example.com'],
  ] as const)('an entry for %s is for %s', async ([key, host]) => {
    expect(await find(auths(key), host)).toEqual({ username: 'me', password: 'secret' });
  });

  test.for(['other.com', 'example.com:5000', 'sub.example.com', 'example.com/other', 'example.com/tea'])(
    'an entry for %s is not for example.com/team/app',
    async (key) => expect(await find(auths(key), 'example.com')).toBeUndefined(),
  );

  test('the longest name counts', async () => {
    const both = { 'example.com': { auth: base64('a:1') }, 'example.com/team': { auth: base64('b:2') } };
    expect(await find(config({ auths: both }), 'example.com')).toEqual({ username: 'b', password: '2' });
  });

  test.for([
    [{ auth: base64('me:with:colons') }, { username: 'me', password: 'with:colons' }],
    [{ auth: base64('me:secret\0') }, { username: 'me', password: 'secret' }],
    [
      { username: 'me', password: 'secret' },
      { username: 'me', password: 'secret' },
    ],
    [{ auth: base64('00000000-0000-0000-0000-000000000000:'), identitytoken: 'token' }, { identityToken: 'token' }],
    [{ registrytoken: 'token' }, { registryToken: 'token' }],
    [{}, undefined],
  ] as const)('%j is read', async ([entry, credentials]) => {
    expect(await find(config({ auths: { 'example.com': entry } }), 'example.com')).toEqual(credentials);
  });

  test.for(['{"auths":{"example.com":{"auth":"c2VjcmV0"}}}', '{"secret', '["secret"]', '{"auths":"secret"}'])(
    'what is wrong is not repeated: %s',
    async (text) => {
      const error = await find(text, 'example.com').catch((reason: Error) => reason);
      expect(error).toMatchObject({
        code: 'CREDENTIALS_INVALID',
        message: expect.stringContaining('DOCKER_AUTH_CONFIG'),
      });
      expect(String((error as Error).stack)).not.toMatch(/secret|c2VjcmV0/);
    },
  );
});

test('the places are looked into in their order: DOCKER_AUTH_CONFIG, REGISTRY_AUTH_FILE, DOCKER_CONFIG, containers', async (context) => {
  const directory = temporaryDirectory(context);
  const write = (path: string, user: string) => {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), auths('example.com', base64(`${user}:x`)));
    return join(directory, path);
  };
  const env: Record<string, string> = {
    XDG_CONFIG_HOME: directory,
    DOCKER_CONFIG: join(directory, 'docker'),
    REGISTRY_AUTH_FILE: write('auth.json', 'file'),
    DOCKER_AUTH_CONFIG: auths('example.com', base64('env:x')),
  };
  write('docker/config.json', 'docker');
  write('containers/auth.json', 'containers');
  const found: unknown[] = [];
  for (const name of ['DOCKER_AUTH_CONFIG', 'REGISTRY_AUTH_FILE', 'DOCKER_CONFIG', '']) {
    found.push(await findCredentials('example.com', 'a', undefined, env));
    env[name] = name === 'DOCKER_CONFIG' ? join(directory, 'nothing') : '';
  }
  expect(found).toMatchObject([
    { credentials: { username: 'env' }, source: 'DOCKER_AUTH_CONFIG' },
    { credentials: { username: 'file' }, source: `'${directory}/auth.json'` },
    { credentials: { username: 'docker' }, source: `'${directory}/docker/config.json'` },
    { credentials: { username: 'containers' }, source: `'${directory}/containers/auth.json'` },
  ]);
});

test('a file that REGISTRY_AUTH_FILE names must be there', async (context) => {
  const path = join(temporaryDirectory(context), 'missing.json');
  const error = {
    code: 'CREDENTIALS_UNAVAILABLE',
    message: expect.stringMatching(/missing\.json.*REGISTRY_AUTH_FILE/),
  };
  await expect(findCredentials('example.com', 'a', undefined, { REGISTRY_AUTH_FILE: path })).rejects.toMatchObject(
    error,
  );
});

describe('a credential helper', () => {
  const path = process.env.PATH;
  afterEach(() => {
    process.env.PATH = path;
  });
  beforeEach<TestContext>((context) => {
    const directory = temporaryDirectory(context);
    process.env.PATH = `${directory}:${path}`;
    const write = (name: string, script: string) => {
      writeFileSync(join(directory, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`);
      chmodSync(join(directory, `docker-credential-${name}`), 0o755);
    };
    write(
      'good',
      'read -r server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$1\\",\\"Secret\\":\\"for $server\\"}"',
    );
    write('token', 'cat > /dev/null; echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"refresh\\"}"');
    write('empty', 'echo "credentials not found in native keychain"; exit 1');
    write('broken', 'echo "secret"; exit 1');
  });

  test('is named as the source of what it gives', async () => {
    const { source } = (await look(config({ credsStore: 'good' }), 'example.com')) ?? {};
    expect(source).toBe("the helper 'docker-credential-good' that DOCKER_AUTH_CONFIG names");
  });

  test('is asked for the server as Docker calls it', async () => {
    const store = config({ credsStore: 'good' });
    expect(await find(store, 'example.com:5000')).toEqual({ username: 'get', password: 'for example.com:5000' });
    expect(await find(store, 'registry-1.docker.io')).toEqual({
      username: 'get',
      password: 'for https://index.docker.io/v1/',
    });
  });

  test('of a registry goes before the one of all, and both before what stands in the file', async () => {
    const entry = { 'example.com': { auth: base64('file:1') } };
    const both = config({ auths: entry, credsStore: 'good', credHelpers: { 'example.com': 'token' } });
    expect(await find(both, 'example.com')).toEqual({ identityToken: 'refresh' });
    expect(await find(both, 'other.com')).toEqual({ username: 'get', password: 'for other.com' });
  });

  test('that has nothing leaves it to the file', async () => {
    const entry = { 'example.com': { auth: base64('file:1') } };
    expect(await find(config({ auths: entry, credsStore: 'empty' }), 'example.com')).toEqual({
      username: 'file',
      password: '1',
    });
    expect(await find(config({ credsStore: 'empty' }), 'example.com')).toBeUndefined();
  });

  test.for(['missing', 'broken', '../../bin/sh'])("'%s' is an error that repeats nothing it said", async (helper) => {
    const error = await find(config({ credsStore: helper }), 'example.com').catch((reason: Error) => reason);
    expect(error).toMatchObject({ code: 'CREDENTIALS_UNAVAILABLE', message: expect.stringContaining(helper) });
    expect(String((error as Error).stack)).not.toContain('secret');
  });
});
