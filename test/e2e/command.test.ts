/** The command of a container: how it is found, what it is given, who it is. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { configuredImage } from './configured-image.ts';
import { busybox, busyboxCopy, hasUsers, privateStore, sh } from './fixture.ts';

privateStore();

/** Busybox and some files that cannot be run: '/first' and '/second' are meant for PATH. */
function imageOfTroubles(context: TestContext): Image {
  const root = busyboxCopy(context);
  const add = (path: string, content: string, mode: number) => {
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  };
  for (const name of ['first', 'second', 'second/folder']) mkdirSync(join(root, name));
  add('first/tool', '#!/bin/sh\necho first\n', 0o644);
  add('second/tool', '#!/bin/sh\necho second\n', 0o755);
  add('first/denied', '#!/bin/sh\n', 0o644);
  add('second/text', 'echo no interpreter line\n', 0o755);
  add('second/orphan', '#!/no/such/interpreter\n', 0o755);
  symlinkSync('loop', join(root, 'second/loop'));
  return Image.directory(root);
}

const refused = [
  ['a name that is in no directory of PATH', 'missing', 'COMMAND_NOT_FOUND', 127],
  ['a path that is not there', '/second/missing', 'COMMAND_NOT_FOUND', 127],
  ['a path below a file', '/second/tool/missing', 'COMMAND_NOT_FOUND', 127],
  ['a script whose interpreter is missing', '/second/orphan', 'COMMAND_NOT_FOUND', 127],
  ['a directory', '/second/folder', 'COMMAND_NOT_EXECUTABLE', 126],
  ['a file without permission to execute', '/first/tool', 'COMMAND_NOT_EXECUTABLE', 126],
  ['a name found only without permission to execute', 'denied', 'COMMAND_NOT_EXECUTABLE', 126],
  ['a file that is no program', '/second/text', 'COMMAND_NOT_EXECUTABLE', 126],
  ['a symbolic link to itself', '/second/loop', 'COMMAND_NOT_EXECUTABLE', 126],
] as const;

test.for(refused)('%s is refused, in run, start and exec', async ([, command, code, exitCode], context) => {
  const image = imageOfTroubles(context);
  const options = { env: { PATH: '/first:/second:/bin' } };
  const error = { name: 'CaissonError', code, exitCode, message: expect.stringContaining(`'${command}'`) };
  await expect(Container.run(image, [command], options)).rejects.toMatchObject(error);
  await expect(Container.run(image, [command], { ...options, init: true })).rejects.toMatchObject(error);
  await expect(Container.start(image, { ...options, command: [command], tty: true })).rejects.toMatchObject(error);

  await using container = await Container.start(image, { ...options, command: ['sleep', '60'] });
  await expect(container.exec([command])).rejects.toMatchObject(error);
  await expect(container.spawn([command], { tty: true })).rejects.toMatchObject(error);
  expect(container.state).toBe('running');
});

test('without a command, a run has the image’s own', async (context) => {
  const image = await configuredImage(context, { Entrypoint: ['echo', 'entry'], Cmd: ['own', 'command'] });
  expect((await Container.run(image)).stdout).toBe('entry own command\n');
  expect((await Container.run(image, undefined, { env: { A: '1' } })).stdout).toBe('entry own command\n');
  const { stdout } = await Container.run(image, { encoding: 'buffer', timeoutMs: 60_000 });
  expect(stdout).toEqual(Buffer.from('entry own command\n'));
  expect((await Container.run(image, ['mine'])).stdout).toBe('entry mine\n');
  expect((await Container.run(image, { entrypoint: ['echo', 'other'] })).stdout).toBe('other\n');
});

test('a run of an image without a command needs one', async (context) => {
  await expect(Container.run(busybox(context))).rejects.toMatchObject({ code: 'NO_COMMAND' });
  await expect(Container.run(busybox(context), { timeoutMs: 5 })).rejects.toMatchObject({ code: 'NO_COMMAND' });
});

test('a file that may not be executed does not end the search in PATH', async (context) => {
  const image = imageOfTroubles(context);
  const run = (PATH: string) => Container.run(image, ['tool'], { env: { PATH } });
  expect((await run('/first:/second')).stdout).toBe('second\n');
  expect((await run('/missing:/second/tool:/second:/first')).stdout).toBe('second\n');
});

test('a command with a slash is relative to the working directory', async (context) => {
  const image = imageOfTroubles(context);
  expect((await Container.run(image, ['./tool'], { workdir: '/second' })).stdout).toBe('second\n');
  expect((await Container.run(image, ['second/tool'])).stdout).toBe('second\n');
});

test('an empty directory in PATH is the working directory, as for execvp', async (context) => {
  const options = { workdir: '/second', env: { PATH: ':/bin' } };
  expect((await Container.run(imageOfTroubles(context), ['tool'], options)).stdout).toBe('second\n');
});

test('arguments arrive as they are', async (context) => {
  const args = ['', ' ', 'a b', '$HOME', '*', '\n', '\'"\\', '€', '--'];
  const { stdout } = await Container.run(busybox(context), ['printf', '[%s]', ...args]);
  expect(stdout).toBe(args.map((arg) => `[${arg}]`).join(''));
});

test('ten thousand arguments arrive', async (context) => {
  const args = Array.from({ length: 10_000 }, (_, index) => `argument ${index}`);
  expect((await Container.run(busybox(context), ['sh', '-c', 'echo $#', 'sh', ...args])).stdout).toBe('10000\n');
});

test('more arguments than the kernel takes are refused', async (context) => {
  const args = Array.from({ length: 50 }, () => 'x'.repeat(100_000));
  await expect(Container.run(busybox(context), ['true', ...args])).rejects.toMatchObject({
    code: 'COMMAND_NOT_EXECUTABLE',
    message: expect.stringContaining('E2BIG'),
  });
});

test('the environment is the image’s default, and nothing of this process', async (context) => {
  process.env.CAISSON_TEST_SECRET = 'secret';
  context.onTestFinished(() => void delete process.env.CAISSON_TEST_SECRET);
  const { stdout } = await Container.run(busybox(context), ['env'], { hostname: 'box' });
  expect(stdout.trim().split('\n').sort()).toEqual([
    'HOME=/root',
    'HOSTNAME=box',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  ]);
});

test('env adds, replaces and removes variables', async (context) => {
  const env = { HOME: '/elsewhere', HOSTNAME: undefined, NEW: 'a=b\nc', EMPTY: '' };
  const { stdout } = await Container.run(busybox(context), ['env', '-0'], { env });
  const variables = stdout.split('\0').filter((variable) => !variable.startsWith('PATH='));
  expect(variables.sort()).toEqual(['', 'EMPTY=', 'HOME=/elsewhere', 'NEW=a=b\nc']);
});

test('an executed process has the container’s environment, and its own on top', async (context) => {
  const env = { COMMON: 'container', OURS: 'container' };
  await using container = await Container.start(busybox(context), { command: ['sleep', '60'], env });
  const { stdout } = await container.exec(sh('echo $COMMON $OURS $THEIRS'), {
    env: { COMMON: undefined, OURS: 'exec', THEIRS: 'exec' },
  });
  expect(stdout).toBe('exec exec\n');
});

test('TERM is set where there is a terminal, unless it was given', async (context) => {
  const term = async (options: object) =>
    (await Container.run(busybox(context), sh('printf %s $TERM'), options)).stdout;
  expect(await term({})).toBe('');
  expect(await term({ tty: true })).toBe('xterm');
  expect(await term({ tty: true, env: { TERM: 'vt100' } })).toBe('vt100');
});

test('the working directory is made where it is missing', async (context) => {
  const { stdout } = await Container.run(busybox(context), sh('pwd; stat -c %a:%u:%g .'), { workdir: '/new/and/deep' });
  expect(stdout).toBe('/new/and/deep\n755:0:0\n');
});

test('a working directory that is a file, or missing for exec, is refused', async (context) => {
  const image = busybox(context);
  const error = { code: 'WORKDIR_NOT_FOUND', message: expect.stringContaining('/etc/passwd') };
  await expect(Container.run(image, ['pwd'], { workdir: '/etc/passwd' })).rejects.toMatchObject(error);

  await using container = await Container.start(image, { command: ['sleep', '60'], workdir: '/tmp' });
  expect((await container.exec(['pwd'])).stdout).toBe('/tmp\n');
  expect((await container.exec(['pwd'], { workdir: '/etc' })).stdout).toBe('/etc\n');
  await expect(container.exec(['pwd'], { workdir: '/missing' })).rejects.toMatchObject({ code: 'WORKDIR_NOT_FOUND' });
});

test('the hostname is the one given, else the beginning of the id', async (context) => {
  const image = busybox(context);
  expect((await Container.run(image, ['hostname'], { hostname: 'box.example' })).stdout).toBe('box.example\n');
  await using container = await Container.start(image, { command: ['sleep', '60'] });
  expect((await container.exec(['hostname'])).stdout).toBe(`${container.id.slice(0, 12)}\n`);
});

const ids = 'echo $(id -u):$(id -g):$(id -G) $HOME';

test.runIf(hasUsers).for([
  ['app', '1000:1000:1000 50 /home/app'],
  [1000, '1000:1000:1000 50 /home/app'],
  ['1000:50', '1000:50:50 /home/app'],
  ['app:staff', '1000:50:50 /home/app'],
  ['4242', '4242:0:0 /'],
  ['4242:4343', '4242:4343:4343 /'],
  [0, '0:0:0 /root'],
] as const)('user %s is %s, in run and exec', async ([user, expected], context) => {
  const image = busybox(context);
  expect((await Container.run(image, sh(ids), { user })).stdout).toBe(`${expected}\n`);
  expect((await Container.run(image, sh(ids), { user, init: true })).stdout).toBe(`${expected}\n`);
  await using container = await Container.start(image, { command: ['sleep', '60'] });
  expect((await container.exec(sh(ids), { user })).stdout).toBe(`${expected}\n`);
});

test.runIf(hasUsers)('an executed process is the container’s user, unless it asks for another', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '60'], user: 'app' });
  expect((await container.exec(sh(ids))).stdout).toBe('1000:1000:1000 50 /home/app\n');
  expect((await container.exec(sh(ids), { user: 'root' })).stdout).toBe('0:0:0 /root\n');
});

test.runIf(!hasUsers)('without root and subordinate ids, the one user of a container is root', async (context) => {
  const image = busybox(context);
  expect((await Container.run(image, sh('echo $(id -u):$(id -g) $HOME'))).stdout).toBe('0:0 /root\n');
  const error = { code: 'USER_NOT_MAPPED', message: expect.stringContaining('1000:1000') };
  await expect(Container.run(image, ['id'], { user: 'app' })).rejects.toMatchObject(error);
});

test.for([
  ['a name that the container does not have', 'stranger', 'USER_NOT_FOUND'],
  ['a group that the container does not have', 'root:strangers', 'GROUP_NOT_FOUND'],
  ['an id of more than 32 bits', '4294967296', 'INVALID_USER'],
  ['the id that means "unchanged"', '4294967295', 'INVALID_USER'],
  ['a negative id', '-1', 'INVALID_USER'],
  ['nothing after the colon', '0:', 'INVALID_USER'],
  ['three parts', '0:0:0', 'INVALID_USER'],
] as const)('a user that is %s is refused', async ([, user, code], context) => {
  const image = busybox(context);
  await expect(Container.run(image, ['true'], { user })).rejects.toMatchObject({ code });
  await using container = await Container.start(image, { command: ['sleep', '60'] });
  await expect(container.exec(['true'], { user })).rejects.toMatchObject({ code });
});
