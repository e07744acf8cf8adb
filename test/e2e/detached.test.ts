/** Detached containers: they outlive who started them, and any process finds, reads and ends them. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Container, type ContainerOptions } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { all } from '../support/all.ts';
import { runScript, startScript } from '../support/script.ts';
import { runSubordinate } from '../support/subordinate-ids.ts';
import { runUnprivileged } from '../support/unprivileged.ts';
import { busybox, busyboxTree, isRoot, privateStore, sh } from './fixture.ts';

const store = privateStore();

/** Starts a detached container of busybox; whoever gets it removes it. */
function detached(context: TestContext, script: string, options: ContainerOptions = {}): Promise<Container> {
  return Container.start(busybox(context), { detach: true, command: sh(script), ...options });
}

/** The process that supervises a container: the parent of its first one. */
function supervisorOf({ pid }: Container): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** Resolves when a process has ended. */
async function gone(pid: number): Promise<void> {
  await expect.poll(() => isAlive(pid), { interval: 5, timeout: 10_000 }).toBe(false);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('a detached container runs, and says how it ended and what it wrote', async (context) => {
  await using container = await detached(context, 'echo out; echo err >&2; exit 3');
  expect(await container.wait()).toEqual({ exitCode: 3, signal: null });
  expect(container.state).toBe('exited');
  expect(await container.logs().text()).toBe('out\nerr\n');
  expect(await container.logs({ stdout: false }).text()).toBe('err\n');
  const [first] = await all(container.logs());
  expect(first?.stream).toBe('stdout');
  expect(first?.time.getTime()).toBeGreaterThanOrEqual(Number(container.inspect().startedAt) - 1);
});

test('it is ended by a signal, and says which', async (context) => {
  await using container = await detached(context, 'exec sleep 600');
  await container.kill('SIGKILL');
  expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' });
});

test('a start that fails says why, and leaves no process', async (context) => {
  const starting = Container.start(busybox(context), { detach: true, command: ['no-such-command'] });
  await expect(starting).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND', exitCode: 127 });
  expect(readdirSync(join(store, 'containers'))).toEqual([]);
});

test.for([
  ['a process of ours as PID 1', { init: true }],
  ['a terminal', { tty: true }],
  ['its changes in memory', { upper: 'tmpfs' }],
  ["this machine's network", { network: 'host' }],
  ["this machine's processes", { namespaces: { pid: 'host' } }],
  ...(isRoot ? [["this machine's ids", { userns: 'host' }] as const] : []),
] as const)('it runs with %s', async ([, options], context) => {
  await using container = await detached(context, 'echo here; exit 5', options);
  expect(await container.wait()).toEqual({ exitCode: 5, signal: null });
  expect(await container.logs().text()).toMatch(/^here\r?\n$/);
});

test('it outlives who started it, killed or not, and another process finds, reads, enters and ends it', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    const container = await Container.start(Image.directory(process.argv[2]), {
      name: 'survivor', detach: true, command: ['sh', '-c', 'echo begun; trap "echo asked; exit 4" TERM; while :; do sleep 0.01; done'],
    });
    console.log(container.id);
    process.kill(process.pid, 'SIGKILL');`;
  const made = await runScript(context, script, { args: [busyboxTree(context)], env: { CAISSON_ROOT: store } });
  expect(made.stderr).toBe('');
  await using container = await Container.get('survivor');
  expect([container.id, container.state]).toEqual([made.stdout.trim(), 'running']);
  expect((await container.exec(['cat', '/proc/1/comm'])).stdout).toBe('sh\n');
  for await (const line of container.logs({ follow: true }).lines()) {
    expect(line).toBe('begun');
    break;
  }
  expect(await container.stop()).toEqual({ exitCode: 4, signal: null });
  expect(await container.logs().text()).toBe('begun\nasked\n');
  const { stdout } = await runScript(
    context,
    "import { Container } from 'caisson'; const { state, exitCode } = await Container.get('survivor'); console.log(state, exitCode);",
    { env: { CAISSON_ROOT: store } },
  );
  expect(stdout).toBe('exited 4\n');
});

test('when its owner is killed while it starts, it either runs or is not there', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    const image = Image.directory(process.argv[2]);
    console.log('begin');
    await Container.start(image, { detach: true, command: ['sleep', '600'] });
    process.kill(process.pid, 'SIGKILL');`;
  const options = { args: [busyboxTree(context)], env: { CAISSON_ROOT: store } };
  // From the first line on, a start takes some 30 milliseconds: the code for it is loaded.
  const outcomes = new Map<string, number>();
  for (let round = 0; round < 12; round++) {
    const { child, finished } = startScript(context, script, options);
    child.stdout?.once('data', () => void setTimeout(() => child.kill('SIGKILL'), round * 4));
    await finished;
    await Container.run(busybox(context), ['true']);
    const containers = await Container.list({ all: true });
    expect(containers.length).toBeLessThanOrEqual(1);
    const [left] = containers;
    outcomes.set(left?.state ?? 'nothing', (outcomes.get(left?.state ?? 'nothing') ?? 0) + 1);
    await left?.remove();
  }
  await context.annotate(JSON.stringify([...outcomes]));
  expect([...outcomes.keys()].filter((each) => !['running', 'nothing'].includes(each))).toEqual([]);
});

test('when its supervisor is killed, none of its processes is left, and it can be started again', async (context) => {
  await using container = await detached(context, 'sleep 600 & exec sleep 600');
  const { pid } = container;
  process.kill(supervisorOf(container), 'SIGKILL');
  await gone(pid ?? 0);
  expect(container.inspect()).toMatchObject({ state: 'exited', exitCode: null });
  await container.start();
  expect(container.state).toBe('running');
});

test.runIf(isRoot)(
  'it can be in a PID namespace that is there, and ends there with its supervisor',
  async (context) => {
    await using first = await detached(context, 'exec sleep 600');
    const pid = { path: `/proc/${first.pid}/ns/pid` };
    await using second = await detached(context, 'sleep 601 & exec sleep 602', { namespaces: { pid } });
    const sleeping = async () => (await first.exec(sh('cat /proc/[0-9]*/cmdline'))).stdout.match(/60\d/g)?.sort();
    await expect.poll(sleeping).toEqual(['600', '601', '602']);
    process.kill(supervisorOf(second), 'SIGKILL');
    await expect.poll(sleeping).toEqual(['600']);
    expect(second.state).toBe('exited');
    const failing = { namespaces: { pid }, entrypoint: ['no-such-command'] };
    await expect(detached(context, '', failing)).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
  },
);

test('what it reads is written by whoever attaches, until one ends it', async (context) => {
  await using container = await detached(context, 'while read line; do echo "got $line"; done; echo ended', {
    stdin: 'pipe',
  });
  const first = container.attach();
  const lines = first.stdout.lines();
  first.stdin.write('one\n');
  expect((await lines.next()).value).toBe('got one');
  first.detach();
  const second = (await Container.get(container.id)).attach({ logs: true });
  second.stdin.end('two\n');
  expect(await all(second.stdout.lines())).toEqual(['got one', 'got two', 'ended']);
  second.detach();
  expect(await container.wait()).toEqual({ exitCode: 0, signal: null });
});

test('its terminal is typed at, read and sized by whoever attaches', async (context) => {
  const script = 'stty -echo; echo ready; read line; stty size; echo "got $line"';
  await using container = await detached(context, script, { tty: { columns: 90, rows: 30 } });
  using attachment = container.attach({ logs: true });
  const lines = attachment.stdout.lines();
  expect((await lines.next()).value).toBe('ready');
  attachment.resize({ columns: 111, rows: 33 });
  attachment.stdin.write('hello\n');
  expect(await all(lines)).toEqual(['33 111', 'got hello']);
});

test('its log is rotated, and a follower that keeps up misses nothing of it', async (context) => {
  const script = 'i=0; while read burst; do for j in $(seq 500); do i=$((i+1)); echo "line $i"; done; done';
  await using container = await detached(context, script, {
    stdin: 'pipe',
    logs: { maxFileBytes: 20_000, maxFiles: 3 },
  });
  using attachment = container.attach();
  attachment.stdin.write('\n');
  const lines: string[] = [];
  for await (const line of container.logs({ follow: true }).lines()) {
    lines.push(line);
    if (lines.length === 10_000) attachment.stdin.end();
    else if (lines.length % 500 === 0) attachment.stdin.write('\n');
  }
  expect(lines).toEqual(Array.from({ length: 10_000 }, (_, index) => `line ${index + 1}`));
  const files = readdirSync(join(store, 'containers', container.id)).filter((name) => name.startsWith('log'));
  expect(files.sort()).toEqual(['log', 'log.1', 'log.2']);
  const kept = await container.logs().text();
  expect(kept.endsWith('line 9999\nline 10000\n')).toBe(true);
  // A file is ended by the frame that makes it too long.
  expect(kept.length).toBeLessThan(3 * (20_000 + 32 * 1024));
  expect(await container.logs({ tail: 2 }).text()).toBe('line 9999\nline 10000\n');
});

test('a hundred megabytes of output go through it, and the newest are kept', async (context) => {
  await using container = await detached(context, 'head -c 100000000 /dev/zero; echo the end');
  expect(await container.wait()).toEqual({ exitCode: 0, signal: null });
  const kept = await container.logs().bytes();
  expect(kept.subarray(-8).toString()).toBe('the end\n');
  expect(kept.length).toBeGreaterThan(20 * 1024 * 1024);
});

test('it is started again as its policy says, and not when it was asked to stop', async (context) => {
  await using container = await detached(context, 'echo run; exit 1', { restart: 'on-failure:2' });
  expect(await container.wait()).toEqual({ exitCode: 1, signal: null });
  expect(await container.logs().text()).toBe('run\n'.repeat(3));
  await using always = await detached(context, 'echo run; exec sleep 600', { restart: 'always' });
  const { pid } = always;
  process.kill(pid ?? 0, 'SIGKILL');
  await expect.poll(() => always.pid !== pid && always.state === 'running').toBe(true);
  await always.stop({ timeoutMs: 10 });
  expect(always.state).toBe('exited');
});

test('one that waits to be started again is stopped at once', async (context) => {
  await using container = await detached(context, 'exit 1', { restart: 'always' });
  await expect.poll(() => container.state).toBe('restarting');
  await container.stop();
  expect(container.state).toBe('exited');
});

test.runIf(isRoot)(
  'its supervisor is in none of its namespaces, and holds less than 200 KiB, whatever went through it',
  async (context) => {
    await using container = await detached(context, 'head -c 1000000 /dev/zero; echo; exec sleep 600');
    for await (const { data } of container.logs({ follow: true })) if (data.includes('\n')) break;
    const supervisor = supervisorOf(container);
    const rss = Number(/^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${supervisor}/smaps_rollup`, 'utf8'))?.[1]);
    await context.annotate(`${rss} KiB`);
    expect(rss).toBeLessThan(200);
    const namespaces = (pid: number | string) => {
      return ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup'].map((name) =>
        readlinkSync(`/proc/${pid}/ns/${name}`),
      );
    };
    expect(namespaces(supervisor)).toEqual(namespaces('self'));
    expect(readlinkSync(`/proc/${supervisor}/cwd`)).toBe('/');
    expect(readFileSync(`/proc/${supervisor}/stat`, 'utf8')).toMatch(
      new RegExp(` S \\d+ ${supervisor} ${supervisor} 0 -1 `),
    );
  },
);

test.runIf(isRoot)(
  'what does not fit on the disk is left out of the log, and the container goes on',
  async (context) => {
    const script = `
    import { Container, Image } from 'caisson';
    const command = ['sh', '-c', 'head -c 20000000 /dev/zero; echo; echo the end'];
    const container = await Container.start(Image.directory(process.argv[2]), { detach: true, upper: 'tmpfs', command });
    const { exitCode } = await container.wait();
    console.log(exitCode, (await container.logs().bytes()).length < 8 << 20, container.state);
    await container.remove();`;
    const mount = 'mkdir -p "$CAISSON_ROOT" && mount -t tmpfs -o size=8m,mode=700 small "$CAISSON_ROOT" && exec "$@"';
    const { stdout, stderr } = await runScript(context, script, {
      args: [busyboxTree(context)],
      wrap: (command) => ['unshare', '--mount', 'sh', '-ec', mount, 'sh', ...command],
    });
    expect({ stdout, stderr }).toEqual({ stdout: '0 true exited\n', stderr: '' });
  },
);

test.runIf(isRoot)('an ordinary user has them, too', async (context) => {
  const script = `
    import { readFileSync } from 'node:fs';
    import { Container, Image } from 'caisson';
    const options = { detach: true, restart: 'on-failure:1', stdin: 'pipe', command: ['sh', '-c', 'read line; echo $line; exit 6'] };
    const container = await Container.start(Image.host(), options);
    const supervisor = /PPid:\\s+(\\d+)/.exec(readFileSync('/proc/' + container.pid + '/status', 'utf8'))[1];
    try { readFileSync('/proc/' + supervisor + '/environ'); console.log('its memory can be looked into'); } catch {}
    using attachment = container.attach({ logs: true });
    attachment.stdin.write('one\\ntwo\\n');
    console.log(JSON.stringify([await container.wait(), await container.logs().text()]));
    await container.remove();`;
  const { stdout, stderr } = await runUnprivileged(context, script);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([{ exitCode: 6, signal: null }, 'one\ntwo\n']);
});

test.runIf(isRoot)('so has one who has subordinate ids, whoever the user in there is', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    const start = (options) => Container.start(Image.host(), { detach: true, user: 'daemon', restart: 'on-failure:1', ...options });
    await using terminal = await start({ tty: true, command: ['sh', '-c', 'id -un; exit 6'] });
    await using piped = await start({ stdin: 'pipe', command: ['sh', '-c', 'read line < /dev/stdin; echo "$line" > /dev/stdout; exit 6'] });
    using first = piped.attach();
    first.stdin.write('one\\n');
    for await (const line of piped.logs({ follow: true }).lines()) if (line === 'one') break;
    using second = piped.attach();
    second.stdin.write('two\\n');
    for (const each of [terminal, piped]) console.log(JSON.stringify([await each.wait(), await each.logs().text()]));`;
  const { stdout, stderr } = await runSubordinate(context, script);
  expect(stderr).toBe('');
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    [{ exitCode: 6, signal: null }, 'daemon\r\ndaemon\r\n'],
    [{ exitCode: 6, signal: null }, 'one\ntwo\n'],
  ]);
});
