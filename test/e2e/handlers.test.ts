/** What a program's own listeners throw is its own uncaught exception, as with every stream of Node's. */
import { expect, test } from 'vitest';
import { runScript } from '../support/script.ts';
import { privateStore } from './fixture.ts';

privateStore();

test.for([
  { event: 'data', stream: 'stdout', tty: false },
  { event: 'data', stream: 'stdout', tty: true },
  { event: 'drain', stream: 'stdin', tty: false },
])(
  "a listener for '$event' of $stream that throws, tty $tty, ends nothing else",
  async ({ event, stream, tty }, context) => {
    const script = `
    import { Container, Image } from 'caisson';
    process.once('uncaughtException', ({ message }) => console.log(message));
    const container = await Container.start(Image.host(), { command: ['cat'], tty: ${tty} });
    container.stdout.resume();
    container.${stream}.once('${event}', () => { throw new Error('mine'); });
    container.stdin.write(Buffer.alloc(${event === 'drain' ? 1_000_000 : 10}, '\\n'));
    await new Promise((resolve) => process.once('uncaughtException', resolve));
    await new Promise((resolve) => container.stdin.write('', resolve));
    console.log((await container.exec(['echo', 'on'])).stdout);
    await container.remove();`;
    expect(await runScript(context, script)).toMatchObject({ stdout: 'mine\non\n\n', stderr: '', exitCode: 0 });
  },
);

test('without somebody who takes it, the exception ends the program', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    const container = await Container.start(Image.host(), { command: ['echo', 'x'] });
    container.stdout.on('data', () => { throw new Error('mine'); });`;
  const { exitCode, stderr } = await runScript(context, script);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Error: mine')]);
});
