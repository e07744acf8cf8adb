import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { Image } from '../../sdk/index.ts';
import { inspectImage, openStore } from '../store/support/doors.ts';
import { layoutFiles, writeArchive } from '../store/support/image.ts';
import { has } from '../store/support/programs.ts';
import { inChunks } from '../store/support/streams.ts';
import { tar } from '../store/support/tar-writer.ts';
import { requires } from '../support/requires.ts';
import { runScript } from '../support/script.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const ROOT = tar({ name: 'file', content: 'content' });
let directory: string;

beforeEach((context) => {
  directory = temporaryDirectory(context);
  process.env.CAISSON_ROOT = join(directory, 'store');
});

/** The path of a file of these bytes. */
function file(name: string, bytes: Uint8Array): string {
  writeFileSync(join(directory, name), bytes);
  return join(directory, name);
}

/** The digest of an image's configuration: Docker's image id. */
function idOf(digest: string): string {
  const manifest = execFileSync('cat', [join(openStore().blobs, digest.slice(7))], { encoding: 'utf8' });
  return JSON.parse(manifest).config.digest;
}

describe('an image is called', () => {
  test('what it was asked for by, also when it has other names', async () => {
    const first = await Image.import(file('root.tar', ROOT), { reference: 'aaa' });
    const tagged = await first.tag('127.0.0.1:5123/zzz:1');
    expect([first.name, tagged.name]).toEqual(['docker.io/library/aaa:latest', '127.0.0.1:5123/zzz:1']);
    expect((await Image.get('127.0.0.1:5123/zzz:1')).name).toBe('127.0.0.1:5123/zzz:1');
    expect((await tagged.remove()).untagged).toEqual(['127.0.0.1:5123/zzz:1']);
    expect((await Image.get('aaa')).digest).toBe(first.digest);
  });

  test('its digest when it was asked for by that, and is not removed by one of several names', async () => {
    const { digest = '' } = await Image.import(file('root.tar', ROOT), { reference: 'aaa' });
    for (const name of ['bbb', 'ccc']) await (await Image.get('aaa')).tag(name);
    const image = await Image.get(digest);
    expect(image.name).toBe(digest);
    await expect(image.remove()).rejects.toMatchObject({ code: 'IMAGE_HAS_NAMES' });
    await expect(image.push()).rejects.toMatchObject({ code: 'REFERENCE_INVALID' });
  });
});

describe('an image is found by', () => {
  test('the first digits of its digest, and of its id', async () => {
    const { digest = '' } = await Image.import(file('root.tar', ROOT), { reference: 'aaa' });
    const id = idOf(digest);
    for (const text of [digest.slice(7, 19), digest.slice(0, 15), digest.slice(7), id, id.slice(7, 19), id.slice(7)]) {
      expect((await Image.get(text)).digest).toBe(digest);
    }
    await expect(Image.get(digest.slice(7, 10))).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
  });

  test('a name rather than by digits', async () => {
    const { digest = '' } = await Image.import(file('root.tar', ROOT));
    const other = await Image.import(inChunks(tar({ name: 'other' }), 512), { reference: digest.slice(7, 13) });
    expect((await Image.get(digest.slice(7, 13))).digest).toBe(other.digest);
  });
});

describe('an archive is imported', () => {
  test('from a path, a file URL and bytes alike', async () => {
    const path = file('root.tar', ROOT);
    const options = { message: 'same', created: new Date(0) };
    const images = [
      await Image.import(path, options),
      await Image.import(pathToFileURL(path), options),
      await Image.import(ROOT, options),
    ];
    expect(new Set(images.map(({ digest }) => digest)).size).toBe(1);
  });

  test.for(['xz', 'bzip2'])('unless it is compressed with %s, which is said', async (program, context) => {
    requires(context, has(program), program);
    const path = file('root.tar.x', execFileSync(program, ['-c'], { input: ROOT }));
    const message = `'${path}': the archive is compressed with ${program}, which this cannot read`;
    const error = { code: 'ARCHIVE_INVALID', message: expect.stringContaining(message) };
    await expect(Image.import(path)).rejects.toMatchObject({
      ...error,
      hint: expect.stringContaining(`${program} -d`),
    });
    await expect(Image.load(path)).rejects.toMatchObject(error);
    expect(readdirSync(openStore().tmp)).toEqual([]);
  });

  test.for([
    ['nothing', 'missing.tar', undefined, 'IMAGE_NOT_FOUND', 'there is no archive at'],
    ['an empty file', 'empty.tar', Buffer.alloc(0), 'ARCHIVE_INVALID', 'it is empty'],
    ['text', 'text.tar', Buffer.from('hello'.repeat(300)), 'ARCHIVE_INVALID', 'the archive is not valid'],
  ] as const)('and not %s, by an error with its path', async ([, name, bytes, code, reason]) => {
    const path = bytes === undefined ? join(directory, name) : file(name, bytes);
    const error = await Image.import(path).catch((caught: Error) => caught);
    expect(error).toMatchObject({ code, message: expect.stringContaining(path) });
    expect((error as Error).message).toContain(reason);
  });

  test('and not a directory', async () => {
    mkdirSync(join(directory, 'tree'));
    const error = { code: 'IMAGE_INVALID', hint: expect.stringContaining('Image.directory()') };
    await expect(Image.import(join(directory, 'tree'))).rejects.toMatchObject(error);
  });
});

test('an image is loaded from a file URL and from bytes, and for a platform as Docker writes it', async () => {
  const path = writeArchive(directory, layoutFiles({ platform: { os: 'linux', architecture: 'arm64' } }));
  const platform = 'linux/arm64';
  const { digest } = await Image.load(pathToFileURL(path), { platform });
  const bytes = execFileSync('cat', [path]);
  expect((await Image.load(bytes, { platform })).digest).toBe(digest);
  await expect(Image.load(path, { platform: 'linux/riscv64' })).rejects.toMatchObject({ code: 'PLATFORM_NOT_FOUND' });
  expect(inspectImage(openStore(), digest ?? '').platform).toEqual({ os: 'linux', architecture: 'arm64' });
});

test('what is a root file system is not loaded, and the error says what imports it', async () => {
  const hint = expect.stringContaining('Image.import()');
  await expect(Image.load(file('root.tar', ROOT))).rejects.toMatchObject({ code: 'IMAGE_INVALID', hint });
  const text = file('text.tar', Buffer.from('hello'.repeat(300)));
  const error = { code: 'ARCHIVE_INVALID', hint, message: expect.stringContaining(`'${text}': `) };
  await expect(Image.load(text)).rejects.toMatchObject(error);
  expect(() => Image.directory(text)).toThrow(/Image\.import\(\)/);
});

describe('a list', () => {
  test('of a store that is not there is empty, and makes none', async () => {
    expect(await Image.list()).toEqual([]);
    expect(readdirSync(directory)).toEqual([]);
  });

  test('of a store that cannot be written is as ever', async (context) => {
    requires(context, process.geteuid?.() === 0 && has('unshare'), 'root and unshare');
    await Image.import(ROOT, { reference: 'aaa' });
    const script = `
      import { Image } from 'caisson';
      console.log((await Image.list()).map(({ references }) => references).join());`;
    const mount =
      'mount --bind "$CAISSON_ROOT" "$CAISSON_ROOT" && mount -o remount,bind,ro "$CAISSON_ROOT" && exec "$@"';
    const wrap = (command: readonly string[]) => ['unshare', '-m', 'sh', '-c', mount, 'sh', ...command];
    const env = { CAISSON_ROOT: process.env.CAISSON_ROOT ?? '' };
    const { stdout, stderr } = await runScript(context, script, { wrap, env });
    expect([stdout, stderr]).toEqual(['docker.io/library/aaa:latest\n', '']);
  });

  test('is of names and labels', async () => {
    await Image.import(ROOT, { reference: 'ghcr.io/me/one', config: { labels: { team: 'web', stage: '1' } } });
    await Image.import(ROOT, { reference: 'two', config: { labels: { team: 'api' } } });
    const names = async (filter: Parameters<typeof Image.list>[0]) =>
      (await Image.list(filter)).flatMap(({ references }) => references);
    const [one, two] = ['ghcr.io/me/one:latest', 'docker.io/library/two:latest'];
    expect(await names({ reference: 'two' })).toEqual([two]);
    expect(await names({ reference: /^ghcr\.io\//g })).toEqual([one]);
    expect(await names({ label: { team: 'web' } })).toEqual([one]);
    expect(await names({ label: { team: true } })).toEqual([one, two]);
    expect(await names({ reference: /two/, label: { stage: true } })).toEqual([]);
  });
});
