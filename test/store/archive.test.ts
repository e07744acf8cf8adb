import { execFileSync } from 'node:child_process';
import {
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, type TestContext, test } from 'vitest';
import { readArchive, writeArchive } from '../../store/archive.ts';
import { digestOf } from '../../store/digest.ts';
import { readTar } from '../../store/layer/read.ts';
import { openStore } from '../../store/layout.ts';
import { openSource } from '../../store/source.ts';
import { requires } from '../support/requires.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { has } from './support/programs.ts';
import { collect, inChunks } from './support/streams.ts';
import { encodeEntry, encodeHeader, tar } from './support/tar-writer.ts';

/** The members of an archive: type, name, target or content. */
async function read(archive: Uint8Array, chunkSize?: number): Promise<string[]> {
  const members: string[] = [];
  await readArchive(inChunks(archive, chunkSize), ({ type, path, linkpath }) => {
    members.push(`${type} ${path}${linkpath === undefined ? '' : ` -> ${linkpath}`}`);
  });
  return members;
}

/** An archive, opened as an image's files are. */
async function open(context: TestContext, archive: Uint8Array) {
  const directory = temporaryDirectory(context);
  const [path, staging] = [join(directory, 'image.tar'), join(directory, 'staging')];
  writeFileSync(path, archive);
  const source = await openSource(openStore(join(directory, 'store')), path, staging);
  return { source, textOf: (name: string) => readFileSync(source.find(name)?.path ?? '', 'utf8') };
}

const openFiles = () =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });

const GNU_SPARSE = encodeHeader({ name: 'old', type: 'S' }, 0);
const member = (name: string, content: string) => ({
  name,
  size: content.length,
  content: () => [Buffer.from(content)],
});

test.each([1, 7, 511, 512, 513, 65_536])('an archive is read the same in chunks of %d bytes', async (size) => {
  const archive = tar(
    { name: 'dir/', type: '5' },
    { name: 'dir/file', content: 'x'.repeat(700), pax: { path: `${'long/'.repeat(40)}name` } },
    { name: 'hard', type: '1', link: 'dir/file' },
    { name: 'link', type: '2', link: '../file' },
    { name: 'empty' },
  );
  expect(await read(archive, size)).toEqual([
    'Directory dir/',
    `File ${'long/'.repeat(40)}name`,
    'Link hard -> dir/file',
    'SymbolicLink link -> ../file',
    'File empty',
  ]);
});

test('no more of an archive is read before what was read of a big member has been taken', async () => {
  const [chunks, bytes] = [2000, 512 * 1024];
  let sent = 0;
  let taken = 0;
  const chunk = Buffer.alloc(bytes);
  async function* archive() {
    yield encodeHeader({ name: 'big' }, chunks * bytes);
    for (; sent < chunks * bytes; sent += bytes) {
      expect(taken).toBe(sent);
      yield chunk;
    }
    yield Buffer.alloc(1024);
  }
  await readArchive(archive(), (entry) => {
    entry.on('data', (piece) => {
      taken += piece.length;
    });
  });
  expect(taken).toBe(chunks * bytes);
});

test('what follows the end of an archive is read and not kept', async () => {
  const end = tar({ name: 'file', content: 'x' });
  async function* archive() {
    yield end;
    for (let at = 0; at < 2000; at++) yield Buffer.alloc(64 * 1024, 'x');
  }
  const before = process.memoryUsage().arrayBuffers;
  await readArchive(archive(), () => {});
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(100_000_000);
});

describe('an error says what is wrong with an archive', () => {
  const content = 'x'.repeat(700);
  const good = tar({ name: 'file', content });
  const flipped = Buffer.from(good);
  flipped.writeUInt8(good.readUInt8(3) ^ 1, 3);
  const patched = (field: number, text: string) =>
    encodeHeader({ name: 'file' }, 0, (block) => void block.write(text, field, 'latin1'));
  const pax = (key: string, value: string) => tar({ name: 'GNUSparseFile.1/sparse', content, pax: { [key]: value } });

  test.for<[string, Buffer, string | RegExp]>([
    ['is not one', Buffer.from('no archive '.repeat(100)), 'checksum failure'],
    ['is empty', Buffer.alloc(0), 'Unrecognized archive format'],
    ['has a damaged header', flipped, 'checksum failure'],
    ['ends in content', good.subarray(0, 1000), /^.*: Truncated input .* in 'file'$/],
    ['ends in padding', good.subarray(0, 512 + 700), /^.*: Truncated input .* in 'file'$/],
    ['ends in a header', tar({ name: 'file' }).subarray(0, 600), 'it ends at byte 600, in the middle of a header'],
    [
      'ends in an extended header',
      encodeEntry({ name: 'p', content, pax: { comment: content } }).subarray(0, 1024),
      /^.*: Truncated input .* in 'pax'$/,
    ],
    [
      'goes on after its end',
      Buffer.concat([encodeEntry({ name: 'a' }), Buffer.alloc(512), good]),
      'there is an entry after its end',
    ],
    ['has a size that is no number', patched(124, 'abcdefghijk\0'), "the size of 'file' is not a number"],
    ['has a negative size', patched(124, '\xff'.repeat(12)), "the size of 'file' is not a number"],
    ['has a size beyond numbers', patched(124, `\x80${'\xff'.repeat(11)}`), 'outside of javascript safe integer range'],
    ['has a link with content', tar({ name: 'a', type: '1', link: 'b', content }), "'a' is a link with content"],
    ['has a link to nothing', tar({ name: 'a', type: '2' }), 'linkpath required'],
    ["has one of GNU's sparse files", GNU_SPARSE, "'old' is of type SparseFile, which is in no image"],
    ['has a sparse file', pax('GNU.sparse.major', '1'), 'a file in it is sparse'],
    ['has a sparse file of old', pax('GNU.sparse.numblocks', '1'), 'a file in it is sparse'],
    ['has what nobody knows', tar({ name: 'a', type: '!' }), "'a' is of type Unsupported, which is in no image"],
  ])('that %s', async ([, archive, reason]) => {
    for (const chunkSize of [100, 65_536]) {
      await expect(read(archive, chunkSize)).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
        message: expect.stringMatching(/^the archive is not valid: /) as string,
      });
      await expect(read(archive, chunkSize)).rejects.toThrow(reason);
    }
  });

  test('that is compressed twice', async (context) => {
    const once = gzipSync(tar({ name: 'file', content: 'x'.repeat(5000) }), { level: 0 });
    expect((await open(context, once)).source.find('file')?.size).toBe(5000);
    await expect(open(context, gzipSync(once))).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringMatching(/^the archive is not valid: /) as string,
    });
  });

  test('that has more members than an image can have', async (context) => {
    const header = encodeHeader({ name: 'dir/', type: '5' }, 0);
    const archive = gzipSync(Buffer.concat(Array.from({ length: 65_537 }, () => header)));
    await expect(open(context, archive)).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: 'the archive is no image: it has more than 65536 members',
    });
  });

  test('that has an extended header of megabytes', async () => {
    await expect(read(encodeEntry({ name: 'p', type: 'x', size: 2 ** 20 + 1 }))).rejects.toMatchObject({
      code: 'LAYER_LIMIT_EXCEEDED',
      message: 'the archive is not unpacked: an extended header has 1048577 bytes, more than 1048576',
    });
  });
});

test('of a name that comes twice, the last is meant', async (context) => {
  const archive = tar({ name: 'a', content: '1' }, { name: './a', content: '2' }, { name: 'b', content: '3' });
  const { source, textOf } = await open(context, archive);
  expect([textOf('a'), textOf('b')]).toEqual(['2', '3']);
  expect(source.find('a')).toMatchObject({ size: 1, digest: digestOf('2') });
});

test('reading is stopped by a signal in the middle of a member, and no file stays open', async (context) => {
  const directory = temporaryDirectory(context);
  const [path, staging] = [join(directory, 'image.tar'), join(directory, 'staging')];
  writeFileSync(path, tar({ name: 'big', content: Buffer.alloc(16_000_000) }));
  const controller = new AbortController();
  const reason = new Error('enough');
  const stopInMember = () => {
    if (existsSync(join(staging, '1'))) controller.abort(reason);
    else setImmediate(stopInMember);
  };
  stopInMember();
  const opening = openSource(openStore(join(directory, 'store')), path, staging, controller.signal);
  await expect(opening).rejects.toMatchObject({ name: 'AbortError', cause: reason });
  expect(statSync(join(staging, '1')).size).toBeLessThan(16_000_000);
  expect(openFiles().filter((file) => file === path || file.startsWith(staging))).toEqual([]);
});

test('what is thrown by who takes a member stops the reading, and closes what is read', async () => {
  let isClosed = false;
  async function* archive() {
    try {
      for (;;) yield tar({ name: 'file', content: 'x' });
    } finally {
      isClosed = true;
    }
  }
  const full = new Error('the disk is full');
  const reading = readArchive(archive(), (entry) => {
    entry.on('data', () => {
      throw full;
    });
  });
  await expect(reading).rejects.toBe(full);
  expect(isClosed).toBe(true);
});

describe('what is written', () => {
  const members = [member('first', 'x'.repeat(700)), member(`blobs/sha256/${'0'.repeat(64)}`, ''), member('b', 'yz')];

  test('says nothing of when and by whom', async () => {
    const archive = await collect(writeArchive(members));
    const entries = [];
    for await (const { name, size, mode, uid, gid, mtimeNs, type } of readTar(inChunks(archive))) {
      entries.push({ name: name.toString(), size, mode, uid, gid, mtimeNs, type });
    }
    const plain = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, type: 'file' };
    expect(entries).toEqual(members.map(({ name, size }) => ({ ...plain, name, size })));
    expect(archive.length).toBe(512 + 1024 + 512 + (512 + 512) + 1024);
    expect(archive.subarray(-1024).every((byte) => byte === 0)).toBe(true);
    expect(await collect(writeArchive(members))).toEqual(archive);
  });

  test.for([
    ['tar', /GNU/],
    ['bsdtar', /bsdtar/],
  ] as const)('is read by %s', async ([program, version], context) => {
    requires(context, has(program, version), program);
    const directory = temporaryDirectory(context);
    writeFileSync(join(directory, 'saved.tar'), await collect(writeArchive(members)));
    const run = (...args: string[]) => execFileSync(program, args, { cwd: directory, encoding: 'utf8' });
    expect(run('-tf', 'saved.tar').trim().split('\n')).toEqual(members.map(({ name }) => name));
    expect(run('-tvf', 'saved.tar').split('\n')[0]).toMatch(
      /^-rw-r--r-- .*\b0\b.*\b0\b.* 700 .*1970.* first$|Jan +1 +1970/,
    );
    expect(run('-xOf', 'saved.tar', 'b')).toBe('yz');
  });

  test('may have more than 8 GiB', async (context) => {
    requires(context, has('tar', /GNU/), 'GNU tar');
    const size = 9 * 1024 ** 3 + 5;
    const directory = temporaryDirectory(context);
    const archive = writeArchive([{ name: 'big', size, content: () => [] }]);
    const { value: header } = await archive.next();
    const fd = openSync(join(directory, 'big.tar'), 'w');
    writeSync(fd, header as Uint8Array);
    ftruncateSync(fd, 512 + Math.ceil(size / 512) * 512 + 1024);
    expect(execFileSync('tar', ['-tvf', join(directory, 'big.tar')], { encoding: 'utf8' })).toMatch(` ${size} `);
    for await (const entry of readTar(inChunks(header as Uint8Array))) {
      expect(entry.size).toBe(size);
      break;
    }
    const sizes: number[] = [];
    const cut = readArchive(inChunks(header as Uint8Array), (entry) => void sizes.push(entry.size));
    await expect(cut).rejects.toThrow('Truncated input');
    expect(sizes).toEqual([size]);
  });
});
