/** The files of a container: from its image, changed by itself, kept or not. */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { busybox, busyboxTree, isRoot, privateStore, sh } from './fixture.ts';

const store = privateStore();

/** Everything in a tree, with modes, times and content, as text to compare. */
function fingerprint(tree: string): string {
  const list =
    'find . -printf "%p %y %m %U:%G %s %T@ %l\\n" | sort; find . -type f -print0 | sort -z | xargs -0 sha256sum';
  return execFileSync('sh', ['-c', list], { cwd: tree, encoding: 'utf8', maxBuffer: 64 << 20 });
}

/** A small image of its own: busybox as /bin/sh, and /data with a file and a directory. */
function smallImage(context: TestContext, name = 'image'): string {
  const root = join(temporaryDirectory(context, 0o755), name);
  for (const directory of ['bin', 'data/folder', 'tmp']) mkdirSync(join(root, directory), { recursive: true });
  cpSync(join(busyboxTree(context), 'bin/busybox'), join(root, 'bin/busybox'));
  for (const applet of ['sh', 'cat', 'ls', 'rm', 'mv', 'chmod', 'stat', 'mkdir', 'touch', 'sleep', 'true']) {
    symlinkSync('busybox', join(root, 'bin', applet));
  }
  writeFileSync(join(root, 'data/file'), 'of the image\n');
  writeFileSync(join(root, 'data/folder/inner'), 'of the image\n');
  return root;
}

test('two containers from one image do not see each other’s files', async (context) => {
  const image = busybox(context);
  await using one = await Container.start(image, { command: ['sleep', '60'] });
  await using other = await Container.start(image, { command: ['sleep', '60'] });
  await Promise.all([one.exec(sh('echo one > /file; rm /etc/group')), other.exec(sh('echo other > /file'))]);
  expect((await one.exec(sh('cat /file; ls /etc'))).stdout).toBe('one\nhostname\nhosts\npasswd\nresolv.conf\n');
  expect((await other.exec(sh('cat /file; ls /etc'))).stdout).toBe(
    'other\ngroup\nhostname\nhosts\npasswd\nresolv.conf\n',
  );
});

test('the directory of an image never changes', async (context) => {
  const root = smallImage(context);
  const before = fingerprint(root);
  const script = sh(`echo changed > /data/file; rm -r /data/folder; mkdir /data/folder; touch /data/folder/new
    chmod 700 /data /; mv /bin/cat /bin/dog; echo new > /new; rm /bin/ls`);
  expect(await Container.run(Image.directory(root), script)).toMatchObject({ exitCode: 0, stderr: '' });
  expect(fingerprint(root)).toBe(before);
});

test('a container that is started again has the files it has left', async (context) => {
  const command = sh('cat /count 2>/dev/null; echo x >> /count');
  await using container = await Container.create(busybox(context), { command });
  const outputs: string[] = [];
  for (let round = 0; round < 3; round++) {
    await container.start();
    outputs.push((await container.stdout.toArray()).join(''));
    await container.wait();
  }
  expect(outputs).toEqual(['', 'x\n', 'x\nx\n']);
});

test('what is deleted stays deleted after another start, and a directory made anew is empty', async (context) => {
  const command = sh('ls /data /data/folder; rm -f /data/file; rm -r /data/folder; mkdir /data/folder');
  await using container = await Container.create(Image.directory(smallImage(context)), { command });
  await container.start();
  await container.wait();
  await container.start();
  expect((await container.stdout.toArray()).join('')).toBe('/data:\nfolder\n\n/data/folder:\n');
  expect(await container.wait()).toMatchObject({ exitCode: 0 });
});

test('a container has nothing of those that were removed before it', async (context) => {
  // Directories of containers that wrote nothing are used again; what they did to '/' itself counts as writing.
  const image = busybox(context);
  for (const script of ['true', 'chmod 0777 /', 'touch /file', 'touch -d 2001-01-01 /', 'mkdir /folder']) {
    expect(await Container.run(image, sh(script))).toMatchObject({ exitCode: 0 });
    const { stdout } = await Container.run(image, sh('stat -c "%a %u:%g" /; ls -A / | grep -E "^(file|folder)$"'));
    expect([script, stdout]).toEqual([script, '755 0:0\n']);
  }
});

test.runIf(isRoot)('neither is the owner of / of the next container', async (context) => {
  const image = busybox(context);
  expect(await Container.run(image, ['chown', '1000:1000', '/'])).toMatchObject({ exitCode: 0 });
  for (let next = 0; next < 3; next++) {
    expect((await Container.run(image, ['stat', '-c', '%u:%g', '/'])).stdout).toBe('0:0\n');
  }
});

test.for(['disk', 'tmpfs'] as const)(
  'with upper %s, a container can write anywhere in its root',
  async (upper, context) => {
    const script = sh(
      'for place in / /etc /bin /home/app /tmp; do echo x > $place/file || exit 1; done; echo x > /etc/passwd; cat /etc/passwd',
    );
    expect(await Container.run(busybox(context), script, { upper })).toMatchObject({ stdout: 'x\n', exitCode: 0 });
  },
);

test("with upper 'tmpfs', nothing is written to the store", async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '60'], upper: 'tmpfs' });
  expect(await container.exec(sh('head -c 100000 /dev/zero > /file'))).toMatchObject({ exitCode: 0 });
  expect(
    execFileSync('find', [join(store, 'containers', container.id), '-size', '+8k', '-type', 'f'], { encoding: 'utf8' }),
  ).toBe('');
});

test.for(['disk', 'tmpfs'] as const)(
  'a read-only root with upper %s cannot be written, what is mounted in it can',
  async (upper, context) => {
    const script = sh(`for place in /root /etc /tmp /bin; do (: > $place/file) 2>&1; done
    for place in /dev/shm /scratch; do echo fine > $place/file && cat $place/file; done`);
    const { stdout } = await Container.run(busybox(context), script, {
      readOnly: true,
      upper,
      mounts: [{ type: 'tmpfs', target: '/scratch' }],
      workdir: '/made/beforehand',
    });
    const refusals = ['/root/file', '/etc/file', '/tmp/file', '/bin/file'].map(
      (file) => `sh: can't create ${file}: Read-only file system`,
    );
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.replace(/^sh: line \d+: /, 'sh: ')),
    ).toEqual([...refusals, 'fine', 'fine']);
  },
);

test.for(['a:b', 'a,b', 'a\\b', 'a b', 'ä€', 'a\'b"c', 'a=b', '-a', 'a\tb', 'a\nb', 'a%sb', 'a#b'])(
  'an image may lie in a directory named %j',
  async (name, context) => {
    const root = smallImage(context, name);
    const { stdout } = await Container.run(
      Image.directory(root),
      sh('cat /data/file; echo changed > /data/file; cat /data/file'),
    );
    expect(stdout).toBe('of the image\nchanged\n');
  },
);

test('an image may lie as deep as a path can be long', async (context) => {
  // Ten names of 250 bytes, far more than the options of mount(2) and fsconfig(2) take.
  const root = smallImage(context, Array.from({ length: 10 }, () => 'x'.repeat(250)).join('/'));
  expect((await Container.run(Image.directory(root), ['cat', '/data/file'])).stdout).toBe('of the image\n');
});

test('the path of an image may be a symbolic link, and relative', async (context) => {
  const root = smallImage(context);
  const link = join(temporaryDirectory(context), 'link');
  symlinkSync(root, link);
  expect((await Container.run(Image.directory(link), ['cat', '/data/file'])).stdout).toBe('of the image\n');
  const before = process.cwd();
  context.onTestFinished(() => process.chdir(before));
  process.chdir(root);
  const image = Image.directory('.');
  process.chdir('/');
  expect((await Container.run(image, ['cat', '/data/file'])).stdout).toBe('of the image\n');
});

test('modes in a container do not depend on the umask of this process', async (context) => {
  const before = process.umask(0o077);
  context.onTestFinished(() => void process.umask(before));
  const { stdout } = await Container.run(busybox(context), sh('stat -c %a / /dev /dev/null /dev/shm /work; umask'), {
    workdir: '/work',
  });
  expect(stdout).toBe('755\n755\n666\n1777\n755\n0022\n');
});

test('an image without any of the standard directories gets them', async (context) => {
  const root = temporaryDirectory(context, 0o755);
  cpSync(join(busyboxTree(context), 'bin/busybox'), join(root, 'busybox'));
  const { stdout } = await Container.run(Image.directory(root), ['/busybox', 'ls', '/']);
  expect(stdout).toBe('busybox\ndev\netc\nproc\nsys\n');
  expect(readdirSync(root)).toEqual(['busybox']);
});

test('hard links stay one file, and sparse files sparse', async (context) => {
  const script = sh(`cd /tmp; echo x > a; ln a b; echo y >> b; cat a; stat -c %h a
    truncate -s 1000000000 sparse && [ $(du -k sparse | cut -f1) -lt 1000 ] && echo sparse`);
  expect(await Container.run(busybox(context), script)).toMatchObject({ stdout: 'x\ny\n2\nsparse\n', stderr: '' });
});

test('removing a container removes files that nobody may read, and directories nobody may enter', async (context) => {
  const script =
    sh(`mkdir -p /locked/deep/deeper; echo x > /locked/deep/file; chmod 0 /locked/deep/file /locked/deep/deeper /locked/deep /locked
    cd /tmp; for i in $(seq 200); do mkdir $i; cd $i; done`);
  const { exitCode } = await Container.run(busybox(context), script);
  expect(exitCode).toBe(0);
  expect(readdirSync(join(store, 'containers'))).toEqual([]);
});

test('the image of this machine has its programs, and none of its secrets', async (context) => {
  const secret = join(temporaryDirectory(context), 'secret');
  writeFileSync(secret, 'secret');
  chmodSync(secret, 0o644);
  const script = sh(
    `cat ${secret} /etc/shadow 2>/dev/null; ls -A /home /root /run /mnt /srv /tmp; ls /usr/bin | wc -l; echo x > /etc/new; echo $?`,
  );
  const { stdout } = await Container.run(Image.host(), script);
  const lines = stdout
    .trim()
    .split('\n')
    .filter((line) => line !== '' && !line.endsWith(':'));
  expect(lines).toEqual([`${readdirSync('/usr/bin').length}`, '0']);
});

test.runIf(isRoot)('what a container writes to the programs of this machine stays with it', async (context) => {
  // Without root, they belong to a user that does not exist in the container.
  requires(context, !existsSync('/usr/bin/caisson-test'), 'a machine without /usr/bin/caisson-test');
  const script = sh(
    'echo x > /usr/bin/caisson-test && rm /usr/bin/env && ls /usr/bin | grep -E "^(caisson-test|env)$"',
  );
  expect((await Container.run(Image.host(), script)).stdout).toBe('caisson-test\n');
  expect([existsSync('/usr/bin/caisson-test'), existsSync('/usr/bin/env')]).toEqual([false, true]);
});
