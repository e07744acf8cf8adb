import { expect, test } from 'vitest';
import { runScript } from '../support/script.ts';

/** Runs a script in a worker thread, where there are no watches on libuv's loop. */
const inWorker = (body: string) => `
  import { isMainThread, Worker } from 'node:worker_threads';
  import { close, O_CLOEXEC, O_NONBLOCK, pipe2, read, watch, write } from 'caisson/syscalls';
  const pipe = () => {
    const ends = new Int32Array(2);
    pipe2(new Uint8Array(ends.buffer), O_CLOEXEC | O_NONBLOCK);
    return ends;
  };
  if (isMainThread) new Worker(new URL(import.meta.url));
  else {
    ${body}
  }`;

test('a watch in a worker thread tells of what comes, of the end, and of nothing once it is closed', async (context) => {
  const script = inWorker(`
    const [reader, writer] = pipe();
    const seen = [];
    const handle = watch(reader, { readable: true }, () => {
      const buffer = Buffer.alloc(8);
      const count = read(reader, buffer, 8);
      console.log(count === 0 ? 'end' : buffer.toString('utf8', 0, count));
      if (count === 0) handle.close();
    });
    write(writer, 'one', 3);
    setTimeout(() => write(writer, 'two', 3), 30);
    setTimeout(() => close(writer), 60);`);
  expect(await runScript(context, script)).toMatchObject({ stdout: 'one\ntwo\nend\n', stderr: '', exitCode: 0 });
});

test('a watch that waits for nothing, or is not to, lets its thread end', async (context) => {
  const script = inWorker(`
    const [[first], [second]] = [pipe(), pipe()];
    watch(first, { readable: true }, () => console.log('told')).change({});
    watch(second, { readable: true }, () => console.log('told')).unref();
    process.on('exit', () => console.log('ended'));`);
  expect(await runScript(context, script)).toMatchObject({ stdout: 'ended\n', stderr: '', exitCode: 0 });
});

test('what a listener throws is an uncaught exception of its thread', async (context) => {
  const script = inWorker(`
    const [reader, writer] = pipe();
    process.on('uncaughtException', ({ message }) => {
      console.log(message);
      process.exit(0);
    });
    watch(reader, { readable: true }, () => {
      throw new Error('mine');
    });
    write(writer, 'x', 1);`);
  expect(await runScript(context, script)).toMatchObject({ stdout: 'mine\n', stderr: '', exitCode: 0 });
});
