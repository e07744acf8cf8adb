/** Output line by line, left in the middle. */
import { Container } from 'caisson';
import { expect, test } from 'vitest';
import { runScript } from '../support/script.ts';
import { busybox, privateStore, sh } from './fixture.ts';

privateStore();

const ECHO = sh('while read line; do echo "got $line"; echo more; done');

async function first(lines: AsyncIterable<string>): Promise<string | undefined> {
  for await (const line of lines) return line;
  return undefined;
}

test.for([{ tty: false }, { tty: true }])(
  'leaving the lines leaves the container running, with %o',
  async (options, context) => {
    await using container = await Container.start(busybox(context), { command: ECHO, ...options });
    const got = (word: string) => expect.poll(() => first(container.stdout.lines())).toBe(`got ${word}`);
    for (const word of ['one', 'two', 'three']) {
      container.stdin.write(`${word}\n`);
      await got(word);
    }
    expect(container.state).toBe('running');
    await container.stop();
  },
);

test('lines that were left go on behind the last one, also after the end', async (context) => {
  await using container = await Container.start(busybox(context), { command: sh('seq 1000') });
  expect(await first(container.stdout.lines())).toBe('1');
  await container.wait();
  expect(await first(container.stdout.lines())).toBe('2');
  const rest = Buffer.concat(await container.stdout.toArray()).toString();
  expect(rest.split('\n').slice(0, -1)).toEqual(Array.from({ length: 998 }, (_, index) => String(index + 3)));
});

test('the output of a container that has ended goes on behind the last line, too', async (context) => {
  await using container = await Container.start(busybox(context), { command: sh('seq 3') });
  await container.wait();
  for (const line of ['1', '2', '3', undefined]) expect(await first(container.stdout.lines())).toBe(line);
});

test('lines of a detached container that were left keep no process alive', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    const command = ['sh', '-c', 'echo one; echo two; exec sleep 600'];
    const container = await Container.start(Image.host(), { command, detach: true });
    for (let turn = 0; turn < 2; turn++) for await (const line of container.stdout.lines()) {
      console.log(line);
      break;
    }
    process.on('beforeExit', async () => {
      if (container.state !== 'running') return;
      console.log(container.state);
      await container.remove();
    });`;
  expect(await runScript(context, script)).toMatchObject({ stdout: 'one\ntwo\nrunning\n', stderr: '', exitCode: 0 });
});
