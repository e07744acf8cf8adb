/** The logs of attached containers: what they wrote, from this process's memory. */
import { Container, Image } from 'caisson';
import { expect, test } from 'vitest';
import { all } from '../support/all.ts';
import { runScript } from '../support/script.ts';
import { busybox, privateStore, sh } from './fixture.ts';

const store = privateStore();

test('what was written before anybody asked is there', async (context) => {
  await using container = await Container.start(busybox(context), { command: sh('echo out; echo err >&2; exit 3') });
  await container.wait();
  expect(await container.logs().text()).toBe('out\nerr\n');
  expect(await container.logs({ stderr: false }).text()).toBe('out\n');
  expect(await container.logs({ tail: 1 }).text()).toBe('err\n');
});

test('what is written later comes to who follows, and its end with the end of the container', async (context) => {
  await using container = await Container.start(busybox(context), { command: sh('echo a; read go; echo b') });
  const lines = container.logs({ follow: true }).lines();
  expect((await lines.next()).value).toBe('a');
  container.stdin.end('\n');
  expect(await all(lines)).toEqual(['b']);
});

test('who has asked for logs can read the stream later, from its beginning on', async (context) => {
  await using container = await Container.start(busybox(context), { command: sh('echo a; read go; echo b') });
  for await (const line of container.logs({ follow: true }).lines()) if (line === 'a') break;
  container.stdin.end('\n');
  expect(await all(container.stdout.lines())).toEqual(['a', 'b']);
  expect(await container.logs().text()).toBe('a\nb\n');
});

test('who reads the stream sets the pace, and what he has read is in the logs', async (context) => {
  const command = sh('echo a; head -c 1000000 /dev/zero; echo; echo end');
  await using container = await Container.start(busybox(context), { command, logs: { maxMemoryBytes: 200_000 } });
  const { stdout } = container;
  const early = all(container.logs({ follow: true }));
  let length = 0;
  for await (const chunk of stdout) length += (chunk as Buffer).length;
  expect(length).toBe(1_000_007);
  expect((await early).length).toBeGreaterThan(0);
  const kept = await container.logs().text();
  expect(kept.endsWith('\nend\n')).toBe(true);
  expect(kept.length).toBeLessThan(200_000);
});

test('output of any length is read for who asked for logs, and its end is kept', async (context) => {
  const command = sh('head -c 10000000 /dev/zero; echo; echo end');
  await using container = await Container.start(busybox(context), { command });
  const following = all(container.logs({ follow: true }));
  await container.wait();
  const total = (await following).reduce((sum, { data }) => sum + data.length, 0);
  expect(total).toBeLessThanOrEqual(10_000_005);
  expect(await container.logs({ tail: 1 }).text()).toBe('end\n');
});

test('what it wrote in all of its runs is there, one after the other', async (context) => {
  await using container = await Container.start(busybox(context), {
    command: sh('echo run; exit 1'),
    restart: 'on-failure:1',
  });
  expect(await all(container.logs({ follow: true }).lines())).toEqual(['run', 'run']);
  await container.start();
  expect(await all(container.logs({ follow: true }).lines())).toEqual(['run', 'run', 'run', 'run']);
});

test('a terminal has logs, too, and can be claimed after', async (context) => {
  await using container = await Container.start(busybox(context), {
    command: sh('stty -echo; echo a; read line; echo "got $line"'),
    tty: true,
  });
  for await (const line of container.logs({ follow: true }).lines()) if (line === 'a') break;
  container.stdin.write('b\n');
  expect(await all(container.stdout.lines())).toEqual(['a', 'got b']);
  expect(await container.logs().text()).toBe('a\r\ngot b\r\n');
});

test('attaching gives what comes from then on, to any number', async (context) => {
  const command = sh('echo a; while read line; do echo "got $line"; done');
  await using container = await Container.start(busybox(context), { command });
  for await (const line of container.logs({ follow: true }).lines()) if (line === 'a') break;
  using first = container.attach();
  using second = container.attach({ logs: true });
  first.stdin.end('b\n');
  expect(await all(first.stdout.lines())).toEqual(['got b']);
  expect(await all(second.stdout.lines())).toEqual(['a', 'got b']);
});

test('the logs of an attached container are with its owner: others are told so', async (context) => {
  await using container = await Container.start(busybox(context), { command: sh('exec sleep 600') });
  const script = `
    import { Container } from 'caisson';
    const container = await Container.get(process.argv[2]);
    try { container.logs(); } catch (error) { console.log(error.code); }
    try { container.attach(); } catch (error) { console.log(error.code); }`;
  const { stdout } = await runScript(context, script, { args: [container.id], env: { CAISSON_ROOT: store } });
  expect(stdout).toBe('LOGS_ELSEWHERE\nLOGS_ELSEWHERE\n');
});

test.for([
  [{ tail: -1 }, "option 'tail' must be an integer from 0 on, got -1"],
  [{ since: 'today' }, 'option \'since\' must be a valid Date, got "today"'],
  [{ lines: 3 }, "unknown option 'lines'"],
] as const)('logs(%o) is refused', async ([options, message]) => {
  await using container = await Container.create(Image.host());
  expect(() => container.logs(options as never)).toThrow(message);
});

test.for([
  [{ stdin: 'text' }, "option 'stdin' of a detached container must be 'pipe' or 'ignore'"],
  [{ stdout: 'inherit' }, "option 'stdout' of a detached container cannot be 'inherit'"],
  [{ logs: { maxFiles: 0 } }, 'logs.maxFiles must be an integer from 1 to 1000'],
] as const)('a detached container with %o is refused', async ([options, message]) => {
  await expect(Container.start(Image.host(), { detach: true, ...options })).rejects.toThrow(message);
});
