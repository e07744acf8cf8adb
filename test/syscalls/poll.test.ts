import { expect, test } from 'vitest';
import { runScript } from '../support/script.ts';

test('what becomes ready while the process exits does not abort it', async (context) => {
  // The server makes Node go round its loop once more when it takes itself down.
  const script = `
    import { createServer } from 'node:net';
    import { O_CLOEXEC, O_NONBLOCK, pipe2, watch, write } from 'caisson/syscalls';
    const ends = new Int32Array(2);
    pipe2(new Uint8Array(ends.buffer), O_CLOEXEC | O_NONBLOCK);
    watch(ends[0], { readable: true }, () => console.log('told')).unref();
    createServer().listen(0, '127.0.0.1').unref();
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.on('exit', () => write(ends[1], 'x', 1));`;
  expect(await runScript(context, script)).toMatchObject({ stdout: '', stderr: '', exitCode: 0 });
});

test('what is told that something is ready may throw, which is an uncaught exception', async (context) => {
  const script = `
    import { O_CLOEXEC, O_NONBLOCK, pipe2, read, watch, write } from 'caisson/syscalls';
    const ends = new Int32Array(2);
    pipe2(new Uint8Array(ends.buffer), O_CLOEXEC | O_NONBLOCK);
    const handle = watch(ends[0], { readable: true }, () => {
      read(ends[0], new Uint8Array(1), 1);
      throw new Error('mine');
    });
    const changed = () => {
      handle.change({ readable: true });
      write(ends[1], 'x', 1);
      process.once('uncaughtException', ({ message }) => {
        console.log(message);
        handle.close();
      });
    };
    process.once('uncaughtException', ({ message }) => {
      console.log(message);
      changed();
    });
    write(ends[1], 'x', 1);`;
  expect(await runScript(context, script)).toMatchObject({ stdout: 'mine\nmine\n', stderr: '', exitCode: 0 });
});
