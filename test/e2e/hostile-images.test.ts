/** Images whose standard directories are traps: nothing outside of the container changes. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary.ts';
import { busyboxCopy, privateStore, sh } from './fixture.ts';

privateStore();

/** A directory outside of every container, which must not change. */
interface Canary {
  readonly path: string;
  expectUntouched(): void;
}

function makeCanary(context: TestContext): Canary {
  const path = temporaryDirectory(context, 0o777);
  for (const name of ['ptmx', 'null', 'shm', 'pts']) writeFileSync(join(path, name), name);
  const list = () => execFileSync('find', [path, '-printf', '%P %y %m %s %T@\\n'], { encoding: 'utf8' });
  const before = list();
  return { path, expectUntouched: () => expect(list()).toBe(before) };
}

/** A copy of busybox's tree, for a test to spoil. */
function spoilt(context: TestContext, spoil: (root: string) => void): Image {
  const root = busyboxCopy(context);
  spoil(root);
  return Image.directory(root);
}

const standard = ['/proc', '/dev', '/sys'];

// CVE-2019-19921, CVE-2023-27561, CVE-2025-54867; /dev: CVE-2026-41579, CVE-2026-47766.
test.for(standard)('an image whose %s is a symbolic link is refused', async (name, context) => {
  const canary = makeCanary(context);
  for (const target of [canary.path, `${'../'.repeat(20)}${canary.path.slice(1)}`, '/home', '/missing']) {
    const image = spoilt(context, (root) => {
      rmSync(join(root, name), { recursive: true });
      symlinkSync(target, join(root, name));
    });
    await expect(Container.run(image, ['true'])).rejects.toMatchObject({
      code: 'ELOOP',
      message: expect.stringContaining(name),
    });
    await expect(Container.start(image, { command: ['sh'], tty: true, init: true })).rejects.toMatchObject({
      code: 'ELOOP',
    });
  }
  canary.expectUntouched();
});

test.for(standard)('an image whose %s is a file is refused', async (name, context) => {
  const image = spoilt(context, (root) => {
    rmSync(join(root, name), { recursive: true });
    writeFileSync(join(root, name), '');
  });
  await expect(Container.run(image, ['true'])).rejects.toMatchObject({
    code: 'ENOTDIR',
    message: expect.stringContaining(name),
  });
});

// CVE-2025-31133, CVE-2026-88265: /dev is never the image's.
test('what an image has in its /dev is not used', async (context) => {
  const canary = makeCanary(context);
  const image = spoilt(context, (root) => {
    for (const name of ['null', 'ptmx', 'shm', 'pts', 'console', '.masked']) {
      symlinkSync(join(canary.path, name), join(root, 'dev', name));
    }
  });
  for (const options of [{}, { tty: true }, { readOnly: true }]) {
    const { stdout, exitCode } = await Container.run(
      image,
      sh('echo x > /dev/null; echo x > /dev/shm/x; ls -A /dev'),
      options,
    );
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('masked');
  }
  canary.expectUntouched();
});

// CVE-2024-21626: descriptors of the host as a working directory, or on the way to a command.
test('no descriptor of this machine can be entered or run', async (context) => {
  const image = spoilt(context, (root) => symlinkSync('/proc/self/fd', join(root, 'descriptors')));
  for (let descriptor = 3; descriptor < 24; descriptor++) {
    for (const directory of ['/proc/self/fd', '/descriptors']) {
      const workdir = `${directory}/${descriptor}`;
      await expect(Container.run(image, ['/bin/pwd'], { workdir }), workdir).rejects.toThrow();
      const command = [`${workdir}/../../bin/sh`, '-c', 'true'];
      await expect(Container.run(image, command), command[0]).rejects.toMatchObject({ exitCode: expect.any(Number) });
    }
  }
});

test('no descriptor of this machine can be entered or run by an executed process', async (context) => {
  await using container = await Container.start(
    spoilt(context, () => {}),
    { command: ['sleep', '60'] },
  );
  for (let descriptor = 3; descriptor < 24; descriptor++) {
    const directory = `/proc/self/fd/${descriptor}`;
    await expect(container.exec(['/bin/pwd'], { workdir: directory }), directory).rejects.toMatchObject({
      code: 'WORKDIR_NOT_FOUND',
    });
    await expect(container.exec([`${directory}/../../bin/sh`])).rejects.toMatchObject({ exitCode: expect.any(Number) });
  }
});

test('a working directory through symbolic links stays inside', async (context) => {
  const canary = makeCanary(context);
  const image = spoilt(context, (root) => {
    symlinkSync(`${'../'.repeat(20)}tmp`, join(root, 'up'));
    mkdirSync(join(root, 'home/inside'));
    symlinkSync('/home', join(root, 'absolute'));
  });
  expect((await Container.run(image, ['/bin/pwd'], { workdir: '/up/made' })).stdout).toBe('/tmp/made\n');
  expect((await Container.run(image, ['ls'], { workdir: '/absolute' })).stdout).toBe('app\ninside\n');
  canary.expectUntouched();
});

// CVE-2024-9676, CVE-2026-47262: what is read of an image is small, and of the image.
test.for([
  [
    'a symbolic link out of the image',
    (path: string, canary: Canary) => symlinkSync(join(canary.path, 'passwd'), path),
  ],
  ['a link to an endless device', (path: string) => symlinkSync('/dev/zero', path)],
  ['a FIFO', (path: string) => execFileSync('mkfifo', [path])],
  ['a directory', (path: string) => mkdirSync(path)],
  ['huge and sparse', (path: string) => execFileSync('truncate', ['-s', '1T', path])],
] as const)('an image whose /etc/passwd is %s does not name users', async ([, spoil], context) => {
  const canary = makeCanary(context);
  writeFileSync(join(canary.path, 'passwd'), 'stranger:x:0:0::/:/bin/sh\n');
  const image = spoilt(context, (root) => {
    const path = join(root, 'etc/passwd');
    rmSync(path);
    spoil(path, canary);
  });
  const codes = expect.stringMatching(/^(USER_NOT_FOUND|INVALID_USER)$/);
  await expect(Container.run(image, ['true'], { user: 'stranger' })).rejects.toMatchObject({ code: codes });
});

// CVE-2026-46680: a number is an id, whatever the image names so.
test('an image cannot name a user by a number', async (context) => {
  const image = spoilt(context, (root) => {
    writeFileSync(join(root, 'etc/passwd'), '99999999999:x:0:0::/:/bin/sh\n4242:x:0:0::/:/bin/sh\n');
  });
  await expect(Container.run(image, ['id'], { user: '99999999999' })).rejects.toMatchObject({ code: 'INVALID_USER' });
  const named = Container.run(image, ['id', '-u'], { user: '4242' });
  const outcome = await named.then(
    ({ stdout }) => stdout,
    ({ code }: { code: string }) => code,
  );
  expect(['4242\n', 'USER_NOT_MAPPED']).toContain(outcome);
});
