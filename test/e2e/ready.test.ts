/** Starts that wait until a container is ready, and what is told when it is not. */
import { createServer } from 'node:net';
import { Container, type ContainerOptions, Image, ready } from 'caisson';
import { describe, expect, type TestContext, test } from 'vitest';
import { requires } from '../support/requires.ts';
import { runUnprivileged } from '../support/unprivileged.ts';
import { busybox, busyboxTree, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

/** Starts a shell script in a container of busybox, with an init that lets it be stopped. */
function start(context: TestContext, script: string, options: ContainerOptions = {}): Promise<Container> {
  return Container.start(busybox(context), { command: sh(script), init: true, ...options });
}

/** What a start that must fail fails with. */
async function failure(starting: Promise<Container>): Promise<Error & Record<string, unknown>> {
  const outcome = await starting.catch((error: unknown) => error);
  if (outcome instanceof Container) await outcome.remove();
  expect(outcome).toBeInstanceOf(Error);
  return outcome as Error & Record<string, unknown>;
}

describe('a start waits', () => {
  test('for a port that is listened on', async (context) => {
    const script = 'usleep 200000; exec httpd -f -p 127.0.0.1:80';
    await using container = await start(context, script, { ready: ready.port(80, { host: '127.0.0.1' }) });
    const { stdout } = await container.exec(['netstat', '-lnt']);
    expect(stdout).toContain('127.0.0.1:80');
  });

  test('for a line, also one that was written at once, and takes nothing away from who reads then', async (context) => {
    const script = 'echo starting; echo oops >&2; echo "is ready: 1"; echo "is ready: 2"; exec sleep 600';
    await using container = await start(context, script, { ready: ready.log(/ready: \d$/, { times: 2 }) });
    const lines: string[] = [];
    for await (const line of container.stdout.lines()) {
      lines.push(line);
      if (lines.length === 3) break;
    }
    expect(lines).toEqual(['starting', 'is ready: 1', 'is ready: 2']);
  });

  test('for a text in a line that has not ended, as a prompt; for an expression once it has', async (context) => {
    const script = 'printf "name? "; exec sleep 600';
    await using _prompt = await start(context, script, { ready: ready.log('name?') });
    const options = { ready: ready.log(/name\? $/), startTimeoutMs: 300 } as const;
    expect(await failure(start(context, script, options))).toMatchObject({ code: 'NOT_READY', stdout: 'name? ' });
  });

  test('for a line of one stream', async (context) => {
    const script = 'echo up; exec sleep 600';
    const options = { ready: ready.log('up', { stream: 'stderr' }), startTimeoutMs: 300 } as const;
    expect(await failure(start(context, script, options))).toMatchObject({ code: 'NOT_READY', stdout: 'up' });
    await using _other = await start(context, 'echo up >&2; exec sleep 600', options);
  });

  test('for an answer to an HTTP request', async (context) => {
    const script = 'mkdir /www; httpd -p 127.0.0.1:80 -h /www; usleep 100000; echo fine > /www/health; exec sleep 600';
    await using _fine = await start(context, script, { ready: ready.http({ port: 80, path: '/health' }) });
    const missing = ready.http({ port: 80, path: '/nothing', status: [404, 410] });
    await using _missing = await start(context, script, { ready: missing });
  });

  test('for an answer on either loopback, or at an address', async (context) => {
    const script = 'exec httpd -f -h /etc -p "[::1]:80"';
    await using _either = await start(context, script, { ready: ready.http({ port: 80, path: '/group' }) });
    const other = ready.http({ port: 80, path: '/group', host: '127.0.0.1' });
    const error = await failure(start(context, script, { ready: other, startTimeoutMs: 500 }));
    expect(error.missing).toMatch(/^http on port 80 at 127\.0\.0\.1, \/group \(.*ECONNREFUSED.*\)$/);
  });

  test('for a command that succeeds', async (context) => {
    const script = 'usleep 100000; touch /tmp/up; exec sleep 600';
    await using container = await start(context, script, { ready: ready.exec(['test', '-e', '/tmp/up']) });
    expect(container.state).toBe('running');
  });

  test('for a passed health check', async (context) => {
    const options = { healthCheck: { command: 'test -e /tmp/up', intervalMs: 10 }, ready: ready.healthy() };
    await using container = await start(context, 'usleep 100000; touch /tmp/up; exec sleep 600', options);
    expect(container.health?.status).toBe('healthy');
  });

  test('for the end of its command', async (context) => {
    await using container = await start(context, 'echo done', { ready: ready.exit() });
    expect(container).toMatchObject({ state: 'exited', exitCode: 0 });
    await using _three = await start(context, 'exit 3', { ready: ready.exit(3) });
  });

  test('for a function, whose errors mean no', async (context) => {
    let calls = 0;
    async function isReady(container: Container) {
      calls++;
      return (await container.fs.readFile('/tmp/up', 'utf8')) === 'yes\n';
    }
    await using _container = await start(context, 'usleep 50000; echo yes > /tmp/up; exec sleep 600', {
      ready: ready.check(isReady),
    });
    expect(calls).toBeGreaterThan(0);
  });

  test('for all of several, or one of them, whose others end then', async (context) => {
    let reason: unknown;
    const never = ready.check((_, signal) => {
      return new Promise<boolean>((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
          reject(reason);
        });
      });
    });
    const condition = [ready.log('up'), ready.any(never, ready.all(ready.log('up'), ready.port(80)))];
    await using _container = await start(context, 'echo up; exec httpd -f -p 80', { ready: condition });
    expect(reason).toBeInstanceOf(Error);
  });

  test('and does not stand in the way of what is written meanwhile', async (context) => {
    const script = 'yes | head -c 3000000; echo; echo up; exec sleep 600';
    await using _container = await start(context, script, { ready: ready.log('up') });
  });

  test('each time it is started', async (context) => {
    await using container = await start(context, 'echo up; exec sleep 600', { ready: ready.log('up') });
    await container.restart({ timeoutMs: 1000 });
    expect(container.state).toBe('running');
  });
});

describe('a start that fails tells', () => {
  test('how the command ended, what was waited for and what was written last', async (context) => {
    const script = 'for i in $(seq 30); do echo line $i; done; echo "cannot open the database" >&2; exit 3';
    const error = await failure(start(context, script, { ready: [ready.port(5432), ready.log('line 3')] }));
    expect(error).toMatchObject({ code: 'START_FAILED', exitCode: 3, oomKilled: false });
    expect(error).not.toHaveProperty('signal');
    expect(error.missing).toMatch(/^port 5432 \((no port is listened on|the container does not run)\)$/);
    expect(error.stderr).toBe('cannot open the database');
    expect(String(error.stdout).split('\n')).toEqual(Array.from({ length: 20 }, (_, index) => `line ${index + 11}`));
    expect(error.message).toMatch(/ended with exit code 3 before it was ready; it waited for port 5432/);
    expect(error.message).toContain('stderr, the last lines:\n  cannot open the database');
  });

  test('which signal ended it', async (context) => {
    const kill = ready.check(({ pid }) => process.kill(pid as number, 'SIGKILL') && false);
    const error = await failure(start(context, 'exec sleep 600', { ready: kill }));
    expect(error).toMatchObject({ code: 'START_FAILED', signal: 'SIGKILL', oomKilled: false });
    expect(error).not.toHaveProperty('exitCode');
    expect(error.message).toContain('ended by SIGKILL before it was ready; it waited for check of a function');
  });

  test('that it ended otherwise than it should', async (context) => {
    const error = await failure(start(context, 'exit 4', { ready: ready.exit() }));
    expect(error).toMatchObject({ code: 'START_FAILED', exitCode: 4, missing: 'exit code 0 (exit code 4)' });
  });

  test('that no line came before the end of its output', async (context) => {
    const error = await failure(start(context, 'echo almost', { ready: ready.log('up') }));
    expect(error).toMatchObject({ code: 'START_FAILED', exitCode: 0 });
    expect(error.missing).toBe("a line of output with 'up' (last line: almost)");
  });

  test('what was missing when time was up', async (context) => {
    const script = 'echo still starting; exec httpd -f -p 127.0.0.1:81';
    const conditions = [ready.port(80), ready.exec(['sh', '-c', 'echo no >&2; exit 2']), ready.log('starting')];
    const error = await failure(start(context, script, { ready: conditions, startTimeoutMs: 700 }));
    expect(error).toMatchObject({ code: 'NOT_READY', stdout: 'still starting' });
    expect(error).not.toHaveProperty('exitCode');
    expect(error.message).toContain('was not ready after 700 ms');
    expect(error.missing).toBe(
      'port 80 (listened on are 81) and success of ["sh","-c","echo no >&2; exit 2"] (exit code 2: no)',
    );
  });

  test('that a function has never answered, at the deadline and at the end of the command', async (context) => {
    const check = ready.check(() => new Promise<boolean>(() => {}));
    const began = performance.now();
    const late = await failure(start(context, 'exec sleep 600', { ready: check, startTimeoutMs: 300 }));
    expect(late).toMatchObject({ code: 'NOT_READY', missing: 'check of a function' });
    const ended = await failure(start(context, 'usleep 100000; exit 3', { ready: [check, ready.log('up')] }));
    expect(ended).toMatchObject({ code: 'START_FAILED', exitCode: 3 });
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test('that time was up, without anything to wait for', async (context) => {
    const error = await failure(start(context, 'exec sleep 600', { startTimeoutMs: 1 }));
    expect(error).toMatchObject({ code: 'NOT_READY', missing: '' });
    expect(error.message).toContain('was not ready after 1 ms');
  });

  test('that time was up while a volume was filled', async (context) => {
    const script = 'mkdir /data; for i in $(seq 3000); do : > /data/$i; done';
    await using maker = await Container.start(busybox(context), { command: sh(script) });
    await maker.wait();
    const volume = { type: 'volume', target: '/data' } as const;
    const options = { command: ['sleep', '600'], mounts: [volume], startTimeoutMs: 15 };
    expect(await failure(Container.start(await maker.snapshot(), options))).toMatchObject({ code: 'NOT_READY' });
  });

  test('what a terminal has shown last', async (context) => {
    const options = { tty: true, ready: ready.port(80) };
    const error = await failure(start(context, 'echo why; exit 5', options));
    expect(error).toMatchObject({ code: 'START_FAILED', exitCode: 5, stdout: 'why' });
  });

  test('that there is no health check', async (context) => {
    const error = await failure(start(context, 'exec sleep 600', { ready: ready.healthy() }));
    expect(error).toMatchObject({ code: 'NOT_READY', cause: expect.objectContaining({ code: 'NO_HEALTH_CHECK' }) });
  });

  test('that there is no such command, as without conditions', async (context) => {
    const starting = Container.start(busybox(context), { command: ['/bin/nope'], ready: ready.port(80) });
    expect(await failure(starting)).toMatchObject({ code: 'COMMAND_NOT_FOUND', exitCode: 127 });
  });
});

test('a container that was made before is ended by its failed start, and can be looked at', async (context) => {
  const options = { command: sh('echo up > /tmp/state; exec sleep 600'), ready: ready.port(1), startTimeoutMs: 200 };
  await using container = await Container.create(busybox(context), options);
  await expect(container.start()).rejects.toMatchObject({ code: 'NOT_READY' });
  expect(container.state).toBe('exited');
  expect(await container.fs.readFile('/tmp/state', 'utf8')).toBe('up\n');
});

test('an abort ends the wait with its reason', async (context) => {
  const giveUp = new AbortController();
  const reason = new Error('enough');
  const check = ready.check(() => {
    giveUp.abort(reason);
    return false;
  });
  const starting = start(context, 'exec sleep 600', { ready: check, signal: giveUp.signal });
  await expect(starting).rejects.toBe(reason);
});

test('with this machine’s network, a port of somebody else does not count', async (context) => {
  const server = createServer();
  await using _server = { [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())) };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const options = { network: 'host', ready: ready.port(port), startTimeoutMs: 500 } as const;
  const error = await failure(start(context, 'exec sleep 600', options));
  expect(error.missing).toBe(`port ${port} (what listens is not of this container)`);
  await using _own = await start(context, `exec httpd -f -p 127.0.0.2:${port}`, { ...options, startTimeoutMs: 10_000 });
});

test('a real database is ready when it says so, and answers', async (context) => {
  const image = Image.host();
  const { exitCode } = await Container.run(image, ['sh', '-c', 'command -v redis-server']);
  requires(context, exitCode === 0, 'redis-server');
  await using redis = await Container.start(image, {
    command: ['redis-server', '--port', '6379', '--save', '', '--dir', '/tmp'],
    ready: [ready.port(6379), ready.log('Ready to accept connections'), ready.exec(['redis-cli', 'ping'])],
  });
  const socket = await redis.connect(6379);
  const replies = (async () => {
    let text = '';
    for await (const chunk of socket) {
      text += chunk;
      if (text.endsWith('tea\r\n')) break;
    }
    return text;
  })();
  socket.write('SET drink tea\r\nGET drink\r\n');
  expect(await replies).toBe('+OK\r\n$3\r\ntea\r\n');
  await redis.stop();
});

test.runIf(isRoot)('an ordinary user waits as root does, and is told the same', async (context) => {
  const script = `
    import { Container, Image, ready } from 'caisson';
    const image = Image.directory(process.argv[2]);
    const command = ['sh', '-c', 'echo up; exec httpd -f -p 127.0.0.1:80 -h /etc'];
    const all = [ready.port(80), ready.log('up'), ready.http({ port: 80, path: '/group' }), ready.exec(['true']), ready.healthy()];
    const container = await Container.start(image, { command, ready: all, healthCheck: { command: 'true', intervalMs: 5 } });
    console.log(container.state, container.health.status);
    await container.remove();
    const failed = Container.start(image, { command: ['sh', '-c', 'echo no >&2; exit 3'], ready: ready.port(80) });
    await failed.catch(({ code, exitCode, stderr }) => console.log(code, exitCode, stderr));
  `;
  const { stdout, stderr } = await runUnprivileged(context, script, { args: [busyboxTree(context)] });
  expect({ stdout, stderr }).toEqual({ stdout: 'running healthy\nSTART_FAILED 3 no\n', stderr: '' });
});
