/** What a user mounts into a container. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Container, Image, type Mount } from 'caisson';
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

const outputOf = async (context: TestContext, script: string, ...mounts: readonly Mount[]) => {
  return (await Container.run(busybox(context), sh(`(${script}) 2>&1`), { mounts })).stdout;
};

test('a bound directory is the host’s, in both directions', async (context) => {
  const directory = source(context);
  const mount: Mount = { type: 'bind', source: directory, target: '/data' };
  expect(await outputOf(context, 'cat /data/file; echo from inside > /data/new', mount)).toBe('of the host\n');
  expect(readFileSync(join(directory, 'new'), 'utf8')).toBe('from inside\n');
});

test('a bound file is the host’s, at a place that is there or is made', async (context) => {
  const file = join(source(context), 'file');
  const bind = (target: string): Mount => ({ type: 'bind', source: file, target });
  expect(
    await outputOf(context, 'cat /etc/passwd; cat /new/and/deep', bind('/etc/passwd'), bind('/new/and/deep')),
  ).toBe('of the host\nof the host\n');
});

test('a relative source is relative to this process’s working directory', async (context) => {
  const directory = source(context);
  const mount: Mount = { type: 'bind', source: relative(process.cwd(), directory), target: '/data' };
  expect(await outputOf(context, 'cat /data/file', mount)).toBe('of the host\n');
});

test('a read-only bind cannot be written, nor made writable', async (context) => {
  const directory = source(context);
  const file = join(directory, 'file');
  const script = '(: > /data/x); (: > /one); mount -o remount,bind,rw /data; (: > /data/x); chmod 777 /data';
  const mounts: Mount[] = [
    { type: 'bind', source: directory, target: '/data', readOnly: true },
    { type: 'bind', source: file, target: '/one', readOnly: true },
  ];
  const output = await outputOf(context, script, ...mounts);
  expect(output.match(/Read-only file system/g)).toHaveLength(4);
  expect(readdirSync(directory)).toEqual(['file']);
  expect(readFileSync(file, 'utf8')).toBe('of the host\n');
});

test('a mount does not hide those below it, in whatever order they are given', async (context) => {
  const mounts: Mount[] = [
    { type: 'file', target: '/mnt/x/conf', content: 'given\n' },
    { type: 'tmpfs', target: '/mnt' },
  ];
  expect(await outputOf(context, 'cat /mnt/x/conf', ...mounts)).toBe('given\n');
});

test('a bind has what is mounted below its source, read-only too', async (context) => {
  const script = sh(
    'mount | grep -c " /outer"; (: > /outer/x) 2>&1; (: > /outer/shm/x) 2>&1; ls /outer/shm >/dev/null && echo listed',
  );
  // The host's /dev has file systems of its own below it, wherever this runs.
  const { stdout } = await Container.run(busybox(context), script, {
    mounts: [{ type: 'bind', source: '/dev', target: '/outer', readOnly: true }],
  });
  const [count, ...refusals] = stdout.trim().split('\n');
  expect(Number(count)).toBeGreaterThan(1);
  expect(refusals.filter((line) => /Read-only file system|Permission denied/.test(line))).toHaveLength(2);
  expect(refusals).toContain('listed');
});

test('what the host mounts below a source later does not stay in the host’s way', async (context) => {
  if (!isRoot) return;
  const directory = temporaryDirectory(context, 0o755);
  mkdirSync(join(directory, 'sub'));
  await using container = await Container.start(busybox(context), {
    command: ['sleep', '60'],
    mounts: [{ type: 'bind', source: directory, target: '/data' }],
  });
  execFileSync('mount', ['-t', 'tmpfs', 'none', join(directory, 'sub')]);
  execFileSync('umount', [join(directory, 'sub')]);
  expect(container.state).toBe('running');
});

test('mounts are made in their order, one inside another', async (context) => {
  const directory = source(context);
  const mounts: Mount[] = [
    { type: 'tmpfs', target: '/a' },
    { type: 'bind', source: directory, target: '/a/b' },
    { type: 'tmpfs', target: '/a/b/c' },
  ];
  expect(await outputOf(context, 'ls /a /a/b; grep -c " /a" /proc/mounts', ...mounts)).toBe(
    '/a:\nb\n\n/a/b:\nc\nfile\n3\n',
  );
  // The place of the innermost had to be made in the bound directory.
  expect(readdirSync(directory).sort()).toEqual(['c', 'file']);
});

test('a mount may hide a standard one', async (context) => {
  const directory = source(context);
  expect(await outputOf(context, 'cat /dev/shm/file', { type: 'bind', source: directory, target: '/dev/shm' })).toBe(
    'of the host\n',
  );
});

test('a tmpfs is empty, open to all, and has the size and mode that were asked for', async (context) => {
  const script =
    'stat -c %a /a /b; ls -A /a /tmp; dd if=/dev/zero of=/b/file bs=4096 count=100 2>&1 | head -1; wc -c < /b/file; grep " /b " /proc/mounts';
  const mounts: Mount[] = [
    { type: 'tmpfs', target: '/a' },
    { type: 'tmpfs', target: '/b', sizeBytes: 65_536, mode: 0o700 },
    { type: 'tmpfs', target: '/tmp' },
  ];
  const lines = (await outputOf(context, script, ...mounts)).split('\n');
  expect(lines.slice(0, 6)).toEqual([
    '1777',
    '700',
    '/a:',
    '',
    '/tmp:',
    expect.stringContaining('No space left on device'),
  ]);
  expect(lines[6]).toBe('65536');
  expect(lines[7]).toMatch(/^\S+ \/b tmpfs rw,nosuid,nodev,.*size=64k,mode=700/);
});

test('a read-only tmpfs cannot be written', async (context) => {
  expect(await outputOf(context, ': > /a/x', { type: 'tmpfs', target: '/a', readOnly: true })).toContain(
    'Read-only file system',
  );
});

test('a target may be given with dots and slashes', async (context) => {
  const directory = source(context);
  const mounts: Mount[] = [
    { type: 'bind', source: directory, target: '/a/./b//c/' },
    { type: 'bind', source: directory, target: '/etc/../x' },
  ];
  expect(await outputOf(context, 'cat /a/b/c/file /x/file', ...mounts)).toBe('of the host\nof the host\n');
});

test('a source that is not there is refused by its name, and its target', async (context) => {
  const missing = join(temporaryDirectory(context), 'missing');
  const mounts: Mount[] = [{ type: 'bind', source: missing, target: '/data' }];
  const error = { code: 'BIND_SOURCE_NOT_FOUND', message: expect.stringMatching(`'${missing}'.*'/data'`) };
  const image = busybox(context);
  await expect(Container.run(image, ['true'], { mounts })).rejects.toMatchObject(error);
  await expect(Container.start(image, { command: ['true'], mounts })).rejects.toMatchObject(error);
});

test('a directory cannot be bound on a file, nor a file on a directory', async (context) => {
  const directory = source(context);
  const image = busybox(context);
  const wrong: Mount[] = [
    { type: 'bind', source: directory, target: '/etc/passwd' },
    { type: 'bind', source: join(directory, 'file'), target: '/etc' },
  ];
  for (const mount of wrong) {
    const attempt = Container.run(image, ['true'], { mounts: [mount] });
    const kinds = mount.target === '/etc' ? /a file .* is a directory/ : /a directory .* is a file/;
    await expect(attempt).rejects.toMatchObject({
      code: 'MOUNT_TARGET_INVALID',
      message: expect.stringMatching(new RegExp(`'${mount.target}' is no place.*${kinds.source}`)),
    });
  }
});

test('a target below a file is refused', async (context) => {
  const attempt = Container.run(busybox(context), ['true'], { mounts: [{ type: 'tmpfs', target: '/etc/passwd/x' }] });
  await expect(attempt).rejects.toMatchObject({ code: 'MOUNT_TARGET_INVALID', cause: { code: 'ENOTDIR' } });
});

test('a target that cannot be made in /proc is refused for that', async (context) => {
  const attempt = Container.run(busybox(context), ['true'], { mounts: [{ type: 'tmpfs', target: '/proc/acpi2' }] });
  await expect(attempt).rejects.toThrow(/nothing can be made in the directory that it would be in/);
});

test('the root itself, and paths in /proc, are no targets', async (context) => {
  const image = busybox(context);
  const escapes = ['/proc/self/root/x', '/proc/1/cwd', '/proc/self/fd/4'];
  for (const target of escapes) {
    await expect(Container.run(image, ['true'], { mounts: [{ type: 'tmpfs', target }] }), target).rejects.toThrow();
  }
});

/** An image with these symbolic links in it. */
function imageWithLinks(context: TestContext, links: Readonly<Record<string, string>>): string {
  const root = busyboxCopy(context);
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(root, name));
  return root;
}

test('a target through symbolic links of the image stays inside the root', async (context) => {
  const canary = temporaryDirectory(context, 0o755);
  const deep = '../'.repeat(30);
  const root = imageWithLinks(context, {
    up: `${deep}etc`,
    absolute: '/etc',
    outside: canary,
    climbing: `${deep}${canary.slice(1)}`,
  });
  mkdirSync(join(root, canary), { recursive: true });
  const directory = source(context);
  const bind = (target: string): Mount => ({ type: 'bind', source: directory, target });
  const script = `cat /etc/a/file /etc/b/file ${canary}/c/file ${canary}/d/file`;
  const mounts = [bind('/up/a'), bind('/absolute/b'), bind('/outside/c'), bind('/climbing/d')];
  const { stdout, stderr } = await Container.run(Image.directory(root), sh(script), { mounts });
  expect({ stdout, stderr }).toEqual({ stdout: 'of the host\n'.repeat(4), stderr: '' });
  expect(readdirSync(canary)).toEqual([]);
  expect(existsSync('/etc/a') || existsSync('/etc/b')).toBe(false);
});

test('a target that is a symbolic link to nowhere is made nowhere else', async (context) => {
  const canary = join(temporaryDirectory(context, 0o755), 'not/there');
  const root = imageWithLinks(context, { dangling: canary });
  const attempt = Container.run(Image.directory(root), ['true'], {
    mounts: [{ type: 'tmpfs', target: '/dangling/x' }],
  });
  await expect(attempt).rejects.toThrow();
  expect(existsSync(canary)).toBe(false);
});

test.runIf(isRoot)('a user without privileges can use what is mounted for it', async (context) => {
  const directory = source(context);
  chmodSync(directory, 0o777);
  const mounts: Mount[] = [
    { type: 'bind', source: directory, target: '/made/on/the/way' },
    { type: 'tmpfs', target: '/scratch' },
  ];
  const script = sh('cat /made/on/the/way/file && touch /made/on/the/way/new /scratch/new && echo written');
  const { stdout } = await Container.run(busybox(context), script, { mounts, user: 'app' });
  expect(stdout).toBe('of the host\nwritten\n');
});
