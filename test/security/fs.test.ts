/**
 * Files of a hostile container, reached from outside: nothing in there, and nobody who changes it meanwhile, leads
 * anywhere else (CVE-2018-15664, CVE-2019-14271, CVE-2026-41567 and others of docker cp).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Container, Image } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { privateStore, sh } from '../e2e/fixture.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';

privateStore();

const ROUNDS = 200;

/** A place of this machine that only this test may change: what lies at the same path in a container is another. */
function canary(context: TestContext): { directory: string; isUntouched(): boolean } {
  const directory = temporaryDirectory(context);
  const file = join(directory, 'file');
  writeFileSync(file, 'of the machine');
  const before = statSync(file);
  const isUntouched = () => {
    const now = statSync(file);
    return (
      readFileSync(file, 'utf8') === 'of the machine' &&
      readdirSync(directory).join() === 'file' &&
      [now.mode, now.uid, now.mtimeMs, now.ino].join() === [before.mode, before.uid, before.mtimeMs, before.ino].join()
    );
  };
  return { directory, isUntouched };
}

async function start(script?: string): Promise<Container> {
  return Container.start(Image.host(), { command: script === undefined ? ['sleep', '60'] : sh(script) });
}

test('links that lead out lead to the container’s own files', async (context) => {
  const { directory, isUntouched } = canary(context);
  await using container = await start();
  const { fs } = container;
  await fs.symlink(directory, '/absolute');
  await fs.symlink(`${'../'.repeat(20)}${directory}`, '/relative');
  for (const link of ['/absolute', '/relative']) {
    await expect(fs.readFile(`${link}/file`)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(fs.writeFile(`${link}/file`, 'changed')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(fs.rm(`${link}/file`)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(container.copyOut(`${link}/file`, temporaryDirectory(context))).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
    });
  }
  await fs.mkdir(directory, { recursive: true });
  await fs.writeFile('/absolute/file', 'of the container');
  expect(await fs.readFile(join(directory, 'file'), 'utf8')).toBe('of the container');
  expect(isUntouched()).toBe(true);
});

test('links of /proc that are none are not followed', async (context) => {
  const { directory, isUntouched } = canary(context);
  await using container = await start();
  for (const path of ['/proc/1/root', '/proc/1/cwd', '/proc/1/exe', '/proc/1/fd/0'])
    await expect(container.fs.readFile(`${path}${path.endsWith('t') ? directory : ''}`), path).rejects.toMatchObject({
      code: expect.stringMatching(/^(ELOOP|EACCES)$/),
    });
  for (const path of ['/proc/self/root', '/proc/self/fd/4', '/proc/thread-self/cwd'])
    await expect(container.fs.readFile(path), path).rejects.toMatchObject({ code: 'ENOENT' });
  expect(isUntouched()).toBe(true);
});

test('what is no file is not opened, and makes nobody wait', async () => {
  await using container = await start('mkfifo /tmp/fifo; sleep 60');
  await expect
    .poll(() =>
      container.fs.lstat('/tmp/fifo').then(
        (stats) => stats.isFIFO(),
        () => false,
      ),
    )
    .toBe(true);
  await expect(container.fs.readFile('/tmp/fifo')).rejects.toMatchObject({ code: 'ENXIO' });
  await expect(container.fs.writeFile('/tmp/fifo', 'x')).rejects.toMatchObject({ code: 'ENXIO' });
  await expect(container.fs.readFile('/dev/zero')).rejects.toMatchObject({ code: 'EACCES' });
  await expect(container.fs.writeFile('/dev/null', 'x')).rejects.toMatchObject({ code: 'EACCES' });
  await expect(container.fs.open('/dev/tty')).rejects.toMatchObject({ code: 'EACCES' });
  expect((await container.fs.stat('/dev/null')).isCharacterDevice()).toBe(true);
  await container.kill();
});

test('a link that an earlier copy has left is not followed by the next one', async (context) => {
  const { directory, isUntouched } = canary(context);
  const target = temporaryDirectory(context);
  await using container = await start();
  await container.fs.mkdir('/out');
  await container.fs.symlink(directory, '/out/place');
  await container.copyOut('/out/.', target);
  await container.fs.rm('/out/place');
  await container.fs.mkdir('/out/place');
  await container.fs.writeFile('/out/place/file', 'of the container');
  await expect(container.copyOut('/out/.', target)).rejects.toMatchObject({ code: 'NOT_A_DIRECTORY' });
  await container.fs.rm('/out/place', { recursive: true });
  await container.fs.writeFile('/out/place', 'of the container');
  await container.copyOut('/out/.', target);
  expect(readFileSync(join(target, 'place'), 'utf8')).toBe('of the container');
  expect(isUntouched()).toBe(true);
});

test('programs that would run as their owner are not let out, and devices are not either', async (context) => {
  const target = temporaryDirectory(context);
  await using container = await start('cp /bin/true /tmp/program; chmod 6755 /tmp/program; echo; sleep 60');
  await new Promise((resolve) => container.stdout.once('data', resolve));
  await container.copyOut('/tmp/.', target);
  const left = await container.copyOut('/dev/null', target);
  await container.kill();
  expect(lstatSync(join(target, 'program')).mode & 0o7777).toBe(0o755);
  expect(existsSync(join(target, 'null'))).toBe(false);
  expect(left).toEqual({ files: 0, bytes: 0, losses: ['1 device left out'] });
});

/** Swaps a directory, a file and links that lead out, as fast as it can, until it is killed. */
const SWAPPER = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
  puts("swapping");
  fflush(stdout);
  for (;;) {
    renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE);
    renameat2(AT_FDCWD, argv[3], AT_FDCWD, argv[4], RENAME_EXCHANGE);
  }
}
`;

test('somebody who swaps directories, files and links meanwhile gets nothing out, and nothing in', async (context) => {
  const { directory, isUntouched } = canary(context);
  const program = temporaryDirectory(context, 0o755);
  writeFileSync(join(program, 'swap.c'), SWAPPER);
  try {
    execFileSync('cc', ['-static', '-O2', '-o', join(program, 'swap'), join(program, 'swap.c')]);
  } catch (error) {
    requires(context, false, `a C compiler (${error})`);
  }
  await using container = await start();
  await container.copyIn(join(program, 'swap'), '/swap');
  // /at/place is a directory, or a link to the canary; /at/file is a file, or a link into it.
  await container.exec(
    sh(`mkdir -p /at/place /at/tree/below; echo inside > /at/place/file; echo inside > /at/file
    ln -s ${directory} /at/link; ln -s ${directory}/file /at/filelink; cp -r /at/place /at/tree/below`),
  );
  await using swapper = {
    process: await container.spawn(['/swap', '/at/place', '/at/link', '/at/file', '/at/filelink']),
    async [Symbol.asyncDispose]() {
      this.process.kill('SIGKILL');
      await this.process.wait();
    },
  };
  await new Promise((resolve) => swapper.process.stdout.once('data', resolve));

  const { fs } = container;
  const target = temporaryDirectory(context);
  const source = temporaryDirectory(context);
  mkdirSync(join(source, 'place'));
  writeFileSync(join(source, 'place/other'), 'copied in');
  const seen = new Set<string>();
  const look = async (act: () => Promise<unknown>) => {
    try {
      seen.add(String(await act()));
    } catch (error) {
      seen.add(String((error as NodeJS.ErrnoException).code));
    }
  };
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([
      look(() => fs.readFile('/at/place/file', 'utf8')),
      look(() => fs.readFile('/at/file', 'utf8')),
      look(() => fs.writeFile('/at/place/file', 'written')),
      look(() => fs.chmod('/at/file', 0o777).then(() => 'done')),
      look(() => fs.chown('/at/place/file', 0, 0).then(() => 'done')),
      look(() => fs.utimes('/at/filelink', 1, 1).then(() => 'done')),
      look(() => fs.rm('/at/place/file').then(() => 'done')),
      look(() => fs.rename('/at/place/file', '/at/place/renamed').then(() => 'done')),
    ]);
    await look(() => container.copyOut('/at', join(target, `${round}`)).then(() => 'done'));
    await look(() => container.copyIn(`${source}/.`, '/at').then(() => 'done'));
  }
  expect(seen).not.toContain('of the machine');
  expect(seen).toContain('done');
  expect(isUntouched()).toBe(true);
  const leaked = execFileSync('sh', ['-c', `grep -rl "of the machine" . || true`], { cwd: target, encoding: 'utf8' });
  expect(leaked).toBe('');
});

test('somebody who swaps what is removed loses only his own', async (context) => {
  const { directory, isUntouched } = canary(context);
  await using container = await start(
    `mkdir -p /a /b; ln -s ${directory} /b/link; while :; do mkdir -p /a/x/y /b/x/y; mv /a/x /a/z; ln -s /b /a/x; rm -rf /a/z /a/x; done`,
  );
  for (let round = 0; round < ROUNDS; round++) {
    await container.fs.rm('/a', { recursive: true, force: true }).catch(() => undefined);
    await container.fs.mkdir('/a').catch(() => undefined);
  }
  await container.kill();
  expect(await container.fs.readlink('/b/link')).toBe(directory);
  expect(isUntouched()).toBe(true);
});
