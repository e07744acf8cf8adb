/** All files of a container as one archive. */
import { execFileSync } from 'node:child_process';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Container, Image } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary.ts';
import { runUnprivileged } from '../support/unprivileged.ts';
import { busybox, isRoot, privateStore, sh } from './fixture.ts';

privateStore();

async function exported(context: TestContext, container: Container): Promise<string> {
  const archive = join(temporaryDirectory(context), 'rootfs.tar');
  await pipeline(container.export(), createWriteStream(archive));
  return archive;
}

const namesIn = (archive: string) => execFileSync('tar', ['-tf', archive], { encoding: 'utf8' }).trim().split('\n');

test("a container's files are those of its image and its own, without what it has deleted", async (context) => {
  const script = 'echo a > /added; rm /etc/group; rm -r /home; mkdir /home; echo b > /home/b';
  await using container = await Container.start(busybox(context), { command: sh(script) });
  await container.wait();
  const archive = await exported(context, container);
  const names = namesIn(archive);
  expect(names).toContain('added');
  expect(names.filter((name) => /^(home|etc)\//.test(name))).toEqual(['etc/', 'etc/passwd', 'home/', 'home/b']);
  const directory = temporaryDirectory(context);
  execFileSync('tar', ['-xf', archive, '-C', directory]);
  expect(readFileSync(join(directory, 'added'), 'utf8')).toBe('a\n');
  await using again = await Container.start(Image.directory(directory), { command: ['cat', '/home/b'] });
  expect((await again.stdout.toArray()).join('')).toBe('b\n');
});

test('what is mounted into a running container is left out, and its places stay', async (context) => {
  await using container = await Container.start(busybox(context), {
    mounts: [{ type: 'tmpfs', target: '/memory' }],
    command: sh('echo a > /memory/a; echo; exec sleep 100'),
  });
  for await (const _ of container.stdout) break;
  const names = namesIn(await exported(context, container));
  expect(names.filter((name) => /^(proc|sys|dev|memory)\//.test(name))).toEqual(['dev/', 'memory/', 'proc/', 'sys/']);
});

test('a container that was made of a snapshot has the files of both', async (context) => {
  await using first = await Container.start(busybox(context), { command: sh('echo a > /a; echo b > /b') });
  await first.wait();
  await using second = await Container.start(await first.snapshot(), { command: sh('rm /a; echo c > /c') });
  await second.wait();
  const names = namesIn(await exported(context, second));
  expect(names.filter((name) => /^[abc]$/.test(name))).toEqual(['b', 'c']);
  expect(await Image.import(second.export(), { reference: 'exported' })).toMatchObject({ digest: expect.any(String) });
  expect((await Container.run(await Image.get('exported'), ['cat', '/b', '/c'])).stdout).toBe('b\nc\n');
});

test.runIf(isRoot)("a container of this machine has the machine's programs, and its changes of them", async () => {
  await using container = await Container.start(Image.host(), {
    command: sh('echo mine > /usr/bin/mine; rm /usr/bin/env'),
  });
  await container.wait();
  // All of /usr is more than a test needs to write down.
  const listing = execFileSync('find', ['/usr/bin', '-name', 'cat'], { encoding: 'utf8' }).trim();
  const names = await namesUntil(container, 'usr/games/');
  expect(names.has('usr/bin/mine')).toBe(true);
  expect(names.has('usr/bin/env')).toBe(false);
  expect(names.has(listing.slice(1))).toBe(true);
});

/** The names of an archive that is given up at one of them. */
async function namesUntil(container: Container, last: string): Promise<Set<string>> {
  const names = new Set<string>();
  const { Parser } = await import('tar');
  const parser = new Parser({
    onReadEntry(entry) {
      names.add(entry.path);
      entry.resume();
    },
  });
  for await (const chunk of container.export()) {
    parser.write(chunk);
    if (names.has(last)) break;
  }
  return names;
}

test('nothing stays open of an export that nobody reads to its end', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['true'] });
  await container.wait();
  const before = readdirSync('/proc/self/fd').length;
  for await (const _ of container.export()) break;
  await expect.poll(() => readdirSync('/proc/self/fd').length).toBe(before);
});

test('without root, too, files are exported, as owned by root', async (context) => {
  const { stdout, stderr } = await runUnprivileged(
    context,
    `
      import { execFileSync } from 'node:child_process';
      import { createWriteStream, mkdirSync } from 'node:fs';
      import { pipeline } from 'node:stream/promises';
      import { Container, Image } from 'caisson';
      mkdirSync('tree/bin', { recursive: true });
      const container = await Container.create(Image.directory('tree'), { command: ['true'] });
      await container.fs.writeFile('/bin/file', 'content', { mode: 0o750 });
      await pipeline(container.export(), createWriteStream('rootfs.tar'));
      console.log(execFileSync('tar', ['--numeric-owner', '-tvf', 'rootfs.tar'], { encoding: 'utf8' }));
      await container.remove();
    `,
  );
  expect(stderr).toBe('');
  expect(stdout).toMatch(/-rwxr-x--- 0\/0 +7 .* bin\/file/);
});
