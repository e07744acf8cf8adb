/** What processes read, as far as it depends on when they end. */
import { PassThrough, Readable } from 'node:stream';
import { Container } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { runScript } from '../support/script.ts';
import { busybox, privateStore } from './fixture.ts';

privateStore();

const sleeping = (context: TestContext) => Container.start(busybox(context), { command: ['sleep', '600'] });

/** Sources that have something to read and never end. */
const endless = {
  stream: () => new PassThrough(),
  'web stream': () => new ReadableStream(),
  iterable: async function* () {
    yield 'x';
    await new Promise(() => {});
  },
};

test.for(Object.entries(endless))('a %s that does not end keeps nobody waiting', async ([, source], context) => {
  const image = busybox(context);
  expect(await Container.run(image, ['true'], { stdin: source() })).toMatchObject({ exitCode: 0 });
  expect(await Container.run(image, ['cat'], { stdin: source(), timeoutMs: 100 })).toMatchObject({ timedOut: true });
  const reason = new Error('enough');
  const aborted = Container.run(image, ['cat'], { stdin: source(), signal: abortSoon(reason) });
  await expect(aborted).rejects.toBe(reason);

  await using container = await Container.start(image, { command: ['sleep', '600'], stdin: source() });
  expect(await container.exec(['true'], { stdin: source() })).toMatchObject({ exitCode: 0 });
  const process = await container.spawn(['true'], { stdin: source() });
  expect(await process.wait()).toEqual({ exitCode: 0, signal: null });
  expect(await container.stop()).toEqual({ exitCode: null, signal: 'SIGKILL' });
  expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' });
});

function abortSoon(reason: Error): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 100);
  return controller.signal;
}

test('a stream is destroyed when the process that reads it has ended', async (context) => {
  const source = new PassThrough();
  source.write('x');
  await Container.run(busybox(context), ['true'], { stdin: source });
  await expect.poll(() => source.destroyed).toBe(true);
});

test('what a source throws while the process runs is thrown, and what it throws later is not', async (context) => {
  const image = busybox(context);
  const failure = new Error('the disk is gone');
  const failing = () =>
    new Readable({
      read() {
        setImmediate(() => this.destroy(failure));
      },
    });
  await expect(Container.run(image, ['cat'], { stdin: failing() })).rejects.toBe(failure);
  await using container = await sleeping(context);
  await expect(container.exec(['cat'], { stdin: failing() })).rejects.toBe(failure);
  await expect((await container.spawn(['cat'], { stdin: failing() })).wait()).rejects.toBe(failure);

  const late = new PassThrough();
  await Container.run(image, ['true'], { stdin: late });
  late.destroy(failure);
});

test('a program may give its own input to one process after the other, and ends without the end of it', async (context) => {
  // Descriptor 3 is the other end of its input, which so never ends.
  const wrap = (command: readonly string[]) => ['sh', '-c', 'mkfifo in; exec 3<>in; exec "$@" < in', 'sh', ...command];
  const script = `
    import { writeSync } from 'node:fs';
    import { Container, Image } from 'caisson';
    const run = (command) => Container.run(Image.host(), command, { stdin: process.stdin });
    console.log((await run(['true'])).exitCode);
    writeSync(3, 'hello\\n');
    console.log((await run(['head', '-n', '1'])).stdout, process.stdin.destroyed);`;
  expect(await runScript(context, script, { wrap })).toMatchObject({
    stdout: '0\nhello\n false\n',
    stderr: '',
    exitCode: 0,
  });
});

test('stdin of a process that has ended is a stream that is closed, and not refused', async (context) => {
  await using container = await sleeping(context);
  const process = await container.spawn(['true']);
  await process.wait();
  expect(process.stdin).toMatchObject({ destroyed: true, writable: false });
  process.stdin.write('x');
  process.stdin.end();

  await using short = await Container.start(busybox(context), { command: ['true'] });
  await short.wait();
  expect(short.stdin.destroyed).toBe(true);

  const ignoring = await container.spawn(['true'], { stdin: 'ignore' });
  await ignoring.wait();
  expect(() => ignoring.stdin).toThrowError(expect.objectContaining({ code: 'NO_STREAM' }));
});
