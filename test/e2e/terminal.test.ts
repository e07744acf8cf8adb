/** Processes with a terminal. */
import type { Readable } from 'node:stream';
import { Container } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { busybox, hasUsers, privateStore, sh } from './fixture.ts';

privateStore();

const sleeping = (context: TestContext) => Container.start(busybox(context), { command: ['sleep', '600'] });

/** Reads on until a text has come and gives all that was read for it. What comes when nobody reads is dropped. */
function readUntil(stream: Readable, text: string): Promise<string> {
  let seen = '';
  return new Promise((resolve, reject) => {
    const onEnd = () => reject(new Error(`the output ended without '${text}': ${seen}`));
    const onData = (chunk: Buffer) => {
      seen += chunk.toString();
      if (!seen.includes(text)) return;
      stream.off('data', onData).off('end', onEnd);
      resolve(seen);
    };
    stream.on('data', onData).on('end', onEnd);
  });
}

const outputOf = async (stream: Readable) => Buffer.concat(await stream.toArray()).toString();

test('the first process and every other can have a terminal', async (context) => {
  const script = sh('tty; test -t 0 && test -t 1 && test -t 2 && echo all three');
  await using container = await Container.start(busybox(context), { command: ['sh'], tty: true });
  container.stdin.write('tty; exit\n');
  expect(await readUntil(container.stdout, '/dev/pts/0')).toContain('tty; exit');
  await container.wait();

  await using other = await sleeping(context);
  const [first, second] = await Promise.all([other.spawn(script, { tty: true }), other.spawn(script, { tty: true })]);
  const outputs = await Promise.all([outputOf(first.stdout), outputOf(second.stdout)]);
  expect(outputs.sort()).toEqual(['/dev/pts/0\r\nall three\r\n', '/dev/pts/1\r\nall three\r\n']);
});

test('a terminal has the size it is given, else 80 by 24', async (context) => {
  const image = busybox(context);
  expect((await Container.run(image, ['stty', 'size'], { tty: true })).stdout).toBe('24 80\r\n');
  await using container = await Container.start(image, { command: ['sleep', '60'] });
  expect((await container.exec(['stty', 'size'], { tty: { columns: 100, rows: 30 } })).stdout).toBe('30 100\r\n');
  expect((await Container.run(image, ['stty', 'size'], { tty: { columns: 132, rows: 43 } })).stdout).toBe('43 132\r\n');
});

test.for(['start', 'spawn'] as const)(
  'a process of %s is told when its terminal changes size',
  async (way, context) => {
    const command = sh("trap 'stty size' WINCH; echo ready; while :; do sleep 600 & wait $!; done");
    await using container = await Container.start(busybox(context), {
      command: way === 'start' ? command : ['sleep', '600'],
      tty: way === 'start',
    });
    const resized = way === 'start' ? container : await container.spawn(command, { tty: true });
    await readUntil(resized.stdout, 'ready');
    for (const [rows, columns] of [[40, 100] as const, [50, 10] as const]) {
      resized.resize({ rows, columns });
      await readUntil(resized.stdout, `${rows} ${columns}\r\n`);
    }
    await container.kill();
  },
);

test('Ctrl-C ends what is in the foreground, and the shell goes on', async (context) => {
  await using container = await sleeping(context);
  const shell = await container.spawn(['sh'], { tty: true, env: { PS1: 'prompt> ' } });
  shell.stdin.write('echo begun; sleep 600\n');
  await readUntil(shell.stdout, 'begun\r\n');
  await expect
    .poll(async () => (await container.exec(['ps', '-o', 'args'])).stdout.match(/^sleep 600$/gm))
    .toHaveLength(2);
  shell.stdin.write('\x03');
  shell.stdin.write('echo $?; exit 3\n');
  expect(await readUntil(shell.stdout, '130\r\n')).toContain('^C');
  expect(await shell.wait()).toEqual({ exitCode: 3, signal: null });
});

test('Ctrl-D ends the input', async (context) => {
  await using container = await sleeping(context);
  const cat = await container.spawn(['cat'], { tty: true });
  cat.stdin.write('line\n\x04');
  // Once as echoed by the terminal, once as written by cat.
  expect(await outputOf(cat.stdout)).toBe('line\r\nline\r\n');
  expect(await cat.wait()).toEqual({ exitCode: 0, signal: null });
});

test('a terminal is the controlling one of a session of its own', async (context) => {
  await using container = await sleeping(context);
  const script = sh("echo through > /dev/tty; awk '{ print ($1 == $6), ($7 != 0), ($8 == $1) }' /proc/$$/stat");
  const process = await container.spawn(script, { tty: true });
  expect(await outputOf(process.stdout)).toBe('through\r\n1 1 1\r\n');
});

test.runIf(hasUsers)('a terminal belongs to the user of the process', async (context) => {
  await using container = await sleeping(context);
  const process = await container.spawn(sh('stat -c "%u %a" $(tty); echo x > $(tty)'), { tty: true, user: 'app' });
  expect(await outputOf(process.stdout)).toBe('1000 620\r\nx\r\n');
});

test('all output of a terminal arrives, however much there is', async (context) => {
  await using container = await sleeping(context);
  const process = await container.spawn(['seq', '50000'], { tty: true });
  const lines = (await outputOf(process.stdout)).split('\r\n');
  expect([lines.length, lines[0], lines.at(-2)]).toEqual([50_001, '1', '50000']);
  expect(await process.wait()).toEqual({ exitCode: 0, signal: null });
});

test('a terminal that nobody reads makes the process wait', async (context) => {
  await using container = await sleeping(context);
  const process = await container.spawn(sh('seq 100000; touch /done'), { tty: true });
  await new Promise((resolve) => process.stdout.once('readable', resolve));
  for (let turn = 0; turn < 10; turn++) await container.exec(['true']);
  expect((await container.exec(['test', '-e', '/done'])).exitCode).toBe(1);
  await outputOf(process.stdout);
  await process.wait();
  expect((await container.exec(['test', '-e', '/done'])).exitCode).toBe(0);
});

test('much input can be typed', async (context) => {
  await using container = await sleeping(context);
  const process = await container.spawn(sh('stty raw -echo; echo ready; head -c 200000 | md5sum'), { tty: true });
  await readUntil(process.stdout, 'ready');
  process.stdin.write(Buffer.alloc(200_000, 'x'));
  expect(await outputOf(process.stdout)).toMatch(/^\s*[0-9a-f]{32} {2}-\s*$/);
});

test('without a terminal there is none to reach', async (context) => {
  const { stdout } = await Container.run(busybox(context), sh('tty; (: < /dev/tty) 2>&1; ls /dev/console 2>&1'));
  expect(stdout).toMatch(/^not a tty\n.*No such device or address\nls: \/dev\/console: No such file or directory\n$/);
});

test('a terminal whose process has ended takes no more input, which is no error', async (context) => {
  await using container = await sleeping(context);
  const process = await container.spawn(['true'], { tty: true });
  const errors: unknown[] = [];
  process.stdin.on('error', (error) => errors.push(error));
  await process.wait();
  await outputOf(process.stdout);
  process.resize({ columns: 10, rows: 10 });
  expect(errors).toEqual([]);
});

test('what the first process has printed last is in the log, whenever that is asked for', async (context) => {
  for (let round = 0; round < 20; round++) {
    await using container = await Container.start(busybox(context), { command: ['echo', 'x'], tty: true });
    await container.wait();
    expect(await container.logs().text()).toBe('x\r\n');
    expect(await outputOf(container.stdout)).toBe('x\r\n');
  }
});

test('a terminal that was read for the log begins with what was read, also after its end', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['cat'], tty: true });
  const reading = container.logs({ follow: true }).text();
  container.attach().stdin?.write('line\n\x04');
  await container.wait();
  expect(await reading).toBe('line\r\nline\r\n');
  expect(await outputOf(container.stdout)).toBe('line\r\nline\r\n');
});

test('a terminal that nobody has asked for is closed with the container', async (context) => {
  const container = await Container.start(busybox(context), { command: ['sleep', '600'], tty: true });
  await container.spawn(sh('trap "" HUP; sleep 600 & echo x'), { tty: true });
  await container.remove();
});

test.for<[unknown]>([
  [{ columns: -1, rows: 2 }],
  [{ columns: 70_000, rows: 2 }],
  [{ columns: '80', rows: 24 }],
  [{ columns: 80 }],
  [null],
  [undefined],
  [80],
])('%j is no size of a terminal, and refused by what it is', async ([size], context) => {
  await using container = await sleeping(context);
  const process = await container.spawn(['cat'], { tty: true });
  using attachment = container.attach();
  for (const resized of [container, process, attachment]) {
    const resize = () => resized.resize(size as { columns: number; rows: number });
    expect(resize).toThrowError(TypeError);
    expect(resize).toThrowError(`size must be { columns, rows } from 0 to 65535, got ${JSON.stringify(size)}`);
  }
  await process[Symbol.asyncDispose]();
});
