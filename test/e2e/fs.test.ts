/** `container.fs` does what node:fs/promises does, to the files of a container, wherever in its life that is. */
import fsp from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Container, type ContainerFiles, type ContainerOptions, Image } from 'caisson';
import { beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { runScript } from '../support/script.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runUnprivileged } from '../support/unprivileged.ts';
import { isRoot, privateStore, sh, slowness } from './fixture.ts';

privateStore();

beforeAll(() => {
  const before = process.umask(0o022);
  return () => void process.umask(before);
});

/** What both have: by type, `container.fs` can be given where these functions of node:fs/promises are asked for. */
type Both = Pick<typeof fsp, Exclude<keyof typeof fsp & keyof ContainerFiles, 'open'>>;

type Operation = (fs: Both, at: string) => Promise<unknown>;

/** Everything that is compared. Each begins in an empty directory. */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  'writes and reads text': async (fs, at) => {
    await fs.writeFile(`${at}/file`, 'grüße');
    return [await fs.readFile(`${at}/file`, 'utf8'), await fs.readFile(`${at}/file`, { encoding: 'latin1' })];
  },
  'writes and reads bytes': async (fs, at) => {
    await fs.writeFile(`${at}/file`, Uint8Array.of(0, 255, 128));
    return fs.readFile(`${at}/file`);
  },
  'writes what is iterated': async (fs, at) => {
    await fs.writeFile(`${at}/file`, ['one ', 'two '], { flush: true });
    await fs.appendFile(`${at}/file`, 'three');
    return fs.readFile(Buffer.from(`${at}/file`), 'utf8');
  },
  'makes a file with a mode, less the umask': async (fs, at) => {
    await fs.writeFile(`${at}/file`, '', { mode: 0o776 });
    return (await fs.stat(`${at}/file`)).mode;
  },
  'cuts a file that is written anew, and keeps its mode': async (fs, at) => {
    await fs.writeFile(`${at}/file`, 'longer', { mode: 0o600 });
    await fs.writeFile(`${at}/file`, 'short');
    return [await fs.readFile(`${at}/file`, 'utf8'), (await fs.stat(`${at}/file`)).mode];
  },
  'refuses to make what is there': async (fs, at) => {
    await fs.writeFile(`${at}/file`, '');
    return fs.writeFile(`${at}/file`, '', { flag: 'wx' });
  },
  'reads what is not there': (fs, at) => fs.readFile(`${at}/nothing`),
  'reads a directory as a file': (fs, at) => fs.readFile(at),
  'writes a directory': (fs, at) => fs.writeFile(at, ''),
  'reads with a signal that is aborted': (fs, at) =>
    fs.readFile(at, { signal: AbortSignal.abort() }).catch((e) => e.name),
  'lists names, and kinds': async (fs, at) => {
    await fillDirectory(fs, at);
    const entries = await fs.readdir(at, { withFileTypes: true });
    return [
      await fs.readdir(at),
      await fs.readdir(at, 'buffer'),
      entries.map((entry) => [
        entry.name,
        entry.parentPath,
        entry.isFile(),
        entry.isDirectory(),
        entry.isSymbolicLink(),
      ]),
    ];
  },
  'lists what is below': async (fs, at) => {
    await fillDirectory(fs, at);
    const entries = await fs.readdir(at, { recursive: true, withFileTypes: true });
    return [
      (await fs.readdir(at, { recursive: true })).toSorted(),
      entries.map(({ name, parentPath }) => `${parentPath}/${name}`).toSorted(),
    ];
  },
  'lists a hundred names of the greatest length': async (fs, at) => {
    const names = Array.from({ length: 100 }, (_, index) => String(index).padStart(255, 'x'));
    await Promise.all(names.map((name) => fs.writeFile(`${at}/${name}`, '')));
    return fs.readdir(at);
  },
  'lists what is no directory': async (fs, at) => {
    await fs.writeFile(`${at}/file`, '');
    return fs.readdir(`${at}/file`);
  },
  'tells of files': async (fs, at) => {
    await fillDirectory(fs, at);
    const paths = ['file', 'directory', 'link'].map((name) => `${at}/${name}`);
    const all = [...(await Promise.all(paths.map((path) => fs.stat(path)))), await fs.lstat(`${at}/link`)];
    return all.map((stats) => [
      stats.isFile(),
      stats.isDirectory(),
      stats.isSymbolicLink(),
      stats.isFile() && stats.size,
    ]);
  },
  'tells of files in bigints': async (fs, at) => {
    await fs.writeFile(`${at}/file`, 'four');
    await fs.utimes(`${at}/file`, 1, 2.5);
    const stats = await fs.stat(`${at}/file`, { bigint: true });
    return [String(stats.size), String(stats.mtimeNs), String(stats.mode), stats.isFile()];
  },
  'tells of what is not there': (fs, at) => fs.stat(`${at}/nothing`),
  'tells of a link to nothing': async (fs, at) => {
    await fs.symlink('nowhere', `${at}/link`);
    return [(await fs.lstat(`${at}/link`)).size, await outcome(() => fs.stat(`${at}/link`), at)];
  },
  'makes a directory, and one that is there': async (fs, at) => {
    const made = await fs.mkdir(`${at}/directory`, 0o700);
    return [made, (await fs.stat(`${at}/directory`)).mode, await outcome(() => fs.mkdir(`${at}/directory`), at)];
  },
  'makes directories down to one': async (fs, at) => [
    await fs.mkdir(`${at}/a/b/c`, { recursive: true }),
    await fs.mkdir(`${at}/a/b/c`, { recursive: true }),
    await fs.mkdir(`${at}/a/b/d/e`, { recursive: true, mode: '750' }),
    (await fs.stat(`${at}/a/b/d`)).mode,
  ],
  'makes a directory below a file': async (fs, at) => {
    await fs.writeFile(`${at}/file`, '');
    return [
      await outcome(() => fs.mkdir(`${at}/file/x`), at),
      (await outcome(() => fs.mkdir(`${at}/file`, { recursive: true }), at)).code,
    ];
  },
  'removes names': async (fs, at) => {
    await fillDirectory(fs, at);
    await fs.unlink(`${at}/link`);
    await fs.rm(`${at}/file`);
    await fs.rmdir(`${at}/directory/empty`);
    return [await fs.readdir(at, { recursive: true }), await outcome(() => fs.rmdir(`${at}/directory`), at)];
  },
  'removes trees': async (fs, at) => {
    await fillDirectory(fs, at);
    await fs.rm(`${at}/directory`, { recursive: true });
    await fs.rm(`${at}/nothing`, { force: true });
    return [await fs.readdir(at), await fs.readFile(`${at}/file`, 'utf8')];
  },
  'removes what is not there': (fs, at) => fs.rm(`${at}/nothing`).catch(({ code, path }) => [code, path]),
  'removes a directory as a file': (fs, at) => fs.rm(at).catch(({ code, message }) => [code, message]),
  'removes a tree that is not there': (fs, at) => fs.unlink(`${at}/nothing`),
  renames: async (fs, at) => {
    await fillDirectory(fs, at);
    await fs.rename(`${at}/file`, `${at}/directory/moved`);
    return [await fs.readdir(at), await fs.readFile(`${at}/directory/moved`, 'utf8')];
  },
  'renames what is not there': (fs, at) => fs.rename(`${at}/nothing`, `${at}/something`),
  'copies a file': async (fs, at) => {
    await fs.writeFile(`${at}/file`, 'content', { mode: 0o750 });
    await fs.copyFile(`${at}/file`, `${at}/copy`);
    return [await fs.readFile(`${at}/copy`, 'utf8'), (await fs.stat(`${at}/copy`)).mode];
  },
  'copies over what is there only when it may': async (fs, at) => {
    await fs.writeFile(`${at}/file`, 'content');
    await fs.writeFile(`${at}/copy`, 'something longer');
    const refused = await outcome(() => fs.copyFile(`${at}/file`, `${at}/copy`, fsp.constants.COPYFILE_EXCL), at);
    await fs.copyFile(`${at}/file`, `${at}/copy`);
    return [refused, await fs.readFile(`${at}/copy`, 'utf8')];
  },
  'copies what is not there': (fs, at) => fs.copyFile(`${at}/nothing`, `${at}/copy`),
  links: async (fs, at) => {
    await fs.writeFile(`${at}/file`, 'content');
    await fs.link(`${at}/file`, `${at}/other`);
    return [(await fs.stat(`${at}/file`)).nlink, await outcome(() => fs.link(`${at}/nothing`, `${at}/more`), at)];
  },
  'reads links': async (fs, at) => {
    await fs.symlink('../anywhere/ü', `${at}/link`);
    const refused = await outcome(() => fs.readlink(at), at);
    return [await fs.readlink(`${at}/link`), await fs.readlink(`${at}/link`, 'buffer'), refused];
  },
  'finds the real path': async (fs, at) => {
    await fillDirectory(fs, at);
    await fs.symlink(at, `${at}/directory/up`);
    const refused = await outcome(() => fs.realpath(`${at}/nothing`), at);
    return [await fs.realpath(`${at}/directory/up/./directory/../link`), refused];
  },
  'refuses a link to a name that there is': async (fs, at) => {
    await fs.symlink('a', `${at}/link`);
    return fs.symlink('b', `${at}/link`);
  },
  'sets modes': async (fs, at) => {
    await fs.writeFile(`${at}/file`, '');
    await fs.chmod(`${at}/file`, 0o4711);
    const mode = (await fs.stat(`${at}/file`)).mode;
    await fs.chmod(`${at}/file`, '600');
    return [mode, (await fs.stat(`${at}/file`)).mode, await outcome(() => fs.chmod(`${at}/nothing`, 0), at)];
  },
  'sets times': async (fs, at) => {
    await fillDirectory(fs, at);
    await fs.utimes(`${at}/link`, new Date(1000), 2.5);
    await fs.lutimes(`${at}/link`, 3, '4');
    const [file, link] = [await fs.stat(`${at}/file`), await fs.lstat(`${at}/link`)];
    return [file.atimeMs, file.mtimeMs, link.atimeMs, link.mtimeMs, file.mtime];
  },
  'asks for access': async (fs, at) => {
    await fs.writeFile(`${at}/file`, '', { mode: 0o600 });
    const refused = await outcome(() => fs.access(`${at}/nothing`), at);
    return [await fs.access(`${at}/file`), await fs.access(`${at}/file`, fsp.constants.W_OK), refused];
  },
  truncates: async (fs, at) => {
    await fs.writeFile(`${at}/file`, 'content');
    await fs.truncate(`${at}/file`, 4);
    const cut = await fs.readFile(`${at}/file`, 'utf8');
    await fs.truncate(`${at}/file`);
    return [cut, await fs.readFile(`${at}/file`, 'utf8'), await outcome(() => fs.truncate(`${at}/nothing`), at)];
  },
  'makes directories of their own': async (fs, at) => {
    const made = await fs.mkdtemp(`${at}/x-`);
    const { mode } = await fs.stat(made);
    return [
      made.slice(0, -6),
      mode,
      await fs.mkdtemp(`${at}/nothing/x-`).catch(({ code, syscall }) => [code, syscall]),
    ];
  },
  'refuses paths that are none': async (fs) => [
    await fs.readFile('a\0b').catch(({ code, name }) => [code, name]),
    await fs.readFile(7.5 as never).catch(({ code, name }) => [code, name]),
  ],
  'refuses a path that is too long': (fs, at) => fs.stat(`${at}/${'x'.repeat(5000)}`).catch(({ code }) => code),
  'refuses a name that is too long': (fs, at) => fs.stat(`${at}/${'x'.repeat(256)}`).catch(({ code }) => code),
};

async function fillDirectory(fs: Both, at: string): Promise<void> {
  await fs.mkdir(`${at}/directory/empty`, { recursive: true });
  await Promise.all([
    fs.writeFile(`${at}/file`, 'content'),
    fs.writeFile(`${at}/directory/below`, 'content'),
    fs.symlink('file', `${at}/link`),
  ]);
}

/** What came of it, with the directory's name left out. */
async function outcome(act: () => Promise<unknown>, at: string): Promise<Record<string, unknown>> {
  const withoutPlace = (value: unknown) => JSON.parse((JSON.stringify(value) ?? 'null').replaceAll(at, '<at>'));
  try {
    return { result: withoutPlace(await act()) };
  } catch (error) {
    const { code, errno, syscall, message, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
    return withoutPlace({ code, errno, syscall, message, path, dest });
  }
}

describe.each(['created', 'running', 'exited'] as const)('in a container that is %s', (state) => {
  test('everything has the results and the errors of node:fs', async (context) => {
    await using container = await containerIn(state);
    const here = temporaryDirectory(context);
    const [expected, found]: Record<string, unknown>[] = [{}, {}] as const;
    for (const [index, [title, operation]] of Object.entries(OPERATIONS).entries()) {
      const [mine, its] = [`${here}/${index}`, `/at/${index}`];
      await fsp.mkdir(mine);
      await container.fs.mkdir(its, { recursive: true });
      Object.assign(expected as object, { [title]: await outcome(() => operation(fsp, mine), mine) });
      Object.assign(found as object, { [title]: await outcome(() => operation(container.fs as Both, its), its) });
    }
    expect(found).toEqual(expected);
  });

  test('an open file is read and written where one wants', async () => {
    await using container = await containerIn(state);
    await using file = await container.fs.open('/file', 'w+', 0o640);
    expect(await file.write('content')).toMatchObject({ bytesWritten: 7 });
    expect(await file.write(Buffer.from('C'), 0, 1, 0)).toMatchObject({ bytesWritten: 1 });
    expect((await file.read(Buffer.alloc(4), 0, 4, 3)).buffer.toString()).toBe('tent');
    expect((await file.read({ buffer: Buffer.alloc(2), position: 0 })).buffer.toString()).toBe('Co');
    await file.truncate(3);
    await file.utimes(1, 2);
    await file.sync();
    const { size, mode, mtimeMs, uid, gid } = await file.stat();
    expect([size, mode & 0o777, mtimeMs, uid, gid]).toEqual([3, 0o640, 2000, 0, 0]);
    await file.close();
    await file.close();
    expect(await container.fs.readFile('/file', 'utf8')).toBe('Con');
    await expect(file.read(Buffer.alloc(1))).rejects.toThrow();
  });

  test('streams read and write files, and close them', async () => {
    await using container = await containerIn(state);
    const content = Buffer.alloc(300_000, 'stream ');
    await pipeline(Readable.from([content]), container.fs.createWriteStream('/file'));
    const part = await container.fs.createReadStream('/file', { start: 7, end: 12, encoding: 'utf8' }).toArray();
    expect(part.join('')).toBe('stream');
    const read = Buffer.concat(await container.fs.createReadStream('/file').toArray());
    expect(read.equals(content)).toBe(true);
    await expect(container.fs.createReadStream('/nothing').toArray()).rejects.toMatchObject({
      code: 'ENOENT',
      syscall: 'open',
      path: '/nothing',
    });
    await using file = await container.fs.open('/file');
    expect((await file.createReadStream({ start: 299_990 }).toArray()).join('')).toHaveLength(10);
    expect(file.fd).toBe(-1);
  });
});

test('what is written before a start is there for the command, and what the command wrote is read after its end', async () => {
  await using container = await Container.create(Image.host(), { command: sh('tr a-z A-Z < /in > /out') });
  await container.fs.writeFile('/in', 'words');
  await container.start();
  await container.wait();
  expect(await container.fs.readFile('/out', 'utf8')).toBe('WORDS');
  await container.fs.writeFile('/in', 'other');
  await container.start();
  await container.wait();
  expect(await container.fs.readFile('/out', 'utf8')).toBe('OTHER');
});

test('a running container sees what is written, as root’s, and is seen', async () => {
  await using container = await containerIn('running');
  await container.fs.writeFile('/file', 'from outside');
  expect((await container.exec(sh('cat /file; stat -c " %u:%g %a" /file; echo inside > /file'))).stdout).toBe(
    'from outside 0:0 644\n',
  );
  expect(await container.fs.readFile('/file', 'utf8')).toBe('inside\n');
  expect(await container.fs.readFile('/proc/1/comm', 'utf8')).toBe('sleep\n');
});

test.runIf(isRoot)('owners are the container’s', async () => {
  await using container = await containerIn('running');
  await container.fs.writeFile('/file', '');
  await container.fs.symlink('file', '/link');
  await container.fs.chown('/link', 7, 8);
  await container.fs.lchown('/link', 9, -1);
  const [file, link] = [await container.fs.stat('/file'), await container.fs.lstat('/link', { bigint: true })];
  expect([file.uid, file.gid, link.uid, link.gid]).toEqual([7, 8, 9n, 0n]);
});

test('without root, files are root’s in the container and can be given to no user that is not there', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    await using container = await Container.start(Image.host(), { command: ['sleep', '60'] });
    await container.fs.writeFile('/file', 'x');
    const { uid, gid } = await container.fs.stat('/file');
    const refused = await container.fs.chown('/file', 100_000, 1).catch(({ code }) => code);
    console.log(JSON.stringify([uid, gid, refused, (await container.exec(['cat', '/file'])).stdout]));
  `;
  const { stdout, stderr } = await runUnprivileged(context, script);
  expect({ stdout, stderr }).toEqual({ stdout: '[0,0,"EINVAL","x"]\n', stderr: '' });
});

test('mounts are there: what is bound is written to, and memory that would be gone is not', async (context) => {
  const shared = temporaryDirectory(context);
  const mounts = [
    { type: 'bind', source: shared, target: '/shared' },
    { type: 'tmpfs', target: '/memory' },
  ] as const;
  await using container = await Container.create(Image.host(), { command: ['sleep', '60'], mounts });
  await container.fs.writeFile('/shared/file', 'shared');
  expect(await fsp.readFile(join(shared, 'file'), 'utf8')).toBe('shared');
  await expect(container.fs.writeFile('/memory/file', '')).rejects.toMatchObject({ code: 'EROFS' });
  await container.start();
  await container.fs.writeFile('/memory/file', 'kept');
  expect((await container.exec(['cat', '/memory/file', '/shared/file'])).stdout).toBe('keptshared');
});

test('changes in memory can be reached only while the container runs, and the error says so', async () => {
  await using container = await containerIn('running', { upper: 'tmpfs' });
  await container.fs.writeFile('/file', 'x');
  await container.kill();
  await expect(container.fs.readFile('/file')).rejects.toMatchObject({
    code: 'CHANGES_IN_MEMORY',
    message: expect.stringContaining("upper: 'disk'"),
  });
});

test('a read-only root is not written to', async () => {
  await using container = await containerIn('created', { readOnly: true });
  await expect(container.fs.writeFile('/file', '')).rejects.toMatchObject({ code: 'EROFS' });
});

test('what is asked for during a start, an end and a removal is done before or after, or refused', async () => {
  await using container = await containerIn('created');
  const write = (index: number) => container.fs.writeFile(`/file${index}`, `${index}`);
  const early = [write(0), write(1)];
  const starting = container.start();
  await Promise.all([...early, starting, write(2), write(3)]);
  const ending = container.kill();
  await Promise.all([ending, write(4), write(5)]);
  const snapshot = container.snapshot();
  await Promise.all([write(6), snapshot, write(7)]);
  const again = container.start();
  expect((await container.fs.readdir('/')).filter((name) => name.startsWith('file'))).toHaveLength(8);
  await again;
  const late = [write(8), write(9)];
  const removing = container.remove();
  const results = await Promise.allSettled([...late, removing, write(10)]);
  const codes = results.map((result) => (result.status === 'fulfilled' ? 'done' : result.reason.code));
  expect(codes.slice(0, 2).filter((code) => !['done', 'AGENT_ENDED', 'NOT_RUNNING'].includes(code))).toEqual([]);
  expect(codes.slice(2)).toEqual(['done', 'NOT_RUNNING']);
  await (await snapshot).remove();
});

test('the agent leaves when nobody uses it any more, and comes again', async () => {
  await using container = await containerIn('running');
  await container.fs.writeFile('/file', 'x');
  expect(await agents()).toHaveLength(1);
  await expect.poll(agents, { timeout: 10_000 * slowness }).toEqual([]);
  expect(await container.fs.readFile('/file', 'utf8')).toBe('x');
});

test('an agent that was killed is an error once, and then another one comes', async () => {
  await using container = await containerIn('running');
  await container.fs.writeFile('/file', 'x');
  const [agent = 0] = await agents();
  process.kill(agent, 'SIGKILL');
  const first = await container.fs.readFile('/file', 'utf8').catch(({ code }) => code);
  expect(['AGENT_ENDED', 'x']).toContain(first);
  expect(await container.fs.readFile('/file', 'utf8')).toBe('x');
});

test('whoever uses files and then does nothing more ends, without waiting for anything', async (context) => {
  const script = `
    import { Container, Image } from 'caisson';
    const container = await Container.create(Image.host());
    await container.fs.writeFile('/file', 'x');
    process.on('exit', () => console.log(container.state));
  `;
  const begun = performance.now();
  const result = await runScript(context, script);
  expect(result).toMatchObject({ stdout: 'created\n', stderr: '', exitCode: 0 });
  expect(performance.now() - begun).toBeLessThan(5000 * slowness);
});

test('container.fs is what a function that asks for node:fs/promises takes', async () => {
  const count = async (fs: Pick<typeof fsp, 'readdir' | 'readFile' | 'stat' | 'writeFile'>) => {
    await fs.writeFile('/counted', 'x');
    return (await fs.readFile('/counted', 'utf8')).length + (await fs.stat('/counted')).size;
  };
  await using container = await containerIn('created');
  expect(await count(container.fs)).toBe(2);
  expectTypeOf<ContainerFiles>().toExtend<Pick<typeof fsp, Exclude<keyof ContainerFiles & keyof typeof fsp, 'open'>>>();
});

/** The processes that are agents of this one. */
async function agents(): Promise<number[]> {
  const children = (await fsp.readFile(`/proc/self/task/${process.pid}/children`, 'utf8')).trim().split(' ');
  const names = await Promise.all(children.map((pid) => fsp.readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')));
  return children.filter((_, index) => names[index] === 'caisson-agent\n').map(Number);
}

async function containerIn(state: Container['state'], options: ContainerOptions = {}): Promise<Container> {
  const container = await Container.create(Image.host(), { command: ['sleep', '60'], ...options });
  if (state !== 'created') await container.start();
  if (state === 'exited') await container.kill();
  return container;
}
