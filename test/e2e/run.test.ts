/** Container.run: what goes in, what comes out, how it ends. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Container, type StdinOption, Volume } from 'caisson';
import { expect, test } from 'vitest';
import { runScript } from '../support/script.ts';
import { busybox, busyboxTree, privateStore, sh } from './fixture.ts';

privateStore();

test('run collects both streams and the exit code', async (context) => {
  const result = await Container.run(busybox(context), sh('echo out; echo err >&2; exit 3'));
  expect(result).toEqual({
    stdout: 'out\n',
    stderr: 'err\n',
    exitCode: 3,
    signal: null,
    timedOut: false,
    durationMs: expect.any(Number),
  });
  expect(result.durationMs).toBeGreaterThan(0);
});

test('what the command left in the background ends with it', async (context) => {
  const result = await Container.run(busybox(context), sh('sleep 60 & echo started'));
  expect(result).toMatchObject({ stdout: 'started\n', exitCode: 0 });
});

test('the signal that ends a command is told, and with an init its exit code is 128 + n', async (context) => {
  // Inside, nothing but init can be seen by PID 1, which no signal from inside ends: so here a child of it is ended.
  const script = sh('kill -KILL $$');
  expect(await Container.run(busybox(context), script, { init: true })).toMatchObject({ exitCode: 137, signal: null });

  await using container = await Container.start(busybox(context), { command: ['sleep', '60'] });
  expect(await container.exec(script)).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  await container.kill('SIGKILL');
  expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' });
});

test('the first process gets no signal from inside that it has no handler for', async (context) => {
  const { stdout } = await Container.run(busybox(context), sh('kill -KILL $$; kill -TERM $$; echo alive'));
  expect(stdout).toBe('alive\n');
});

const inputs: readonly (readonly [name: string, make: () => StdinOption])[] = [
  ['a string', () => 'grüße\n'],
  ['a Buffer', () => Buffer.from('grüße\n')],
  ['bytes', () => new TextEncoder().encode('grüße\n')],
  ['a Readable', () => Readable.from([Buffer.from('grü'), Buffer.from('ße\n')])],
  ['a Web Stream', () => new Blob(['grüße\n']).stream()],
  ['an async generator', twoParts],
];

async function* twoParts(): AsyncGenerator<string> {
  yield 'grü';
  yield 'ße\n';
}

test.for(inputs)('stdin may be %s', async ([, make], context) => {
  const { stdout } = await Container.run(busybox(context), ['cat'], { stdin: make() });
  expect(stdout).toBe('grüße\n');
});

test('without stdin, the command reads nothing', async (context) => {
  expect(await Container.run(busybox(context), ['cat'])).toMatchObject({ stdout: '', exitCode: 0 });
});

test('input that the command does not read is no error', async (context) => {
  const result = await Container.run(busybox(context), ['true'], { stdin: Buffer.alloc(1_000_000) });
  expect(result.exitCode).toBe(0);
});

test('what the source of stdin throws ends the command and is thrown', async (context) => {
  const failure = new Error('the source failed');
  const source = (async function* () {
    yield 'first\n';
    throw failure;
  })();
  await expect(Container.run(busybox(context), ['cat'], { stdin: source })).rejects.toBe(failure);
});

test('much input goes through as fast as it is read, unchanged', async (context) => {
  const bytes = Buffer.alloc(8 * 1024 * 1024, 'caisson\0');
  const { stdout } = await Container.run(busybox(context), ['sha256sum'], { stdin: bytes });
  expect(stdout).toBe(`${createHash('sha256').update(bytes).digest('hex')}  -\n`);
});

test('much output on both streams at once blocks neither', async (context) => {
  const megabytes = 5;
  const script = sh(`head -c ${megabytes}m /dev/zero & head -c ${megabytes}m /dev/zero >&2; wait`);
  const { stdout, stderr, exitCode } = await Container.run(busybox(context), script, { encoding: 'buffer' });
  expect([stdout.length, stderr.length, exitCode]).toEqual([megabytes << 20, megabytes << 20, 0]);
});

test("with encoding 'buffer', output is bytes", async (context) => {
  const { stdout, stderr } = await Container.run(busybox(context), sh("printf '\\377\\000\\376'"), {
    encoding: 'buffer',
  });
  expect(stdout).toEqual(Buffer.from([0xff, 0x00, 0xfe]));
  expect(stderr).toEqual(Buffer.alloc(0));
});

test('characters of several bytes stay whole across chunks', async (context) => {
  const text = `${'x'.repeat(65_535)}€`.repeat(8);
  const { stdout } = await Container.run(busybox(context), ['cat'], { stdin: text });
  expect(stdout === text).toBe(true);
});

test('a command that writes more than maxOutputBytes is ended', async (context) => {
  await expect(Container.run(busybox(context), ['yes'], { maxOutputBytes: 100_000 })).rejects.toMatchObject({
    code: 'OUTPUT_TOO_LONG',
    message: expect.stringContaining('100000 bytes'),
  });
});

test('maxOutputBytes is the most that is allowed, not the least that is refused', async (context) => {
  const options = { maxOutputBytes: 5 };
  expect(await Container.run(busybox(context), ['printf', '12345'], options)).toMatchObject({ stdout: '12345' });
  await expect(Container.run(busybox(context), ['printf', '123456'], options)).rejects.toMatchObject({
    code: 'OUTPUT_TOO_LONG',
  });
});

test('a command that takes longer than timeoutMs is ended, and its output so far is kept', async (context) => {
  const result = await Container.run(busybox(context), sh('echo begun; sleep 60'), { timeoutMs: 250 });
  expect(result).toMatchObject({ stdout: 'begun\n', timedOut: true, exitCode: null, signal: 'SIGKILL' });
  expect(result.durationMs).toBeGreaterThanOrEqual(245);
});

test('a command that is done before timeoutMs is not timed out', async (context) => {
  const result = await Container.run(busybox(context), ['true'], { timeoutMs: 600_000 });
  expect(result).toMatchObject({ timedOut: false, exitCode: 0 });
});

test("with 'ignore', output goes nowhere", async (context) => {
  const result = await Container.run(busybox(context), sh('echo out; echo err >&2'), {
    stdout: 'ignore',
    stderr: 'ignore',
  });
  expect(result).toMatchObject({ stdout: '', stderr: '', exitCode: 0 });
});

test('with a terminal, run collects what it shows', async (context) => {
  const result = await Container.run(busybox(context), sh('echo out; echo err >&2; tty'), { tty: true });
  expect(result).toMatchObject({ stdout: 'out\r\nerr\r\n/dev/pts/0\r\n', stderr: '', exitCode: 0 });
});

test('thirty containers at once do not get into each other', async (context) => {
  const image = busybox(context);
  const numbers = Array.from({ length: 30 }, (_, index) => index);
  const runs = numbers.map((n) =>
    Container.run(image, sh(`echo ${n} > /n; hostname; cat /n; exit ${n}`), { hostname: `box${n}` }),
  );
  const results = await Promise.all(runs);
  expect(results.map(({ stdout, exitCode }) => [stdout, exitCode])).toEqual(numbers.map((n) => [`box${n}\n${n}\n`, n]));
});

test('with inherit, a command has this process’s own streams', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    const streams = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' } as const;
    const image = Image.directory(process.argv[2] ?? '');
    const result = await Container.run(image, ['sh', '-c', 'cat; echo err >&2'], streams);
    console.log(JSON.stringify([result.stdout, result.exitCode]));`;
  const options = { args: [busyboxTree(context)], input: 'through\n' };
  expect(await runScript(context, script, options)).toMatchObject({ stdout: 'through\n["",0]\n', stderr: 'err\n' });
});

test('the duration is that from the call on, the filling of a volume included', async (context) => {
  const files = sh('mkdir /data; for i in $(seq 3000); do : > /data/$i; done');
  await using maker = await Container.start(busybox(context), { command: files });
  await maker.wait();
  const image = await maker.snapshot();
  const volume = await Volume.create('to-be-filled');
  const began = performance.now();
  const { durationMs } = await Container.run(image, ['true'], {
    mounts: [{ type: 'volume', source: volume, target: '/data' }],
  });
  expect(durationMs).toBeGreaterThan((performance.now() - began) / 2);
});

test('what is changed in a command or its options after the call changes nothing', async (context) => {
  const image = busybox(context);
  const command = ['sh', '-c', 'echo "$X"'];
  const env = { X: 'before' };
  const change = () => {
    command[2] = 'echo changed';
    env.X = 'changed';
  };
  const restore = () => {
    command[2] = 'echo "$X"';
    env.X = 'before';
  };
  await using container = await Container.start(image, { command: ['sleep', '600'] });
  for (const call of [() => Container.run(image, command, { env }), () => container.exec(command, { env })]) {
    const result = call();
    change();
    expect((await result).stdout).toBe('before\n');
    restore();
  }
});
