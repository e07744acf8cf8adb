/** What cannot be meant is refused before anything happens, by name and value. */
import { chmodSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary.ts';
import { busybox, isRoot, privateStore } from './fixture.ts';

privateStore();

type Options = Parameters<typeof Container.start>[1];

/** What a caller without types may pass. */
const untyped = (options: unknown) => options as Options;

test.for([
  [
    'an unknown option',
    { comand: ['sh'] },
    /unknown option 'comand'; there are .*command.* \(did you mean 'command'\?\)/,
  ],
  ['the name of a method of objects', { toString: true }, /unknown option 'toString'/],
  ['no object', 'sh', /options must be an object, got "sh"/],
  ['an array', [], /options must be an object/],
  ['null', null, /options must be an object, got null/],
  ['a Map', new Map(), /options must be an object, got a Map/],
  ['a command that is a string', { command: 'sh' }, /option 'command' must be an array of strings.*, got "sh"/],
  ['a command with a number in it', { command: ['sleep', 1] }, /option 'command' must be an array of strings/],
  ['NUL in an argument', { command: ['echo', 'a\0b'] }, /option 'command' .*NUL.*\\u0000/],
  ['NUL in a variable', { env: { NAME: 'a\0b' } }, /option 'env' .*NUL/],
  ['= in the name of a variable', { env: { 'A=B': 'c' } }, /option 'env' .*=/],
  ['a variable that is a number', { env: { A: 1 } }, /option 'env'/],
  ['a secret beside it', { env: { SECRET: 'x', A: 1 } }, /option 'env' must be .*, got a number for 'A'$/],
  ['a Map of variables', { env: new Map() }, /option 'env' .*, got a Map/],
  ['a variable without a name', { env: { '': 'x' } }, /option 'env'/],
  ['a relative working directory', { workdir: 'tmp' }, /option 'workdir' must be an absolute path.*"tmp"/],
  ['NUL in the working directory', { workdir: '/a\0b' }, /option 'workdir'.*NUL/],
  ['a negative user', { user: -1 }, /option 'user'.*-1/],
  ['a user that is a fraction', { user: 1.5 }, /option 'user'/],
  ['a user of more than 32 bits', { user: 4_294_967_296 }, /option 'user'.*4294967296/],
  ['the user that means "unchanged"', { user: 4_294_967_295 }, /option 'user'/],
  ['an empty user', { user: '' }, /option 'user'/],
  ['NUL in a user', { user: 'a\0b' }, /option 'user'/],
  ['a hostname that is too long', { hostname: 'x'.repeat(65) }, /option 'hostname' must be at most 64 bytes/],
  ['NUL in the hostname', { hostname: 'a\0b' }, /option 'hostname'.*NUL/],
  ['a name with a slash', { name: '../../etc' }, /option 'name'/],
  ['tty that is a number', { tty: 1 }, /option 'tty'/],
  ['a terminal of more than 16 bits', { tty: { columns: 65_536, rows: 1 } }, /option 'tty'.*65535/],
  ['a terminal of a fraction of a column', { tty: { columns: 1.5, rows: 1 } }, /option 'tty'/],
  ['a terminal without rows', { tty: { columns: 80 } }, /option 'tty'/],
  ['a terminal and another stdin', { tty: true, stdin: 'ignore' }, /option 'stdin' must be 'pipe' with a tty/],
  ['stdin that is a number', { stdin: 0 }, /option 'stdin'.*got 0/],
  ['stdin that cannot be read', { stdin: {} }, /option 'stdin'/],
  ['an unknown stdout', { stdout: 'file' }, /option 'stdout' must be 'pipe' or 'ignore' or 'inherit', got "file"/],
  ['an unknown network', { network: 'bridge' }, /option 'network' must be 'none' or 'host'/],
  ['an unknown upper', { upper: 'memory' }, /option 'upper'/],
  ['init that is no boolean', { init: 'yes' }, /option 'init' must be a boolean, got "yes"/],
  ['readOnly that is no boolean', { readOnly: 1 }, /option 'readOnly'/],
  ['an unknown signal to stop', { stopSignal: 'SIGFOO' }, /option 'stopSignal'.*"SIGFOO"/],
  ['a signal to stop that no signal has as its number', { stopSignal: 65 }, /option 'stopSignal'.*got 65/],
  ['a controller for a signal', { signal: new AbortController() }, /option 'signal' must be an AbortSignal/],
  ['mounts that are an object', { mounts: { '/a': '/b' } }, /option 'mounts' must be an array/],
  [
    'a mount of no type',
    { mounts: [{ source: '/a', target: '/b' }] },
    /mounts\[0\] must have a type of 'bind' or 'tmpfs'/,
  ],
  ['a mount of an unknown type', { mounts: [{ type: 'nfs', target: '/b' }] }, /mounts\[0\] must have a type/],
  [
    'a mount of a type objects have',
    { mounts: [{ type: 'constructor', target: '/b' }] },
    /mounts\[0\] must have a type/,
  ],
  ['a bind without a source', { mounts: [{ type: 'bind', target: '/b' }] }, /mounts\[0\].* must have a source/],
  ['a bind of nothing', { mounts: [{ type: 'bind', source: '', target: '/b' }] }, /mounts\[0\]\.source/],
  ['a tmpfs without a target', { mounts: [{ type: 'tmpfs' }] }, /mounts\[0\].* must have a target/],
  ['a relative target', { mounts: [{ type: 'tmpfs', target: 'b' }] }, /mounts\[0\]\.target must be an absolute path/],
  [
    'the root as a target',
    { mounts: [{ type: 'tmpfs', target: '/a/..' }] },
    /mounts\[0\]\.target must be an absolute path below/,
  ],
  ['NUL in a source', { mounts: [{ type: 'bind', source: '/a\0', target: '/b' }] }, /mounts\[0\]\.source.*NUL/],
  [
    'a size that is negative',
    { mounts: [{ type: 'tmpfs', target: '/b', sizeBytes: -1 }] },
    /mounts\[0\]\.sizeBytes.*-1/,
  ],
  [
    'a size that a number cannot hold',
    { mounts: [{ type: 'tmpfs', target: '/b', sizeBytes: 2 ** 53 }] },
    /mounts\[0\]\.sizeBytes/,
  ],
  ['a size that is a bigint', { mounts: [{ type: 'tmpfs', target: '/b', sizeBytes: 1n }] }, /mounts\[0\]\.sizeBytes/],
  [
    'permissions of more than 12 bits',
    { mounts: [{ type: 'tmpfs', target: '/b', mode: 0o10000 }] },
    /mounts\[0\]\.mode/,
  ],
  [
    'an option of another kind of mount',
    { mounts: [{ type: 'tmpfs', target: '/b', source: '/a' }] },
    /unknown mounts\[0\]\.source/,
  ],
] as const)('%s is a TypeError', async ([, options, message], context) => {
  const image = busybox(context);
  const error = expect.objectContaining({ name: 'TypeError', message: expect.stringMatching(message) });
  await expect(Container.create(image, untyped(options))).rejects.toEqual(error);
  await expect(Container.start(image, untyped(options))).rejects.toEqual(error);
  expect(() => Container.plan(image, untyped(options))).toThrow(message);
});

test.for([
  ['no command', [], /command must be at least one string/],
  ['a string', 'ls -l', /command must be an array of strings.*"ls -l"/],
  ['null', null, /command must be an array/],
  ['NUL in it', ['a\0b'], /command must be .*NUL/],
] as const)('run and exec refuse %s as their command', async ([, command, message], context) => {
  const argument = command as unknown as string[];
  const error = expect.objectContaining({ name: 'TypeError', message: expect.stringMatching(message) });
  await expect(Container.run(busybox(context), argument)).rejects.toEqual(error);
  await using container = await Container.start(busybox(context), { command: ['sleep', '600'] });
  await expect(container.exec(argument)).rejects.toEqual(error);
  await expect(container.spawn(argument)).rejects.toEqual(error);
});

test.for([
  ['an unknown encoding', { encoding: 'latin1' }, /option 'encoding'/],
  ['a limit of nothing', { maxOutputBytes: 0 }, /option 'maxOutputBytes'/],
  ['a limit that is no number', { maxOutputBytes: Number.NaN }, /option 'maxOutputBytes'/],
  ['a time of nothing', { timeoutMs: 0 }, /option 'timeoutMs'/],
  ['a time of more than 31 bits', { timeoutMs: 2 ** 31 }, /option 'timeoutMs'.*2147483647/],
  ['an endless time', { timeoutMs: Number.POSITIVE_INFINITY }, /option 'timeoutMs'/],
  ['an option of containers, or none', { hostnam: 'box' }, /unknown option 'hostnam'/],
  ['docker’s timeout', { timeout: 5 }, /unknown option 'timeout'; .* \(did you mean 'timeoutMs'\?\)/],
  ['null', null, /options must be an object, got null/],
  ['an array', [], /options must be an object, got \[\]/],
] as const)('run and exec refuse %s', async ([, options, message], context) => {
  const error = expect.objectContaining({ name: 'TypeError', message: expect.stringMatching(message) });
  const argument = options as unknown as { timeoutMs: number };
  await expect(Container.run(busybox(context), ['true'], argument)).rejects.toEqual(error);
  await using container = await Container.start(busybox(context), { command: ['sleep', '600'] });
  await expect(container.exec(['true'], argument)).rejects.toEqual(error);
});

test('a command among the options of a run is refused', async (context) => {
  const options = { command: ['x'] } as object;
  const message = "option 'command' is for Container.start(): the command of a run is given before its options";
  await expect(Container.run(busybox(context), ['true'], options)).rejects.toThrow(message);
  await expect(Container.run(busybox(context), options)).rejects.toThrow(message);
});

test('two mounts at one target are refused', async (context) => {
  const tmpfs = { type: 'tmpfs', target: '/data' } as const;
  const mounts = [tmpfs, { ...tmpfs, target: '/data/' }];
  await expect(Container.create(busybox(context), { mounts })).rejects.toThrow(
    "mounts[1].target '/data/' is that of mounts[0], too",
  );
});

test('what is no image is refused', async () => {
  for (const image of ['alpine', undefined, null, {}, 1]) {
    const attempt = Container.run(image as unknown as Image, ['true']);
    await expect(attempt).rejects.toThrow(/^image must be an Image, as Image.host\(\) gives, got /);
  }
});

test('an image without a command needs one', async (context) => {
  await expect(Container.start(busybox(context))).rejects.toMatchObject({ code: 'NO_COMMAND' });
});

test('a root file system that is missing, or a file, is refused', async (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, 'file'), '');
  const named = (code: string, path: string) =>
    expect.objectContaining({ code, message: expect.stringContaining(`'${path}'`) });
  const attempt = (path: string) => () => Image.directory(path);
  const [missing, file] = [join(directory, 'missing'), join(directory, 'file')];
  expect(attempt(missing)).toThrowError(named('IMAGE_NOT_FOUND', missing));
  expect(attempt(join(file, 'x'))).toThrowError(named('IMAGE_NOT_FOUND', join(file, 'x')));
  expect(attempt(file)).toThrowError(named('NOT_A_DIRECTORY', file));
  expect(attempt(1 as unknown as string)).toThrow(TypeError);
});

test('a root file system that has gone since is refused when it is used', async (context) => {
  const directory = join(temporaryDirectory(context, 0o755), 'image');
  mkdirSync(directory);
  const image = Image.directory(directory);
  rmdirSync(directory);
  await expect(Container.run(image, ['true'])).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
});

test('an image that the store does not have is refused, with the names there are', async () => {
  await expect(Image.get('no/such:image')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  await expect(Image.get('Not A Name')).rejects.toMatchObject({ code: 'REFERENCE_INVALID' });
  await expect(Image.load('/missing.tar')).rejects.toMatchObject({ code: expect.any(String) });
});

/** Starts a container with another store. */
async function runIn(context: TestContext, root: string): Promise<unknown> {
  const before = process.env.CAISSON_ROOT;
  process.env.CAISSON_ROOT = root;
  try {
    return await Container.run(busybox(context), ['true']);
  } finally {
    process.env.CAISSON_ROOT = before;
  }
}

test('a store that is a file, or somebody’s directory, is refused and left as it is', async (context) => {
  const directory = temporaryDirectory(context);
  writeFileSync(join(directory, 'letter.txt'), 'dear');
  const error = { code: 'STORE_INVALID', message: expect.stringContaining('CAISSON_ROOT') };
  await expect(runIn(context, join(directory, 'letter.txt'))).rejects.toMatchObject(error);
  await expect(runIn(context, directory)).rejects.toMatchObject(error);
  expect(readdirSync(directory)).toEqual(['letter.txt']);
});

test.runIf(!isRoot)('a store that may not be written is refused', async (context) => {
  const directory = temporaryDirectory(context);
  chmodSync(directory, 0o500);
  await expect(runIn(context, directory)).rejects.toMatchObject({ code: 'STORE_NOT_WRITABLE' });
  await expect(runIn(context, join(directory, 'new'))).rejects.toMatchObject({ code: 'STORE_NOT_WRITABLE' });
  await expect(runIn(context, '/proc/store')).rejects.toMatchObject({
    code: expect.stringMatching(/^(STORE_NOT_WRITABLE|ENOENT)$/),
  });
});
