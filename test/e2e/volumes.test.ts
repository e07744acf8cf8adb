/** Volumes: what is in them outlives containers, and what an image has at their places is in them at first. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Container, Image, type Mount, Volume } from 'caisson';
import { afterEach, expect, type TestContext, test } from 'vitest';
import { runScript } from '../support/script.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { busybox, busyboxCopy, isRoot, privateStore, sh } from './fixture.ts';
import { imageOfOwners, inScript, OWNED } from './owned-image.ts';

const store = privateStore();

afterEach(async () => {
  await Volume.prune();
  expect(readdirSync(join(store, 'volumes'))).toEqual([]);
});

const outputOf = async (image: Image, script: string, ...mounts: readonly Mount[]) => {
  return (await Container.run(image, sh(`(${script}) 2>&1`), { mounts })).stdout;
};

/** An image that has this at /data. */
function imageWithData(context: TestContext, make: (data: string) => void): Image {
  const root = busyboxCopy(context);
  mkdirSync(join(root, 'data'));
  make(join(root, 'data'));
  return Image.directory(root);
}

test('a call is about the store that the environment names when it is made', async (context) => {
  // In a process of its own: a store that was opened once stays open.
  const script = `
    import { readdirSync } from 'node:fs';
    import { Container, Image, Volume } from 'caisson';
    process.env.CAISSON_ROOT = 'first';
    const calls = [Volume.create('kept'), Container.create(Image.host(), { name: 'kept' })];
    process.env.CAISSON_ROOT = 'second';
    await Promise.all(calls);
    console.log([...readdirSync('first/volumes'), ...readdirSync('first/names')].join());`;
  expect((await runScript(context, script)).stdout).toBe('kept,kept\n');
});

test('what is in a volume outlives the container, and is there for the next', async (context) => {
  const mount: Mount = { type: 'volume', source: 'kept', target: '/kept' };
  await outputOf(busybox(context), 'echo first > /kept/file', mount);
  expect(await outputOf(busybox(context), 'cat /kept/file; echo second > /kept/file', mount)).toBe('first\n');
  const volume = await Volume.get('kept');
  const { path, sizeBytes, users } = await volume.inspect();
  expect(readFileSync(join(path, 'file'), 'utf8')).toBe('second\n');
  expect(sizeBytes).toBeGreaterThan(0);
  expect(users).toEqual([]);
});

test('a volume object may be given instead of its name', async (context) => {
  const source = await Volume.create('object', { labels: { of: 'test' } });
  const mount: Mount = { type: 'volume', source, target: '/v' };
  await outputOf(busybox(context), 'touch /v/file', mount);
  expect(readdirSync((await source.inspect()).path)).toEqual(['file']);
  expect((await Volume.list({ labels: { of: 'test' } })).map(({ name }) => name)).toEqual(['object']);
  expect(await Volume.list({ labels: { of: 'another' } })).toEqual([]);
});

test('a new volume is filled with what the image has: files, links, modes, times, attributes and hard links', async (context) => {
  const image = imageWithData(context, (data) => {
    mkdirSync(join(data, 'sub'), { mode: 0o750 });
    writeFileSync(join(data, 'sub/file'), 'of the image\n');
    linkSync(join(data, 'sub/file'), join(data, 'again'));
    symlinkSync('/etc/passwd', join(data, 'link'));
    utimesSync(join(data, 'sub/file'), 1_000_000, 1_000_000);
    execFileSync('mkfifo', [join(data, 'fifo')]);
    if (isRoot) chownSync(join(data, 'sub'), 7, 8);
    chmodSync(join(data, 'sub'), 0o2750);
    chmodSync(data, 0o1777);
  });
  const script =
    'cat /data/again; stat -c %h:%Y /data/sub/file; readlink /data/link; stat -c %a /data /data/sub; stat -c %u:%g /data/sub; ls /data';
  const owner = isRoot ? '7:8' : '0:0';
  const expected = `of the image\n2:1000000\n/etc/passwd\n1777\n2750\n${owner}\nagain\nfifo\nlink\nsub\n`;
  const mount: Mount = { type: 'volume', source: 'filled', target: '/data' };
  expect(await outputOf(image, script, mount)).toBe(expected);
  await outputOf(image, 'rm -r /data/sub', mount);
  expect(await outputOf(image, 'ls /data', mount)).toBe('again\nfifo\nlink\n');
});

test('a volume that was made before is filled too, when the first container has it; and none that has something in it', async (context) => {
  const image = imageWithData(context, (data) => writeFileSync(join(data, 'file'), ''));
  await Volume.create('made');
  const { path } = await (await Volume.create('written')).inspect();
  writeFileSync(join(path, 'mine'), '');
  const script = 'ls /data';
  expect(await outputOf(image, script, { type: 'volume', source: 'made', target: '/data' })).toBe('file\n');
  expect(await outputOf(image, script, { type: 'volume', source: 'written', target: '/data' })).toBe('mine\n');
  expect(await outputOf(image, script, { type: 'volume', source: 'bare', target: '/data', noCopy: true })).toBe('');
  // It is filled at its first use or never.
  expect(await outputOf(image, script, { type: 'volume', source: 'bare', target: '/data' })).toBe('');
});

test('what a container sees of this machine fills a volume too', async () => {
  const [name = ''] = readdirSync('/usr/share/doc');
  const target = `/usr/share/doc/${name}`;
  const mounts: Mount[] = [{ type: 'volume', source: 'doc', target }];
  const { stdout } = await Container.run(Image.host(), ['ls', '-A', target], { mounts });
  expect(stdout.trim().split('\n')).toEqual(readdirSync(target).sort());
  expect(stdout).not.toBe('');
});

test('a place that is a link of the image is what it leads to inside, never outside', async (context) => {
  const canary = temporaryDirectory(context, 0o755);
  writeFileSync(join(canary, 'secret'), '');
  const links = [canary, `${'../'.repeat(30)}${canary.slice(1)}`, `/data/../..${canary}`, 'loop'];
  for (const [index, target] of links.entries()) {
    const image = imageWithData(context, (data) => {
      symlinkSync(target, join(data, '..', target === 'loop' ? 'loop' : 'link'));
      writeFileSync(join(data, 'inside'), '');
    });
    const source = `hostile-${index}`;
    const attempt = outputOf(image, 'ls -A /link/', {
      type: 'volume',
      source,
      target: target === 'loop' ? '/loop' : '/link',
    });
    await attempt.catch(() => undefined);
    expect(readdirSync((await (await Volume.get(source)).inspect()).path), target).toEqual([]);
  }
  const image = imageWithData(context, (data) => {
    writeFileSync(join(data, 'inside'), '');
    symlinkSync('/../../data', join(data, '../link'));
  });
  expect(await outputOf(image, 'ls /link/', { type: 'volume', source: 'within', target: '/link' })).toBe('inside\n');
  expect(readdirSync(canary)).toEqual(['secret']);
});

test('a volume without a name is the container’s own, filled, there when it is started again, and goes with it', async (context) => {
  const image = imageWithData(context, (data) => writeFileSync(join(data, 'file'), ''));
  const command = sh('echo >> /data/file; wc -l < /data/file > /data/count');
  await using container = await Container.create(image, { command, mounts: [{ type: 'volume', target: '/data' }] });
  for (const count of ['1\n', '2\n']) {
    await container.start();
    await container.wait();
    expect(await container.fs.readFile('/data/count', 'utf8')).toBe(count);
  }
  expect(await container.changes()).toEqual([]);
  expect(await Volume.list()).toEqual([]);
});

test('the volumes that an image says it has are each container’s own, unless something else is mounted there', async (context) => {
  const tree = imageWithData(context, (data) => writeFileSync(join(data, 'file'), ''));
  const image = await Image.import(await tree.export(), { config: { volumes: ['/data', '/cache/'] } });
  const command = sh('ls /data; touch /data/new /cache/new; grep -cE " /(data|cache) " /proc/mounts');
  await using container = await Container.create(image, { command });
  await container.start();
  await container.wait();
  expect(await text(container.stdout)).toBe('file\n2\n');
  expect(await container.changes()).toEqual([{ path: '/cache', kind: 'added', type: 'directory' }]);
  const mounts: Mount[] = [{ type: 'tmpfs', target: '/data' }];
  expect((await Container.run(image, sh('ls -A /data'), { mounts })).stdout).toBe('');
  expect(await Volume.list()).toEqual([]);
});

test('a volume in a container whose changes are in memory is on the disk', async (context) => {
  const image = imageWithData(context, (data) => writeFileSync(join(data, 'file'), ''));
  const mounts: Mount[] = [
    { type: 'volume', target: '/data' },
    { type: 'volume', source: 'named', target: '/named' },
  ];
  const { stdout } = await Container.run(image, sh('ls /data; echo kept > /named/file'), { mounts, upper: 'tmpfs' });
  expect(stdout).toBe('file\n');
  expect(await outputOf(image, 'cat /named/file', mounts[1] as Mount)).toBe('kept\n');
});

test('a part of a volume is mounted alone, when it is there, and no link leads out of the volume', async (context) => {
  const image = busybox(context);
  const whole: Mount = { type: 'volume', source: 'parts', target: '/v' };
  await outputOf(image, 'mkdir -p /v/a/b; echo deep > /v/a/b/file; ln -s /etc /v/out; ln -s a /v/in', whole);
  const part = (subpath: string): Mount => ({ ...whole, target: '/part', subpath }) as Mount;
  expect(await outputOf(image, 'ls /part', part('a/b'))).toBe('file\n');
  expect(await outputOf(image, 'cat /part', part('a/b/file'))).toBe('deep\n');
  for (const subpath of ['missing', 'out', 'out/passwd', 'in/b']) {
    await expect(outputOf(image, 'true', part(subpath)), subpath).rejects.toMatchObject({ code: 'SUBPATH_NOT_FOUND' });
  }
  await expect(outputOf(image, 'true', part('out'))).rejects.toThrow(
    "'out' in volume 'parts' leads through a symbolic link",
  );
  for (const subpath of ['../x', '/etc', 'a/../../x', '']) {
    await expect(outputOf(image, 'true', part(subpath)), subpath).rejects.toThrow(TypeError);
  }
});

test('a volume that a container uses is not removed, running or not; by name', async (context) => {
  const mounts: Mount[] = [{ type: 'volume', source: 'used', target: '/v' }];
  const container = await Container.create(busybox(context), { name: 'user', command: ['true'], mounts });
  const volume = await Volume.get('used');
  await expect(volume.remove()).rejects.toMatchObject({
    code: 'VOLUME_IN_USE',
    message: expect.stringContaining("container 'user'"),
  });
  expect(await Volume.prune()).toMatchObject({ volumes: [] });
  expect((await volume.inspect()).users).toEqual(['user']);
  await container.start();
  await container.wait();
  await container.snapshot();
  await expect(volume.remove()).rejects.toMatchObject({ code: 'VOLUME_IN_USE' });
  await container.remove();
  await volume.remove();
  await expect(volume.remove()).rejects.toMatchObject({ code: 'VOLUME_NOT_FOUND' });
  await expect(volume.inspect()).rejects.toMatchObject({ code: 'VOLUME_NOT_FOUND' });
  await expect(Volume.get('used')).rejects.toMatchObject({ code: 'VOLUME_NOT_FOUND' });
});

test('names that are none are refused', async (context) => {
  for (const name of ['', '.', '..', 'a/b', '-x', 'x'.repeat(129), 'ü'] as const) {
    await expect(Volume.create(name), name).rejects.toThrow(TypeError);
    const mounts: Mount[] = [{ type: 'volume', source: name, target: '/v' }];
    await expect(Container.create(busybox(context), { mounts }), name).rejects.toThrow(TypeError);
  }
});

test('a read-only volume cannot be written, and one on a root that is read-only can', async (context) => {
  const mounts: Mount[] = [
    { type: 'volume', source: 'ro', target: '/ro', readOnly: true },
    { type: 'volume', source: 'rw', target: '/rw' },
  ];
  const script = sh('(: > /ro/x) 2>&1; : > /rw/x; ls /rw; (: > /x) 2>&1');
  const { stdout } = await Container.run(busybox(context), script, { mounts, readOnly: true });
  expect(stdout).toMatch(/Read-only.*\nx\n.*Read-only/);
});

test('a failing fill leaves neither container nor rubbish, and the volume for the next to fill', async (context) => {
  const image = imageWithData(context, (data) => writeFileSync(join(data, 'file'), 'x'));
  const volume = await Volume.create('failing');
  const { path } = await volume.inspect();
  // Where the copy goes there is something that cannot be removed, because it is mounted upon.
  if (!isRoot) return;
  const filling = join(path, '../filling');
  mkdirSync(filling);
  execFileSync('mount', ['-t', 'tmpfs', 'none', filling]);
  const mounts: Mount[] = [{ type: 'volume', source: 'failing', target: '/data' }];
  try {
    await expect(Container.create(image, { mounts })).rejects.toThrow();
  } finally {
    execFileSync('umount', [filling]);
  }
  expect(lstatSync(path).isDirectory()).toBe(true);
  expect(await outputOf(image, 'ls /data', mounts[0] as Mount)).toBe('file\n');
});

test.runIf(isRoot)('with subordinate ids, a volume is filled with the owners that the image has', async (context) => {
  const below = OWNED.filter((each) => each.startsWith('/home/app'));
  const body = `
    const { Volume } = await import('caisson');
    const mounts = [{ type: 'volume', source: 'home', target: '/home/app' }];
    await run(['echo'], { mounts });
    const paths = ${JSON.stringify(below.map((each) => each.split(' ')[0]))};
    const stat = await run(['stat', '-c', '%n %u:%g %a', ...paths], { mounts });
    const written = await sh('echo mine > /home/app/new && cat /home/app/new', { mounts, user: 'app' });
    const volume = await Volume.get('home');
    await volume.remove();
    return { stat, written, left: (await Volume.list()).length };
  `;
  const answer = await inScript<{ stat: string; written: string; left: number }>(context, imageOfOwners(context), body);
  expect(answer).toEqual({ stat: `${below.join('\n')}\n`, written: 'mine\n', left: 0 });
});
