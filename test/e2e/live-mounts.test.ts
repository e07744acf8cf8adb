/** Mounts that are added to a container while it runs, and taken from it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, type ContainerOptions, Image, type Mount, Volume } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary.ts';
import { busybox, busyboxCopy, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

/** A directory of this machine with a file in it. */
function source(context: TestContext): string {
  const directory = temporaryDirectory(context, 0o755);
  writeFileSync(join(directory, 'file'), 'of the host\n');
  return directory;
}

const sleeping = (image: Image, options: ContainerOptions = {}) => {
  return Container.start(image, { command: ['sleep', '600'], ...options });
};

const said = async (container: Container, script: string) => (await container.exec(sh(`(${script}) 2>&1`))).stdout;

/** As root, with ids of its own and with the machine's. */
const IDS = isRoot ? (['auto', 'host'] as const) : (['auto'] as const);

test.each(IDS)('every type can be mounted into a running container and unmounted again (userns %s)', async (userns) => {
  const context = { onTestFinished: (undo: () => void) => undoing.push(undo) } as never as TestContext;
  const undoing: (() => void)[] = [];
  try {
    const directory = source(context);
    await using container = await sleeping(Image.host(), { userns });
    const mounts: Mount[] = [
      { type: 'bind', source: directory, target: '/new/bind', readOnly: true },
      { type: 'bind', source: join(directory, 'file'), target: '/new/one' },
      { type: 'tmpfs', target: '/new/tmpfs', sizeBytes: 65_536 },
      { type: 'volume', source: 'live', target: '/new/volume' },
      { type: 'volume', target: '/new/own' },
      { type: 'overlay', source: directory, target: '/new/overlay' },
      { type: 'image', image: Image.directory(directory), target: '/new/image' },
      { type: 'image', image: Image.directory(directory), target: '/new/changing', readOnly: false },
      { type: 'file', content: 'given\n', target: '/new/given' },
    ];
    for (const mount of mounts) await container.mount(mount);
    expect(
      container
        .inspect()
        .spec?.mounts.slice(-mounts.length)
        .map(({ destination }) => destination),
    ).toEqual(mounts.map(({ target }) => target));
    const script =
      'cd /new; cat bind/file one image/file changing/file given; (: > bind/x); (: > image/x); for d in tmpfs volume own overlay changing; do touch $d/new; done; echo more >> given; cat given; ls overlay';
    expect((await said(container, script)).replace(/^.*(Read-only)/gm, '$1')).toBe(
      `${'of the host\n'.repeat(4)}given\nRead-only file system\nRead-only file system\ngiven\nmore\nfile\nnew\n`,
    );
    expect(readdirSync(directory)).toEqual(['file']);
    for (const { target } of mounts.toReversed()) await container.unmount(target);
    expect(await said(container, 'cd /new; grep -c " /new/" /proc/mounts; ls bind tmpfs volume; wc -c < given')).toBe(
      '0\nbind:\n\ntmpfs:\n\nvolume:\n0\n',
    );
    const { path, users } = await (await Volume.get('live')).inspect();
    expect(readdirSync(path)).toEqual(['new']);
    expect(users).toEqual([container.name]);
  } finally {
    for (const undo of undoing) undo();
  }
  await Volume.prune();
});

test('what was mounted when the container was made can be unmounted; what every container has cannot', async (context) => {
  const mounts: Mount[] = [{ type: 'bind', source: source(context), target: '/data/./x/' }];
  await using container = await sleeping(busybox(context), { mounts });
  await container.unmount('/data//x');
  expect(await said(container, 'ls /data/x')).toBe('');
  for (const target of ['/data/x', '/proc', '/dev', '/', '/etc/hosts', '/proc/kcore', '/nowhere']) {
    await expect(container.unmount(target), target).rejects.toMatchObject({ code: 'MOUNT_NOT_FOUND' });
  }
});

test('a container that is started again has what it was made with', async (context) => {
  const directory = source(context);
  const container = await Container.create(busybox(context), { command: ['sleep', '600'] });
  await using _ = container;
  await expect(container.mount({ type: 'tmpfs', target: '/x' })).rejects.toMatchObject({ code: 'NOT_RUNNING' });
  await container.start();
  await container.mount({ type: 'bind', source: directory, target: '/data' });
  await container.kill();
  await container.start();
  expect(await said(container, 'ls /data; grep -c " /data" /proc/mounts')).toBe('0\n');
  await expect(container.unmount('/data')).rejects.toMatchObject({ code: 'MOUNT_NOT_FOUND' });
});

test('files of the container are seen through what is mounted', async (context) => {
  await using container = await sleeping(busybox(context));
  expect(existsSync(await container.fs.readFile('/etc/passwd', 'utf8'))).toBe(false);
  await container.mount({ type: 'bind', source: source(context), target: '/data' });
  expect(await container.fs.readFile('/data/file', 'utf8')).toBe('of the host\n');
  await container.unmount('/data');
  expect(await container.fs.readdir('/data')).toEqual([]);
});

test('a place that is none is refused, and nothing is left', async (context) => {
  const directory = source(context);
  await using container = await sleeping(busybox(context));
  const refused: Mount[] = [
    { type: 'bind', source: directory, target: '/etc/passwd' },
    { type: 'bind', source: join(directory, 'file'), target: '/etc' },
    { type: 'tmpfs', target: '/etc/passwd/x' },
    { type: 'tmpfs', target: '/proc/1/root/x' },
  ];
  for (const mount of refused) {
    await expect(container.mount(mount), mount.target).rejects.toMatchObject({ code: 'MOUNT_TARGET_INVALID' });
  }
  const missing: Mount = { type: 'bind', source: join(directory, 'missing'), target: '/x' };
  await expect(container.mount(missing)).rejects.toMatchObject({ code: 'BIND_SOURCE_NOT_FOUND' });
  await expect(container.mount({ type: 'tmpfs' } as never)).rejects.toThrow(TypeError);
  expect(await container.changes()).toEqual([]);
});

test('links that the container makes lead a mount nowhere but inside', async (context) => {
  const canary = temporaryDirectory(context, 0o755);
  mkdirSync(join(canary, 'etc'));
  const directory = source(context);
  await using container = await sleeping(Image.directory(busyboxCopy(context)));
  const script = `mkdir -p ${canary}/x /a/b; ln -s ${canary} /out; ln -s ${'../'.repeat(20)}${canary.slice(1)} /up; ln -s /proc/1/root${canary} /magic`;
  await said(container, script);
  await container.mount({ type: 'bind', source: directory, target: '/out/x' });
  await container.mount({ type: 'bind', source: directory, target: '/up/y' });
  await expect(container.mount({ type: 'bind', source: directory, target: '/magic/z' })).rejects.toMatchObject({
    code: 'MOUNT_TARGET_INVALID',
  });
  expect(await said(container, `cat ${canary}/x/file ${canary}/y/file`)).toBe('of the host\n'.repeat(2));
  expect(readdirSync(canary)).toEqual(['etc']);
  // Who swaps what is above a mount for a link has not another mount taken away.
  await container.mount({ type: 'tmpfs', target: '/a/proc' });
  await said(container, 'mv /a /moved; ln -s / /a');
  await expect(container.unmount('/a/proc')).rejects.toMatchObject({ code: 'MOUNT_NOT_FOUND' });
  expect(await said(container, 'ls -d /proc/self')).toBe('/proc/self\n');
  expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('of the host\n');
});

test('what was mounted through links is unmounted through them', async (context) => {
  const directory = source(context);
  const root = busyboxCopy(context);
  for (const path of ['run', 'var']) mkdirSync(join(root, path), { recursive: true });
  rmSync(join(root, 'var/run'), { recursive: true, force: true });
  symlinkSync('/run', join(root, 'var/run'));
  const mounts: Mount[] = [
    { type: 'bind', source: directory, target: '/var/run/made' },
    { type: 'bind', source: join(directory, 'file'), target: '/var/run/one' },
    { type: 'tmpfs', target: '/other' },
  ];
  await using container = await sleeping(Image.directory(root), { mounts });
  await container.mount({ type: 'tmpfs', target: '/var/run/x' });
  for (const target of ['/var/run/x', '/var/run/one', '/var/run/made']) await container.unmount(target);
  expect(await said(container, 'grep -c " /run/" /proc/mounts; grep -c " /other " /proc/mounts')).toBe('0\n1\n');
});

test('links that the container makes have no other mount taken away', async (context) => {
  const directory = source(context);
  const mounts: Mount[] = [
    { type: 'bind', source: directory, target: '/secrets/one' },
    { type: 'tmpfs', target: '/secrets/two' },
    { type: 'tmpfs', target: '/mine/x' },
  ];
  await using container = await sleeping(busybox(context), { mounts });
  const before = await said(container, 'wc -l < /proc/mounts');
  const leads = [
    '/secrets/two',
    '/proc',
    '/dev/shm',
    '/',
    '/etc',
    '/moved/two',
    '/sys/firmware',
    '/proc/1/root/mine2/x',
  ];
  await said(container, 'mv /mine /mine2; mkdir /mine');
  for (const lead of leads) {
    const move = lead.startsWith('/moved') ? 'mv /secrets /moved;' : '';
    await said(container, `${move} rm -f /mine/x; ln -s ${lead} /mine/x`);
    await expect(container.unmount('/mine/x'), lead).rejects.toMatchObject({ code: 'MOUNT_NOT_FOUND' });
  }
  expect(await said(container, 'wc -l < /proc/mounts')).toBe(before);
});

test('a detached container that was started again has what it was made with, and says so', async (context) => {
  const [directory, target] = [source(context), '/new'];
  await using container = await sleeping(busybox(context), {
    detach: true,
    restart: 'always',
    userns: isRoot ? 'host' : 'auto',
    mounts: [{ type: 'tmpfs', target: '/kept' }],
  });
  const mounted = () => {
    const { spec } = container.inspect();
    return spec?.mounts.filter(({ standard }) => standard !== true).map(({ destination }) => destination);
  };
  for (const changed of [['/kept', target], [target]]) {
    await container.mount({ type: 'bind', source: directory, target });
    if (!changed.includes('/kept')) await container.unmount('/kept');
    expect(mounted()).toEqual(changed);
    const { restarts } = container.inspect();
    process.kill(container.pid as number, 'SIGKILL');
    await expect.poll(() => container.inspect().restarts).toBe(restarts + 1);
    await expect.poll(() => container.state).toBe('running');
    expect(mounted()).toEqual(['/kept']);
    await expect(container.unmount(target)).rejects.toMatchObject({ code: 'MOUNT_NOT_FOUND' });
  }
});

test('what cannot be a place is refused by name', async (context) => {
  await using container = await Container.create(busybox(context));
  for (const target of [undefined, '', 'data', 7]) {
    const refused = {
      name: 'TypeError',
      message: expect.stringMatching(/^what is unmounted must be .*, got /) as string,
    };
    await expect(container.unmount(target as string)).rejects.toMatchObject(refused);
  }
});
