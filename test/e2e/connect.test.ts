/** Connections into a container's network: no port of this machine, no way out of the container. */
import { createServer, request } from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { Container, type ContainerOptions, Image, ready } from 'caisson';
import { describe, expect, type TestContext, test } from 'vitest';
import { runUnprivileged } from '../support/unprivileged.ts';
import { busybox, busyboxTree, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

/** A container whose loopback, and nothing else, has a server of /etc. */
function webServer(context: TestContext, options: ContainerOptions = {}): Promise<Container> {
  const command = sh('exec httpd -f -p 127.0.0.1:8080 -h /etc');
  return Container.start(busybox(context), { command, init: true, ready: ready.port(8080), ...options });
}

/** Node, as a server of what a script listens on; it says so. */
function nodeServer(script: string, options: ContainerOptions = {}): Promise<Container> {
  const { execPath } = process;
  return Container.start(Image.host(), {
    command: [execPath, '-e', script],
    mounts: [{ type: 'bind', source: execPath, target: execPath, readOnly: true }],
    init: true,
    ready: ready.log('listening'),
    ...options,
  });
}

const ECHO = "require('net').createServer((socket) => socket.pipe(socket))";
const SAYS = "() => console.log('listening')";

/** A server of this machine; it closes at the end of a block. */
async function hostServer(where: string | number): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((_, response) => response.end('host'));
  await new Promise<void>((resolve) =>
    where === 0 ? server.listen(0, '127.0.0.1', resolve) : server.listen(where, resolve),
  );
  const { port } = (server.address() ?? {}) as { port: number };
  return {
    port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(socket: Socket, said: string): Promise<string> {
  socket.end(said);
  return text(socket);
}

test('a server in a container with no network at all answers HTTP requests', async (context) => {
  await using container = await webServer(context);
  const socket = await container.connect(8080);
  const response = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const asking = request({ path: '/group', createConnection: () => socket }, (message) => {
      text(message).then((body) => resolve({ status: message.statusCode, body }), reject);
    });
    asking.on('error', reject).end();
  });
  expect(response).toEqual({ status: 200, body: expect.stringContaining('root:x:0:') });
  expect(socket.remoteAddress).toBe('127.0.0.1');
  socket.destroy();
});

test('IPv6 and unix sockets are reached as well', async () => {
  await using six = await nodeServer(`${ECHO}.listen(7000, '::1', ${SAYS})`);
  expect(await answer(await six.connect(7000, { host: '::1' }), 'six')).toBe('six');
  await expect(six.connect(7000)).rejects.toMatchObject({ code: 'ECONNREFUSED' });

  await using unix = await nodeServer(`${ECHO}.listen('/tmp/echo.sock', ${SAYS})`);
  expect(await answer(await unix.connect('/tmp/echo.sock'), 'unix')).toBe('unix');
});

test('many connections at once are all made, and none is left', async () => {
  await using container = await nodeServer(`${ECHO}.listen(7000, '127.0.0.1', ${SAYS})`);
  const numbers = Array.from({ length: 100 }, (_, number) => `${number}`);
  const answers = numbers.map(async (number) => answer(await container.connect(7000), number));
  expect(await Promise.all(answers)).toEqual(numbers);
});

test('what is not there is an error as of node:net', async (context) => {
  await using container = await webServer(context);
  const refused = container.connect(8081);
  await expect(refused).rejects.toMatchObject({
    name: 'SyscallError',
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address: '127.0.0.1',
    port: 8081,
    message: expect.stringContaining('connecting to 127.0.0.1:8081 in the container'),
  });
  await expect(container.connect(80, { host: '192.0.2.1' })).rejects.toMatchObject({ code: 'ENETUNREACH' });
  await expect(container.connect('/tmp/none')).rejects.toMatchObject({ code: 'ENOENT', path: '/tmp/none' });
  await expect(container.connect('/etc/passwd')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('a path leads nowhere but into the container', async (context) => {
  const outside = `/tmp/caisson-connect-${process.pid}.sock`;
  await using _server = await hostServer(outside);
  await using container = await webServer(context);
  await container.exec(['ln', '-s', outside, '/tmp/link']);
  await container.exec(['ln', '-s', `/proc/1/root/../../../..${outside}`, '/tmp/tricky']);
  for (const path of ['/tmp/link', '/tmp/tricky', `/../..${outside}`]) {
    await expect(container.connect(path)).rejects.toMatchObject({ code: expect.stringMatching(/^(ENOENT|EACCES)$/) });
  }
});

describe('a container that does not run', () => {
  test('cannot be connected to, and its files do not lead to this machine’s network', async (context) => {
    await using server = await hostServer(0);
    const { port } = server;
    const container = await Container.create(busybox(context), { command: ['true'] });
    await container.fs.readFile('/etc/passwd');
    await expect(container.connect(port)).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    await container.start();
    await container.wait();
    await expect(container.connect(port)).rejects.toMatchObject({ code: 'NOT_RUNNING' });
    await container.remove();
  });
});

test('with this machine’s network, it is this machine’s servers', async (context) => {
  await using server = await hostServer(0);
  await using container = await Container.start(busybox(context), { command: sh('sleep 600'), network: 'host' });
  const socket = await container.connect(server.port);
  expect(await answer(socket, 'GET / HTTP/1.0\r\n\r\n')).toContain('host');
});

test('who gives up gets his reason, and nothing is left', async (context) => {
  await using container = await webServer(context);
  const reason = new Error('enough');
  await expect(container.connect(8080, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  const giveUp = new AbortController();
  const connecting = container.connect(8080, { signal: giveUp.signal });
  giveUp.abort(reason);
  await expect(connecting).rejects.toBe(reason);
});

test.each<[number | string, object, string]>([
  [0, {}, 'the target of a connection must be a port or an absolute path of at most 107 bytes, got 0'],
  ['run/x.sock', {}, 'the target of a connection must be a port or an absolute path of at most 107 bytes'],
  [`/${'x'.repeat(107)}`, {}, 'of at most 107 bytes'],
  [80, { host: 'localhost' }, "option 'host' must be an IP address"],
  [80, { host: 'fe80::1%lo' }, "option 'host' must be an IP address"],
  [80, { port: 80 }, "unknown option 'port'; there are host, signal"],
])('%j with %j is refused', async (target, options, message) => {
  await using container = await Container.create(Image.host(), { command: ['true'] });
  await expect(container.connect(target, options)).rejects.toThrow(TypeError);
  await expect(container.connect(target, options)).rejects.toThrow(message);
});

test.runIf(isRoot)('an ordinary user connects to his containers, too', async (context) => {
  const script = `
    import { Container, Image, ready } from 'caisson';
    import { text } from 'node:stream/consumers';
    const container = await Container.start(Image.directory(process.argv[2]), {
      command: ['httpd', '-f', '-p', '127.0.0.1:8080', '-h', '/etc'],
      init: true,
      ready: ready.all(ready.port(8080), ready.http({ port: 8080, path: '/group' })),
    });
    try {
      const socket = await container.connect(8080);
      socket.end('GET /group HTTP/1.0\\r\\n\\r\\n');
      console.log((await text(socket)).split('\\r\\n')[0]);
    } finally {
      await container.remove();
    }
  `;
  const { stdout, stderr } = await runUnprivileged(context, script, { args: [busyboxTree(context)] });
  expect({ stdout, stderr }).toEqual({ stdout: 'HTTP/1.1 200 OK\n', stderr: '' });
});
