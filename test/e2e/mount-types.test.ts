/** Binds with their options, overlays, images, files, devices. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Container, type ContainerOptions, Image, type Mount } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { requires } from '../support/requires.ts';
import { removeTree, temporaryDirectory } from '../support/temporary.ts';
import { busybox, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

function source(context: TestContext): string {
  const directory = temporaryDirectory(context, 0o755);
  writeFileSync(join(directory, 'file'), 'of the host\n');
  return directory;
}

const outputOf = async (context: TestContext, script: string, options: ContainerOptions) => {
  return (await Container.run(busybox(context), sh(`(${script}) 2>&1`), options)).stdout;
};

/** Does something with a directory that is a mount of its own, with a tmpfs mounted below it. */
async function withMounts(action: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'caisson-mounts-'));
  chmodSync(directory, 0o755);
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'none', directory]);
    mkdirSync(join(directory, 'below'));
    execFileSync('mount', ['-t', 'tmpfs', 'none', join(directory, 'below')]);
    writeFileSync(join(directory, 'below/file'), '');
    await action(directory);
  } finally {
    execFileSync('umount', ['--recursive', directory]);
    removeTree(directory);
  }
}

const IDS = ['auto', 'host'] as const;

test.runIf(isRoot)('a bind that is not recursive lacks what is mounted below its source', (context) =>
  withMounts(async (directory) => {
    const bind = (recursive?: boolean): Mount => ({ type: 'bind', source: directory, target: '/data', recursive });
    for (const userns of IDS) {
      expect(await outputOf(context, 'ls /data/below', { mounts: [bind(false)], userns })).toBe('');
      expect(await outputOf(context, 'ls /data/below', { mounts: [bind()], userns })).toBe('file\n');
    }
  }),
);

test.runIf(isRoot)('a read-only bind is so below, too', (context) =>
  withMounts(async (directory) => {
    const mounts: Mount[] = [{ type: 'bind', source: directory, target: '/data', readOnly: true }];
    for (const userns of IDS) {
      const output = await outputOf(context, ': > /data/below/x', { mounts, userns });
      expect(output).toContain('Read-only file system');
    }
    expect(readdirSync(join(directory, 'below'))).toEqual(['file']);
  }),
);

test.runIf(isRoot)('a read-only bind may leave what is below as writable as it is', (context) =>
  withMounts(async (directory) => {
    const bind = { type: 'bind', source: directory, target: '/data', readOnly: true, recursive: 'writable' } as const;
    for (const userns of IDS) {
      const script = '(: > /data/x); : > /data/below/made && rm /data/below/made && echo written';
      const output = await outputOf(context, script, { mounts: [bind], userns });
      expect(output).toMatch(/Read-only file system[\s\S]*written\n$/);
    }
  }),
);

test.runIf(isRoot).each(IDS)('mounts travel as propagation says (userns %s)', (userns) =>
  withMounts(async (directory) => {
    execFileSync('mount', ['--make-shared', directory]);
    for (const name of ['later', 'inside']) mkdirSync(join(directory, name));
    const seen = async (propagation: 'private' | 'slave' | 'shared') => {
      const mounts: Mount[] = [{ type: 'bind', source: directory, target: '/data', propagation }];
      await using container = await Container.start(Image.host(), { command: ['sleep', '60'], mounts, userns });
      execFileSync('mount', ['-t', 'tmpfs', 'none', join(directory, 'later')]);
      writeFileSync(join(directory, 'later/file'), '');
      const { stdout } = await container.exec(['ls', '/data/later']);
      await container.mount({ type: 'tmpfs', target: '/data/inside' });
      const reachesHost = readFileSync('/proc/self/mountinfo', 'utf8').includes(`${directory}/inside `);
      execFileSync('umount', [join(directory, 'later')]);
      return [stdout, reachesHost];
    };
    expect(await seen('private')).toEqual(['', false]);
    expect(await seen('slave')).toEqual(['file\n', false]);
    expect(await seen('shared')).toEqual(['file\n', true]);
  }),
);

test('what is not shared on this machine cannot be shared with a container', async (context) => {
  const directory = source(context);
  const line = execFileSync('findmnt', ['-n', '-o', 'PROPAGATION', '--target', directory], { encoding: 'utf8' });
  requires(context, line.trim() === 'private', 'a private mount');
  const mounts: Mount[] = [{ type: 'bind', source: directory, target: '/data', propagation: 'shared' }];
  await expect(Container.run(busybox(context), ['true'], { mounts })).rejects.toMatchObject({ code: 'NOT_SHARED' });
});

test('an overlay of a directory can be changed without changing it, as long as the container is there', async (context) => {
  const directory = source(context);
  const mounts: Mount[] = [
    { type: 'overlay', source: directory, target: '/data' },
    { type: 'overlay', source: directory, target: '/again' },
  ];
  const command = sh('cat /data/file; echo >> /data/count; wc -l < /data/count; rm -f /data/file; ls /data /again');
  for (const upper of ['disk', 'tmpfs'] as const) {
    await using container = await Container.create(busybox(context), { command, mounts, upper });
    await container.start();
    await container.wait();
    await container.start();
    await container.wait();
    if (upper === 'disk') {
      expect(await container.fs.readFile('/data/count', 'utf8')).toBe('\n\n');
      expect(await container.changes()).toEqual([
        { path: '/again', kind: 'added', type: 'directory' },
        { path: '/data', kind: 'added', type: 'directory' },
      ]);
    }
  }
  expect(readdirSync(directory)).toEqual(['file']);
});

test('an image is mounted read-only, whole or a part of it; or with changes of the container’s own', async (context) => {
  const image = busybox(context);
  const mount = (more: object = {}): Mount => ({ type: 'image', image, target: '/image', ...more });
  const run = (script: string, ...mounts: Mount[]) => outputOf(context, script, { mounts });
  expect(await run('cmp /image/etc/passwd /etc/passwd && : > /image/x', mount())).toMatch(/Read-only file system/);
  expect(await run('cmp /image/passwd /etc/passwd; : > /image/x', mount({ subpath: 'etc' }))).toMatch(/Read-only/);
  expect(await run('cmp /image /etc/passwd', mount({ subpath: 'etc/passwd' }))).toBe('');
  expect(await run(': > /image/x; ls /image/x', mount({ readOnly: false }))).toBe('/image/x\n');
  expect(await run('ls /image', mount({ readOnly: false, subpath: 'etc' }))).toContain('passwd');
  const missing = run('true', mount({ subpath: 'not/there' }));
  await expect(missing).rejects.toMatchObject({ code: 'SUBPATH_NOT_FOUND' });
});

test('an image of several layers, and that of this machine, are mounted whole', async (context) => {
  await using made = await Container.start(busybox(context), { command: sh('echo new > /etc/added; rm /etc/passwd') });
  await made.wait();
  const image = await made.snapshot();
  const mounts: Mount[] = [
    { type: 'image', image, target: '/layered' },
    { type: 'image', image, target: '/part', subpath: 'etc' },
    { type: 'image', image: Image.host(), target: '/machine' },
    { type: 'image', image: Image.host(), target: '/usr-of-it', subpath: 'usr/share' },
  ];
  const script =
    'cat /layered/etc/added /part/added; ls /layered/etc/passwd /part/passwd; ls -d /machine/usr/share/doc /usr-of-it/doc; (: > /layered/x); (: > /machine/usr/x)';
  const output = await outputOf(context, script, { mounts });
  expect(output).toMatch(
    /^new\nnew\n(.*No such file.*\n){2}\/machine\/usr\/share\/doc\n\/usr-of-it\/doc\n(.*Read-only.*\n){2}$/,
  );
});

test('a file is what was given, with its mode, and what is written to it is gone with the container’s run', async (context) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const mounts: Mount[] = [
    { type: 'file', target: '/etc/app/config', content: 'a = "ü"\n' },
    { type: 'file', target: '/bin/tool', content: '#!/bin/sh\necho run\n', mode: 0o755 },
    { type: 'file', target: '/bytes', content: bytes, readOnly: true, mode: 0o400 },
    { type: 'file', target: '/empty', content: '' },
  ];
  const command = sh(
    'cat /etc/app/config; tool; wc -c < /bytes; stat -c %a /bytes /etc/app/config; (: > /bytes) 2>&1; wc -c < /empty; echo changed > /etc/app/config',
  );
  await using container = await Container.create(busybox(context), { command, mounts });
  for (let run = 0; run < 2; run++) {
    await container.start();
    const output = await text(container.stdout);
    expect(output).toMatch(/^a = "ü"\nrun\n256\n400\n644\n.*Read-only file system\n0\n$/);
    await container.wait();
  }
  const { stdout } = await Container.run(busybox(context), ['cat', '/bytes'], { mounts, encoding: 'buffer' });
  expect(stdout.equals(bytes)).toBe(true);
});

test('files are as big as four megabytes, and together as big as the memory for them', async (context) => {
  const content = 'x'.repeat(4 * 1024 * 1024);
  const files = (count: number): Mount[] => {
    return Array.from({ length: count }, (_, index) => ({ type: 'file', target: `/file-${index}`, content }));
  };
  expect(await outputOf(context, 'cat /file-* | wc -c', { mounts: files(8) })).toBe(`${8 * content.length}\n`);
  const tooMany = Container.run(busybox(context), ['true'], { mounts: files(9) });
  await expect(tooMany).rejects.toThrow(TypeError);
  const tooBig: Mount[] = [{ type: 'file', target: '/x', content: `${content}x` }];
  await expect(Container.run(busybox(context), ['true'], { mounts: tooBig })).rejects.toThrow(TypeError);
});

test('the root cannot be written where it is read-only, and what is mounted on it can', async (context) => {
  const mounts: Mount[] = [
    { type: 'tmpfs', target: '/tmp' },
    { type: 'volume', target: '/var/lib/app' },
    { type: 'overlay', source: source(context), target: '/data' },
  ];
  const script = 'for d in /tmp /var/lib/app /data; do echo > $d/x && echo $d; done; : > /x';
  const output = await outputOf(context, script, { mounts, readOnly: true });
  expect(output).toMatch(/^\/tmp\n\/var\/lib\/app\n\/data\n.*Read-only file system\n$/);
});

test('a device of this machine is given, at its place or another', async (context) => {
  const devices = [
    { path: '/dev/zero', target: '/dev/nothing/zero' },
    { path: '/dev/null', target: '/dev/deep/null' },
  ];
  const script =
    'head -c 3 /dev/nothing/zero | wc -c; echo x > /dev/deep/null; ls -l /dev/nothing/zero | cut -c1; stat -c %t:%T /dev/nothing/zero';
  for (const userns of isRoot ? IDS : (['auto'] as const)) {
    expect(await outputOf(context, script, { devices, userns })).toBe('3\nc\n1:5\n');
  }
  const before = statSync('/dev/zero').mode;
  await outputOf(context, 'chmod 600 /dev/nothing/zero', { devices });
  expect(statSync('/dev/zero').mode).toBe(before);
});

test('a device has the mode that was asked for, where the container has nodes of its own', async (context) => {
  const devices = [{ path: '/dev/zero', target: '/dev/zeros', mode: 0o600 }];
  for (const userns of isRoot ? IDS : []) {
    expect(await outputOf(context, 'stat -c %a /dev/zeros', { devices, userns })).toBe('600\n');
  }
  // Without root, it is the host's node, with the mode that has.
  if (!isRoot)
    await expect(outputOf(context, 'true', { devices })).rejects.toMatchObject({ code: 'DEVICE_MODE_REFUSED' });
  const same = [{ path: '/dev/zero', target: '/dev/zeros', mode: statSync('/dev/zero').mode & 0o7777 }];
  expect(await outputOf(context, 'head -c 1 /dev/zeros | wc -c', { devices: same })).toBe('1\n');
});

test('a device that is not there, or is none, is refused', async (context) => {
  const directory = source(context);
  symlinkSync('/nowhere', join(directory, 'dangling'));
  const refused: [object, string | typeof TypeError][] = [
    [{ path: '/dev/not-there' }, 'DEVICE_NOT_FOUND'],
    [{ path: join(directory, 'dangling'), target: '/dev/x' }, 'DEVICE_NOT_FOUND'],
    [{ path: join(directory, 'file'), target: '/dev/x' }, 'NOT_A_DEVICE'],
    [{ path: '/dev', target: '/dev/x' }, 'NOT_A_DEVICE'],
    [{ path: join(directory, 'file') }, TypeError],
    [{ path: '/dev/zero', target: '/dev/../etc/x' }, TypeError],
    [{ path: '/dev/zero', target: '/zero' }, TypeError],
  ];
  for (const [device, expected] of refused) {
    const attempt = Container.run(busybox(context), ['true'], { devices: [device as never] });
    const label = JSON.stringify(device);
    if (typeof expected === 'string') await expect(attempt, label).rejects.toMatchObject({ code: expected });
    else await expect(attempt, label).rejects.toThrow(expected);
  }
});
