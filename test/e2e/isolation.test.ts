/** What a container's processes are separated from, and what they may do. */
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { Container } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary.ts';
import { busybox, hasUsers, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

const NAMESPACES = ['mnt', 'pid', 'ipc', 'uts', 'net', 'cgroup', 'user'];

/** A script whose output is `name link` for each of a process's namespaces. */
const showNamespaces = sh(`for name in ${NAMESPACES.join(' ')}; do echo $name $(readlink /proc/self/ns/$name); done`);

/** The namespaces, by name, that differ from those of this process. */
function foreignNamespaces(shown: string): string[] {
  const links = shown
    .trim()
    .split('\n')
    .map((line) => line.split(' ') as [string, string]);
  return links.filter(([name, link]) => link !== readlinkSync(`/proc/self/ns/${name}`)).map(([name]) => name);
}

/** Every way a command gets into a container, each giving what it writes. */
async function everyWay(context: TestContext, command: readonly string[]): Promise<Record<string, string>> {
  const image = busybox(context);
  await using container = await Container.start(image, { command: ['sleep', '60'] });
  const results = {
    run: await Container.run(image, command),
    'run with an init': await Container.run(image, command, { init: true }),
    exec: await container.exec(command),
  };
  return Object.fromEntries(Object.entries(results).map(([way, { stdout }]) => [way, stdout]));
}

test('the command is process 1, or the child of ours when it asks for an init', async (context) => {
  const image = busybox(context);
  const script = sh('echo $$; cat /proc/1/comm; true');
  expect((await Container.run(image, script)).stdout).toBe('1\nsh\n');
  expect((await Container.run(image, script, { init: true })).stdout).toMatch(/^[2-9]\d*\ncaisson-init\n$/);
});

test('a container sees its own processes only', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '60'] });
  const { stdout } = await container.exec(['ps', '-o', 'args']);
  expect(stdout.trim().split('\n')).toEqual(['COMMAND', 'sleep 60', 'ps -o args']);
});

test('every namespace is its own, those of an executed process are the container’s', async (context) => {
  const image = busybox(context);
  expect(foreignNamespaces((await Container.run(image, showNamespaces)).stdout)).toEqual(NAMESPACES);

  await using container = await Container.start(image, { command: ['sleep', '60'] });
  const { stdout } = await container.exec(showNamespaces);
  for (const line of stdout.trim().split('\n')) {
    const [name = '', link] = line.split(' ');
    expect([name, link]).toEqual([name, readlinkSync(`/proc/${container.pid}/ns/${name}`)]);
  }
});

test('two containers share no namespace', async (context) => {
  const image = busybox(context);
  const script = sh(
    'readlink /proc/self/ns/mnt /proc/self/ns/pid /proc/self/ns/ipc /proc/self/ns/uts /proc/self/ns/net',
  );
  // One after the other, the kernel may give the same numbers again.
  await using one = await Container.start(image, { command: ['sleep', '60'] });
  await using other = await Container.start(image, { command: ['sleep', '60'] });
  const [first, second] = await Promise.all([one.exec(script), other.exec(script)]);
  const shared = first.stdout.split('\n').filter((link) => link !== '' && second.stdout.includes(link));
  expect(shared).toEqual([]);
});

test('a container has loopback and nothing else', async (context) => {
  const script = sh(`ls /sys/class/net
    nc -l -p 7777 -e echo hello &
    until nc 127.0.0.1 7777 2>/dev/null; do :; done`);
  const { stdout, stderr } = await Container.run(busybox(context), script, { timeoutMs: 10_000, stderr: 'ignore' });
  expect({ stdout, stderr }).toEqual({ stdout: 'lo\nhello\n', stderr: '' });
});

test('a server of this machine cannot be reached, unless the container has its network', async (context) => {
  const server = createServer((socket) => socket.end('hello\n'));
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  context.onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  const image = busybox(context);
  const connect = ['nc', '127.0.0.1', `${port}`];
  expect(await Container.run(image, connect)).toMatchObject({ stdout: '', exitCode: 1 });
  expect(await Container.run(image, connect, { network: 'host' })).toMatchObject({ stdout: 'hello\n', exitCode: 0 });
  // Before the look at what is left, which this socket would be part of.
  await new Promise((resolve) => server.close(resolve));
});

test("with network 'host', the network namespace is this machine's, and the others are not", async (context) => {
  const image = busybox(context);
  const { stdout } = await Container.run(image, showNamespaces, { network: 'host' });
  const shared = isRoot ? ['net', 'user'] : ['net'];
  expect(foreignNamespaces(stdout)).toEqual(NAMESPACES.filter((name) => !shared.includes(name)));
  expect((await Container.run(image, ['ls', '/sys/class/net'], { network: 'host' })).stdout.trim().split('\n')).toEqual(
    readdirSync('/sys/class/net').sort(),
  );
});

test('no mount of this machine is visible', async (context) => {
  const ways = await everyWay(context, ['cat', '/proc/self/mountinfo']);
  for (const [way, stdout] of Object.entries(ways)) {
    const points = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '');
    const outside = points.filter((point) => !/^\/$|^\/(proc|dev|sys)(\/|$)/.test(point));
    // Its own, of memory.
    expect([way, outside]).toEqual([way, ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf']]);
    expect([way, points.filter((point) => point === '/')]).toEqual([way, ['/']]);
  }
});

test('what a container mounts for itself is not visible on this machine', async (context) => {
  const directory = temporaryDirectory(context);
  await using container = await Container.start(busybox(context), {
    command: ['sleep', '60'],
    mounts: [
      { type: 'tmpfs', target: '/private' },
      { type: 'bind', source: directory, target: '/shared' },
      { type: 'tmpfs', target: '/shared/private' },
    ],
  });
  await container.exec(sh('echo secret > /private/file; echo secret > /shared/private/file; echo told > /shared/file'));
  expect(readdirSync(directory)).toEqual(['file', 'private']);
  expect(readdirSync(`${directory}/private`)).toEqual([]);
  expect((await container.exec(sh('cat /private/file /shared/private/file'))).stdout).toBe('secret\nsecret\n');
});

const status = (text: string, name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1];

test('root has the capabilities that Docker gives but CAP_MKNOD, none of them inheritable', async (context) => {
  for (const [way, text] of Object.entries(await everyWay(context, ['cat', '/proc/self/status']))) {
    const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => status(text, name));
    const kept = '00000000a00425fb';
    expect([way, ...sets]).toEqual([way, '0000000000000000', kept, kept, kept, '0000000000000000']);
  }
});

test.runIf(hasUsers)('another user than root has no capabilities', async (context) => {
  const image = busybox(context);
  await using container = await Container.start(image, { command: ['sleep', '60'] });
  const command = ['cat', '/proc/self/status'];
  const options = { user: 'app' };
  for (const { stdout } of [await Container.run(image, command, options), await container.exec(command, options)]) {
    const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'].map((name) => status(stdout, name));
    expect(sets).toEqual(Array.from({ length: 4 }, () => '0000000000000000'));
    expect(status(stdout, 'CapBnd')).toBe('00000000a00425fb');
  }
});

test('no signal is ignored or blocked', async (context) => {
  for (const [way, text] of Object.entries(await everyWay(context, ['cat', '/proc/self/status']))) {
    const sets = ['SigIgn', 'SigBlk', 'SigCgt'].map((name) => status(text, name));
    expect([way, ...sets]).toEqual([way, ...Array.from({ length: 3 }, () => '0000000000000000')]);
  }
});

test('a process gets no descriptor but its three', async (context) => {
  // The fourth is that of the directory which ls reads.
  const ways = await everyWay(context, ['ls', '/proc/self/fd']);
  expect(new Set(Object.values(ways))).toEqual(new Set(['0\n1\n2\n3\n']));
  const image = busybox(context);
  expect((await Container.run(image, ['ls', '/proc/self/fd'], { tty: true })).stdout.split(/\s+/)).toEqual([
    '0',
    '1',
    '2',
    '3',
    '',
  ]);
  // An init lets go of the report pipe when the kernel has told it that the command is entered: a moment later.
  const untilThree = sh('until [ "$(ls /proc/1/fd | wc -l)" = 3 ]; do :; done; ls /proc/1/fd');
  const { stdout } = await Container.run(image, untilThree, { init: true });
  expect(stdout.trim().split('\n')).toEqual(['0', '1', '2']);
});

test('a process leads a session of its own, and its umask is 022', async (context) => {
  // man 5 proc_pid_stat: pid, name, state, parent, group, session, terminal.
  const ways = await everyWay(context, sh("umask; awk '{ print ($1 == $5), ($1 == $6), $7 }' /proc/$$/stat"));
  expect(new Set(Object.values(ways))).toEqual(new Set(['0022\n1 1 0\n']));
});

test('nothing of this process is in the memory or the environment of a container’s init', async (context) => {
  process.env.CAISSON_TEST_SECRET = 'a secret of the owner';
  context.onTestFinished(() => void delete process.env.CAISSON_TEST_SECRET);
  const { stdout } = await Container.run(
    busybox(context),
    sh("cat /proc/1/environ /proc/1/cmdline | tr '\\0' '\\n'; cat /proc/1/maps"),
    {
      init: true,
    },
  );
  expect(stdout).not.toContain('secret');
  expect(stdout).not.toContain('node');
});

test('the program of an init of ours cannot be written', async (context) => {
  // CVE-2019-5736: what a runtime runs must not be reachable through /proc/PID/exe.
  const script = sh(
    '(: >> /proc/1/exe) 2>/dev/null && echo written; (: > /proc/1/exe) 2>/dev/null && echo emptied; echo done',
  );
  expect((await Container.run(busybox(context), script, { init: true })).stdout).toBe('done\n');
});
