/** Processes in a running container: collected with exec, streaming with spawn. */
import { existsSync, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { Container } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { busybox, privateStore, sh } from './fixture.ts';

privateStore();

const sleeping = (context: TestContext) => Container.start(busybox(context), { command: ['sleep', '600'] });

test('exec collects both streams and the exit code', async (context) => {
  await using container = await sleeping(context);
  const result = await container.exec(sh('echo out; echo err >&2; exit 3'));
  expect(result).toMatchObject({ stdout: 'out\n', stderr: 'err\n', exitCode: 3, signal: null, timedOut: false });
  expect((await container.exec(['printf', '\\377'], { encoding: 'buffer' })).stdout).toEqual(Buffer.from([0xff]));
});

test('exec writes what it is given to stdin', async (context) => {
  await using container = await sleeping(context);
  expect((await container.exec(['cat'], { stdin: 'text' })).stdout).toBe('text');
  expect((await container.exec(['cat'], { stdin: Readable.from(['a', 'b']) })).stdout).toBe('ab');
  expect((await container.exec(['cat'])).stdout).toBe('');
});

test('exec keeps its limits, and the container runs on', async (context) => {
  await using container = await sleeping(context);
  await expect(container.exec(['yes'], { maxOutputBytes: 10_000 })).rejects.toMatchObject({ code: 'OUTPUT_TOO_LONG' });
  expect(await container.exec(['sleep', '600'], { timeoutMs: 100 })).toMatchObject({
    timedOut: true,
    signal: 'SIGKILL',
  });
  expect((await container.exec(['ps', '-o', 'args'])).stdout).toBe('COMMAND\nsleep 600\nps -o args\n');
});

test('an executed process sees the files of the container, and the container its', async (context) => {
  await using container = await sleeping(context);
  await container.exec(sh('echo one > /file'));
  expect((await container.exec(['cat', '/file'])).stdout).toBe('one\n');
  expect((await container.exec(['cat', '/proc/1/cmdline'])).stdout).toBe('sleep\x00600\x00');
});

test('fifty processes at once do not get into each other', async (context) => {
  await using container = await sleeping(context);
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  const runs = numbers.map((n) =>
    container.exec(sh(`read x; echo out $x; echo err $x >&2; exit ${n}`), { stdin: `${n}\n` }),
  );
  const results = await Promise.all(runs);
  expect(results.map(({ stdout, stderr, exitCode }) => [stdout, stderr, exitCode])).toEqual(
    numbers.map((n) => [`out ${n}\n`, `err ${n}\n`, n]),
  );
});

test('a process that is killed as it starts is told of, every time', async (context) => {
  await using container = await sleeping(context);
  for (let round = 0; round < 30; round++) {
    expect(await container.exec(sh('kill -KILL $$'))).toMatchObject({ signal: 'SIGKILL', stdout: '' });
  }
});

test('spawn gives streams that work in both directions while the process runs', async (context) => {
  await using container = await sleeping(context);
  const shell = await container.spawn(['sh']);
  const lines = shell.stdout.lines();
  for (const word of ['one', 'two', 'three']) {
    shell.stdin.write(`echo ${word}; echo ${word} >&2\n`);
    expect((await lines.next()).value).toBe(word);
  }
  shell.stdin.end('exit 5\n');
  expect(await shell.wait()).toEqual({ exitCode: 5, signal: null });
  expect(shell.exitCode).toBe(5);
  expect(Buffer.concat(await shell.stderr.toArray()).toString()).toBe('one\ntwo\nthree\n');
});

test('ending stdin is seen by the process', async (context) => {
  await using container = await sleeping(context);
  const counter = await container.spawn(['wc', '-c']);
  counter.stdin.write('12345');
  counter.stdin.end('67');
  expect(Buffer.concat(await counter.stdout.toArray()).toString()).toBe('7\n');
  expect(await counter.wait()).toEqual({ exitCode: 0, signal: null });
});

/** How many bytes a process has written, as the kernel counts (man 5 proc_pid_io). */
const bytesWritten = (pid: number) => Number(/^wchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);

test('a process that nobody reads waits, and then nothing is lost', async (context) => {
  const total = 16 << 20;
  await using container = await sleeping(context);
  const writer = await container.spawn(['dd', 'if=/dev/zero', 'bs=64k', `count=${total / 65_536}`]);
  await expect.poll(() => bytesWritten(writer.pid)).toBeGreaterThanOrEqual(65_536);

  // A reader that has enough for now, too, does not make the process's output pile up here.
  const first = await new Promise<Buffer>((resolve) => {
    writer.stdout.once('data', (chunk: Buffer) => {
      writer.stdout.pause();
      resolve(chunk);
    });
  });
  for (let turn = 0; turn < 20; turn++) await container.exec(['true']);
  expect(bytesWritten(writer.pid)).toBeLessThan(1 << 20);

  let received = first.length;
  for await (const chunk of writer.stdout) received += (chunk as Buffer).length;
  expect(received).toBe(total);
  expect(await writer.wait()).toEqual({ exitCode: 0, signal: null });
});

test('writing to a process that does not read makes the writer wait', async (context) => {
  await using container = await sleeping(context);
  const reader = await container.spawn(sh('read line; wc -c'));
  const chunk = Buffer.alloc(65_536, '\n');
  let written = 0;
  while (reader.stdin.write(chunk)) written += chunk.length;
  expect(written).toBeLessThan(1 << 20);
  reader.stdin.end();
  await expect(reader.wait()).resolves.toEqual({ exitCode: 0, signal: null });
});

test('a process can be sent signals until it has ended', async (context) => {
  await using container = await sleeping(context);
  const script = "trap 'echo got' USR1; echo ready; while :; do sleep 600 & wait $!; done";
  const shell = await container.spawn(sh(script));
  const lines = shell.stdout.lines();
  await lines.next();
  expect(shell.kill('SIGUSR1')).toBe(true);
  expect((await lines.next()).value).toBe('got');
  expect(shell.kill()).toBe(true);
  expect(await shell.wait()).toEqual({ exitCode: null, signal: 'SIGTERM' });
  expect(shell.kill('SIGKILL')).toBe(false);
  expect(shell.signalCode).toBe('SIGTERM');
});

test('at the end of its block, a process is ended', async (context) => {
  await using container = await sleeping(context);
  let pid: number;
  {
    await using shell = await container.spawn(['sleep', '600']);
    pid = shell.pid;
    expect(existsSync(`/proc/${pid}`)).toBe(true);
  }
  expect(existsSync(`/proc/${pid}`)).toBe(false);
});

test('processes whose streams nobody asks for leave nothing open when they have ended', async (context) => {
  await using container = await sleeping(context);
  for (let round = 0; round < 20; round++) {
    const shell = await container.spawn(sh('echo out; echo err >&2'));
    await shell.wait();
  }
  // The last of them is read after its end all the same.
  const shell = await container.spawn(sh('echo out; echo err >&2'));
  await shell.wait();
  expect(Buffer.concat(await shell.stdout.toArray()).toString()).toBe('out\n');
});

test.for(['', 'echo out'])('a stream that is asked for early may be read late, here of %j', async (script, context) => {
  await using container = await sleeping(context);
  const shell = await container.spawn(sh(script));
  const { stdout, stderr } = shell;
  await shell.wait();
  await container.exec(['true']);
  const lines: string[] = [];
  for await (const line of stdout.lines()) lines.push(line);
  expect(lines).toEqual(script === '' ? [] : ['out']);
  expect(await stderr.toArray()).toEqual([]);
});

test('a process is shown with what it runs and how it ended', async (context) => {
  await using container = await sleeping(context);
  const shell = await container.spawn(['sh', '-c', 'read x; exit 2']);
  expect(inspect(shell)).toBe(`Process(${shell.pid} ["sh","-c","read x; exit 2"] running)`);
  shell.stdin.end();
  await shell.wait();
  expect(inspect(shell)).toBe(`Process(${shell.pid} ["sh","-c","read x; exit 2"] exited with 2)`);
});

test('a process in a container with an init, too, ends on its own', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '600'], init: true });
  expect(await container.exec(sh('sleep 600 & exit 3'), { stdout: 'ignore', stderr: 'ignore' })).toMatchObject({
    exitCode: 3,
  });
  expect(container.state).toBe('running');
});
