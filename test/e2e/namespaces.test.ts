/** Every namespace of a container: its own, the host's, another container's, that of a path. */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Container, type ContainerOptions } from 'caisson';
import { describe, expect, type TestContext, test } from 'vitest';
import { runSubordinate } from '../support/subordinate-ids.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runUnprivileged } from '../support/unprivileged.ts';
import { busybox, busyboxTree, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

const FILES = {
  mount: 'mnt',
  pid: 'pid',
  ipc: 'ipc',
  uts: 'uts',
  cgroup: 'cgroup',
  time: 'time',
  network: 'net',
} as const;
type Type = keyof typeof FILES;
const TYPES = Object.keys(FILES) as Type[];
const SLEEP = ['sleep', '600'];

/** The options that put a container into a namespace. */
function inNamespace(type: Type, option: unknown): ContainerOptions {
  return (type === 'network' ? { network: option } : { namespaces: { [type]: option } }) as ContainerOptions;
}

/** The namespaces of a container's first process and of one that is executed in it, by type. */
async function namespacesOf(container: Container): Promise<Record<Type | 'user', string>> {
  const executed = await container.spawn(SLEEP);
  const links = (pid: number) =>
    Object.fromEntries([...TYPES, 'user' as const].map((type) => [type, linkOf(pid, type)]));
  try {
    expect(links(executed.pid)).toEqual(links(container.pid as number));
    return links(container.pid as number) as Record<Type | 'user', string>;
  } finally {
    await executed[Symbol.asyncDispose]();
  }
}

/** Nobody but root may look at a keeper: its command is in the same namespaces. */
function linkOf(pid: number | 'self', type: Type | 'user'): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/${type === 'user' ? type : FILES[type]}`);
  } catch (error) {
    const child = Number.parseInt(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'), 10);
    if (isRoot || Number.isNaN(child)) throw error;
    return linkOf(child, type);
  }
}

describe.each(TYPES)('%s', (type) => {
  test('of its own, it shares with nobody', async (context) => {
    const option = type === 'network' ? 'none' : 'private';
    await using one = await Container.start(busybox(context), { command: SLEEP, ...inNamespace(type, option) });
    await using other = await Container.start(busybox(context), { command: SLEEP, ...inNamespace(type, option) });
    const links = [linkOf('self', type), (await namespacesOf(one))[type], (await namespacesOf(other))[type]];
    expect(new Set(links).size).toBe(3);
  });

  test("the host's is the one that this process is in", async (context) => {
    await using container = await Container.start(busybox(context), { command: SLEEP, ...inNamespace(type, 'host') });
    expect((await namespacesOf(container))[type]).toBe(linkOf('self', type));
  });

  test("another container's is shared, by object, by name and by id, and all others are not", async (context) => {
    const own = type === 'time' ? inNamespace('time', 'private') : {};
    await using first = await Container.start(busybox(context), { command: SLEEP, name: `first-${type}`, ...own });
    const theirs = await namespacesOf(first);
    for (const container of [first, `first-${type}`, first.id, first.id.slice(0, 20)]) {
      await using second = await Container.start(busybox(context), {
        command: SLEEP,
        ...inNamespace(type, { container }),
      });
      const ours = await namespacesOf(second);
      expect(TYPES.filter((each) => ours[each] === theirs[each])).toEqual(
        type === 'time'
          ? ['time']
          : ['time', type].toSorted((a, b) => TYPES.indexOf(a as Type) - TYPES.indexOf(b as Type)),
      );
      // What a user namespace owns is joined from inside of it.
      expect(ours.user).toBe(theirs.user);
    }
  });

  test.runIf(isRoot)('that of a path is joined', async (context) => {
    await using first = await Container.start(busybox(context), {
      command: SLEEP,
      userns: 'host',
      ...(type === 'time' ? inNamespace('time', 'private') : {}),
    });
    const path = `/proc/${first.pid}/ns/${FILES[type]}`;
    await using second = await Container.start(busybox(context), {
      command: SLEEP,
      userns: 'host',
      ...inNamespace(type, { path }),
    });
    expect((await namespacesOf(second))[type]).toBe(linkOf(first.pid as number, type));
  });

  test('what is no such namespace is refused, by what it is', async (context) => {
    const directory = temporaryDirectory(context);
    writeFileSync(join(directory, 'file'), '');
    mkdirSync(join(directory, 'directory'));
    const start = (path: string) => Container.run(busybox(context), ['true'], inNamespace(type, { path }));
    for (const path of [join(directory, 'file'), join(directory, 'directory'), '/dev/null', '/proc/self/status']) {
      await expect(start(path)).rejects.toMatchObject({
        code: 'NAMESPACE_GONE',
        message: expect.stringContaining(path),
      });
    }
    for (const path of [join(directory, 'nothing'), '/proc/4194304/ns/net', '/proc/self/ns']) {
      await expect(start(path)).rejects.toMatchObject({ code: 'NAMESPACE_GONE' });
    }
    const other = type === 'mount' ? 'net' : 'mnt';
    await expect(start(`/proc/self/ns/${other}`)).rejects.toMatchObject({
      code: 'NAMESPACE_CONFLICT',
      message: `'/proc/self/ns/${other}' is a ${type === 'mount' ? 'network' : 'mount'} namespace, not a ${type} one`,
    });
  });

  test('that of a container which is gone, or was never started, is refused', async (context) => {
    await using idle = await Container.create(busybox(context), { command: SLEEP, name: `idle-${type}` });
    const run = (container: string | Container) =>
      Container.run(busybox(context), ['true'], inNamespace(type, { container }));
    await expect(run(idle)).rejects.toMatchObject({
      code: 'NAMESPACE_GONE',
      message: expect.stringContaining(': it is created'),
    });
    await idle.start();
    await idle.kill();
    await expect(run(idle.name)).rejects.toMatchObject({
      code: 'NAMESPACE_GONE',
      message: expect.stringContaining(': it is exited'),
    });
    await idle.remove();
    await expect(run(idle)).rejects.toMatchObject({
      code: 'NAMESPACE_GONE',
      message: expect.stringContaining(': there is none'),
    });
  });
});

test('all of a container’s namespaces can be joined at once', async (context) => {
  await using first = await Container.start(busybox(context), { command: SLEEP, hostname: 'first' });
  const namespaces = Object.fromEntries(
    ['mount', 'pid', 'ipc', 'uts', 'cgroup'].map((type) => [type, { container: first }]),
  );
  await using second = await Container.start(busybox(context), {
    command: SLEEP,
    network: { container: first },
    namespaces,
  });
  expect(await namespacesOf(second)).toEqual(await namespacesOf(first));
  await first.fs.writeFile('/etc/of-first', 'one');
  expect((await second.exec(sh('cat /etc/of-first; hostname; ps -o comm | grep -c caisson-init'))).stdout).toBe(
    'onefirst\n2\n',
  );
});

test('a container that joins itself, or one that waits for it, is refused with the chain', async (context) => {
  const image = busybox(context);
  await using self = await Container.create(image, { command: SLEEP, name: 'self', network: { container: 'self' } });
  await expect(self.start()).rejects.toMatchObject({
    code: 'NAMESPACE_CYCLE',
    message: expect.stringContaining('the container joins self, which is the container itself'),
  });

  await using a = await Container.create(image, { command: SLEEP, name: 'a', network: { container: 'b' } });
  await using b = await Container.create(image, { command: SLEEP, name: 'b', namespaces: { ipc: { container: 'c' } } });
  await using c = await Container.create(image, { command: SLEEP, name: 'c', namespaces: { uts: { container: 'a' } } });
  for (const [each, chain] of [
    [a, 'b joins c joins a'],
    [b, 'c joins a joins b'],
    [c, 'a joins b joins c'],
  ] as const) {
    await expect(each.start()).rejects.toMatchObject({
      code: 'NAMESPACE_CYCLE',
      message: expect.stringContaining(`joins ${chain},`),
    });
  }
});

test('a container may exit while it is joined: the other joins it, or says that it is gone', async (context) => {
  const image = busybox(context);
  const outcomes = new Set<string>();
  for (let round = 0; round < 12; round++) {
    await using first = await Container.start(image, { command: SLEEP });
    const type = (['network', 'pid', 'mount', 'ipc'] as const)[round % 4] as Type;
    const joining = Container.run(image, ['true'], inNamespace(type, { container: first })).then(
      ({ exitCode, signal }) => `${exitCode ?? signal}`,
      (error: { code?: string }) => String(error.code),
    );
    await first.kill();
    outcomes.add(await joining);
  }
  for (const outcome of outcomes) expect(['0', 'SIGKILL', 'NAMESPACE_GONE']).toContain(outcome);
});

test('a user namespace of one’s own cannot be had while namespaces of another are joined', async (context) => {
  await using first = await Container.start(busybox(context), { command: SLEEP });
  const userns = {
    uid: [{ containerID: 0, hostID: process.getuid?.() ?? 0, size: 1 }],
    gid: [{ containerID: 0, hostID: process.getgid?.() ?? 0, size: 1 }],
  };
  const run = Container.run(busybox(context), ['true'], { network: { container: first }, userns });
  await expect(run).rejects.toMatchObject({ code: 'NAMESPACE_CONFLICT', hint: expect.stringContaining('userns') });
});

describe('mount', () => {
  test("with the host's, the processes see this machine's files, and nothing is mounted", async (context) => {
    const directory = temporaryDirectory(context, 0o755);
    writeFileSync(join(directory, 'here'), 'of this machine');
    const { stdout } = await Container.run(busybox(context), ['cat', join(directory, 'here'), '/proc/self/mountinfo'], {
      namespaces: { mount: 'host' },
    });
    expect(stdout).toMatch(/^of this machine/);
    expect(stdout.split('\n').length).toBe(readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length);
  });

  test('has no files of its own, so no image is made of it', async (context) => {
    await using container = await Container.start(busybox(context), { command: SLEEP, namespaces: { mount: 'host' } });
    const directory = temporaryDirectory(context, 0o755);
    writeFileSync(join(directory, 'here'), 'read from outside');
    expect(await container.fs.readFile(join(directory, 'here'), 'utf8')).toBe('read from outside');
    await expect(container.snapshot()).rejects.toMatchObject({ code: 'NO_FILES_OF_ITS_OWN' });
    await container.kill();
    await expect(container.fs.readFile('/etc/passwd')).rejects.toMatchObject({ code: 'NO_FILES_OF_ITS_OWN' });
  });

  test('a user is looked up where the files are', async (context) => {
    const namespaces = { mount: 'host' } as const;
    const run = Container.run(busybox(context), ['true'], { user: 'app', namespaces });
    await expect(run).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
    await using first = await Container.start(busybox(context), { command: SLEEP });
    const joined = Container.run(busybox(context), ['true'], {
      user: 'nobody-there',
      namespaces: { mount: { container: first } },
    });
    await expect(joined).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
  });

  test('a terminal is one of this machine', async (context) => {
    await using container = await Container.start(busybox(context), {
      command: ['tty'],
      tty: true,
      namespaces: { mount: 'host' },
    });
    expect(Buffer.concat(await container.stdout.toArray()).toString()).toMatch(/^\/dev\/pts\/\d+\r\n$/);
  });
});

describe('uts', () => {
  test("with the host's, it is called as this machine, and cannot be renamed", async (context) => {
    const { stdout } = await Container.run(
      busybox(context),
      sh('hostname; echo $HOSTNAME; cat /etc/hostname; hostname other 2>&1'),
      { namespaces: { uts: 'host' } },
    );
    expect(stdout).toMatch(new RegExp(`^(${hostname()}\n){3}hostname: .*not permitted\n$`));
    expect(hostname()).not.toBe('other');
  });

  test('with that of another container, it is called as that', async (context) => {
    await using first = await Container.start(busybox(context), { command: SLEEP, hostname: 'first' });
    const { stdout } = await Container.run(busybox(context), sh('hostname; echo $HOSTNAME; cat /etc/hostname'), {
      namespaces: { uts: { container: first } },
    });
    expect(stdout).toBe('first\n'.repeat(3));
  });
});

describe('time', () => {
  test("that is the host's anyway is had by whoever asks for it", async (context) => {
    await using first = await Container.start(busybox(context), { command: SLEEP });
    for (const time of [{ container: first }, { path: '/proc/self/ns/time' }]) {
      await using second = await Container.start(busybox(context), { command: SLEEP, namespaces: { time } });
      expect(linkOf(second.pid as number, 'time')).toBe(linkOf('self', 'time'));
    }
  });

  const uptime = sh('cut -d" " -f1 /proc/uptime');
  const hostUptime = () => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);

  test('the clocks of a container are moved, for every process in it', async (context) => {
    for (const init of [false, true]) {
      const timeOffsets = { boottime: 86_400.5, monotonic: 1e6 };
      await using container = await Container.start(busybox(context), { command: SLEEP, timeOffsets, init });
      const offsets = readFileSync(`/proc/${container.pid}/timens_offsets`, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/));
      expect(offsets.slice(0, 2)).toEqual([
        ['monotonic', '1000000', '0'],
        ['boottime', '86400', '500000000'],
      ]);
      const before = hostUptime();
      const inside = Number((await container.exec(uptime)).stdout);
      expect(inside).toBeGreaterThan(before + 86_400);
      expect(inside).toBeLessThan(hostUptime() + 86_401);
    }
  });

  test('who joins it has its clocks; and a clock cannot go below zero', async (context) => {
    await using first = await Container.start(busybox(context), { command: SLEEP, timeOffsets: { boottime: 1e7 } });
    const { stdout } = await Container.run(busybox(context), uptime, { namespaces: { time: { container: first } } });
    expect(Number(stdout)).toBeGreaterThan(1e7);
    const below = Container.run(busybox(context), ['true'], { timeOffsets: { boottime: -1e9 } });
    await expect(below).rejects.toMatchObject({
      code: 'TIME_OFFSET_OUT_OF_RANGE',
      message: expect.stringContaining('-1000000000'),
    });
  });
});

test('mounts of the root travel to namespaces made in it when it is shared, and else not', async (context) => {
  const rootOf = async (propagation?: 'private' | 'slave' | 'shared' | 'unchanged') => {
    const { stdout } = await Container.run(busybox(context), ['cat', '/proc/self/mountinfo'], { propagation });
    // man 5 proc_pid_mountinfo: the optional fields stand before the dash.
    return stdout
      .split('\n')
      .map((line) => line.split(' '))
      .find((fields) => fields[4] === '/')
      ?.slice(6)
      .join(' ');
  };
  expect(await rootOf('shared')).toMatch(/^shared:\d+ - overlay/);
  for (const propagation of [undefined, 'private', 'slave', 'unchanged'] as const)
    expect(await rootOf(propagation)).toMatch(/^- overlay/);
});

test.runIf(isRoot)('a user namespace is joined by its path, with what belongs to it', async (context) => {
  await using first = await Container.start(busybox(context), { command: SLEEP });
  const path = (name: string) => ({ path: `/proc/${first.pid}/ns/${name}` });
  const options = { userns: path('user'), network: path('net'), namespaces: { ipc: path('ipc') } };
  await using second = await Container.start(busybox(context), { command: SLEEP, ...options });
  for (const type of ['user', 'net', 'ipc']) {
    expect(readlinkSync(`/proc/${second.pid}/ns/${type}`)).toBe(readlinkSync(path(type).path));
  }
  expect(second.inspect().userns).toEqual({ ...first.inspect().userns, mode: 'path' });
  const script = 'touch /file; chown 5:6 /file; stat -c %u:%g /file /; ls /sys/class/net';
  expect((await second.exec(sh(script))).stdout).toBe('5:6\n0:0\nlo\n');
});

test.for([
  ['/proc/self/ns/net', 'NAMESPACE_CONFLICT'],
  ['/etc/passwd', 'NAMESPACE_GONE'],
  ['/nowhere', 'NAMESPACE_GONE'],
] as const)('%s is no user namespace to join', async ([path, code], context) => {
  await expect(Container.run(busybox(context), ['true'], { userns: { path } })).rejects.toMatchObject({ code });
});

/** As nsenter -U -n -t PID does. */
const OWN_PROCESS = `
  import { spawn } from 'node:child_process';
  import { readlinkSync } from 'node:fs';
  import { Container, Image } from 'caisson';
  const holder = spawn('unshare', ['--user', '--map-root-user', '--net', 'sleep', '600'], { stdio: 'ignore' });
  const link = (pid, type) => readlinkSync('/proc/' + pid + '/ns/' + type);
  while (link(holder.pid, 'user') === link('self', 'user') || link(holder.pid, 'net') === link('self', 'net')) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  const path = (type) => ({ path: '/proc/' + holder.pid + '/ns/' + type });
  const options = { userns: path('user'), network: path('net'), command: ['sleep', '600'] };
  await using container = await Container.start(Image.directory(process.argv[2]), options);
  const same = ['user', 'net'].map((type) => link(container.pid, type) === link(holder.pid, type));
  const { stdout } = await container.exec(['sh', '-c', 'id -u; touch /file; stat -c %u /file; cat /proc/self/setgroups']);
  console.log(same.join(), container.inspect().userns.mode, stdout.trim().split('\\n').join());
  holder.kill('SIGKILL');`;

test('a user joins the user namespace of his own process, by its path', async (context) => {
  const result = await runUnprivileged(context, OWN_PROCESS, { args: [busyboxTree(context)] });
  expect(result).toMatchObject({ stdout: 'true,true path 0,0,deny\n', stderr: '', exitCode: 0 });
});

test.runIf(isRoot)('a user with subordinate ids does so, too', async (context) => {
  const result = await runSubordinate(context, OWN_PROCESS, { args: [busyboxTree(context)] });
  expect(result).toMatchObject({ stdout: 'true,true path 0,0,deny\n', stderr: '', exitCode: 0 });
});

/** A script that joins every namespace of a container, as a user; what it prints are its failures. */
const EVERY = `
  import { readlinkSync } from 'node:fs';
  import { Container, Image } from 'caisson';
  const image = Image.directory(process.argv[2]);
  const command = ['sleep', '600'];
  const files = { mount: 'mnt', pid: 'pid', ipc: 'ipc', uts: 'uts', cgroup: 'cgroup', time: 'time', network: 'net' };
  const link = (pid, type) => readlinkSync('/proc/' + pid + '/ns/' + files[type]);
  const inNamespace = (type, option) => (type === 'network' ? { network: option } : { namespaces: { [type]: option } });
  let done = 0;
  for (const type of Object.keys(files)) {
    await using first = await Container.start(image, { command, ...(type === 'time' ? { timeOffsets: { boottime: 1 } } : {}) });
    for (const [option, pid] of [['host', 'self'], [{ container: first }, first.pid]]) {
      await using second = await Container.start(image, { command, ...inNamespace(type, option) });
      const executed = await second.spawn(command);
      // Of a shared PID namespace, what is executed is kept by a process that cannot be looked into.
      for (const each of [second.pid, ...(type === 'pid' ? [] : [executed.pid])]) if (link(each, type) !== link(pid, type)) console.log(type, option, each);
      if ((await second.exec(['true'])).exitCode !== 0) console.log(type, 'exec');
      await executed[Symbol.asyncDispose]();
      done++;
    }
  }
  const own = await Container.run(image, ['true'], { network: { path: '/proc/self/ns/net' } }).catch((error) => error.code);
  const closed = await Container.run(image, ['true'], { network: { path: '/proc/1/ns/net' } }).catch((error) => error.code);
  console.log(done, own, closed);`;

test('a user with one id can do all that', async (context) => {
  const result = await runUnprivileged(context, EVERY, { args: [busyboxTree(context)] });
  expect(result).toMatchObject({
    stdout: '14 NAMESPACE_NOT_PERMITTED NAMESPACE_NOT_PERMITTED\n',
    stderr: '',
    exitCode: 0,
  });
});

test.runIf(isRoot)('a user with subordinate ids can do all that', async (context) => {
  const result = await runSubordinate(context, EVERY, { args: [busyboxTree(context)] });
  expect(result).toMatchObject({
    stdout: '14 NAMESPACE_NOT_PERMITTED NAMESPACE_NOT_PERMITTED\n',
    stderr: '',
    exitCode: 0,
  });
});

test.runIf(isRoot)(
  "a network that ip-netns(8) or unshare(1) has made is joined by its process's file",
  async (context: TestContext) => {
    const holder = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' });
    context.onTestFinished(() => void holder.kill('SIGKILL'));
    await expect.poll(() => readlinkSync(`/proc/${holder.pid}/ns/net`)).not.toBe(linkOf('self', 'network'));
    const { stdout } = await Container.run(busybox(context), ['readlink', '/proc/self/ns/net'], {
      network: { path: `/proc/${holder.pid}/ns/net` },
    });
    expect(stdout.trim()).toBe(readlinkSync(`/proc/${holder.pid}/ns/net`));
    holder.kill('SIGKILL');
    await new Promise((resolve) => holder.once('exit', resolve));
  },
);
