import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freeMemory } from '../../../store/layer/free-memory.ts';
import { readTar, type TarEntry } from '../../../store/layer/read.ts';
import { requires } from '../../support/requires.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { has } from '../support/programs.ts';
import { inChunks } from '../support/streams.ts';
import { encodeEntry, encodeHeader, paxRecord, tar } from '../support/tar-writer.ts';

interface Read extends Partial<TarEntry> {
  readonly text: string;
}

/** The entries of an archive with their content; holes as NULs. */
const read = (archive: Uint8Array, chunkSize?: number) => readAll(inChunks(archive, chunkSize));

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Read[]> {
  const entries: Read[] = [];
  for await (const entry of readTar(chunks)) {
    const content = Buffer.alloc(entry.size);
    for await (const { offset, bytes } of entry.content()) bytes.copy(content, offset);
    entries.push({ ...entry, text: content.toString('latin1') });
  }
  return entries;
}

const names = (entries: readonly Read[]) => entries.map(({ name }) => name?.toString());

test.each([1, 7, 511, 512, 513, 65_536])('an archive is read the same in chunks of %d bytes', async (size) => {
  const archive = tar(
    { name: 'dir/', type: '5', mode: 0o755 },
    { name: 'dir/file', content: 'x'.repeat(700), pax: { mtime: '1.5', path: 'dir/longer' } },
    { name: 'link', type: '2', link: 'dir/file' },
  );
  const entries = await read(archive, size);
  expect(names(entries)).toEqual(['dir/', 'dir/longer', 'link']);
  expect(entries[1]).toMatchObject({ type: 'file', size: 700, mtimeNs: 1_500_000_000n, text: 'x'.repeat(700) });
  expect(entries[2]).toMatchObject({ type: 'symlink', linkName: Buffer.from('dir/file') });
});

test('content that nobody reads is passed over', async () => {
  const archive = tar({ name: 'a', content: 'x'.repeat(5000) }, { name: 'b', content: 'y' });
  const found: string[] = [];
  for await (const { name } of readTar(inChunks(archive, 100))) found.push(name.toString());
  expect(found).toEqual(['a', 'b']);
});

test('every kind of entry is read', async () => {
  const archive = tar(
    { name: 'hard', type: '1', link: 'target' },
    { name: 'null', type: '3', device: [1, 3] },
    { name: 'sda', type: '4', device: [8, 0] },
    { name: 'fifo', type: '6' },
    { name: 'contiguous', type: '7', content: 'c' },
    { name: 'old-directory/', type: '0' },
  );
  expect((await read(archive)).map(({ type, major, minor }) => [type, major, minor])).toEqual([
    ['hardlink', 0, 0],
    ['character-device', 1, 3],
    ['block-device', 8, 0],
    ['fifo', 0, 0],
    ['file', 0, 0],
    ['directory', 0, 0],
  ]);
});

test('a size of a link is not that of content, as Go has it', async () => {
  const archive = Buffer.concat([encodeHeader({ name: 'link', type: '1', link: 'a' }, 4711), tar({ name: 'next' })]);
  expect(names(await read(archive))).toEqual(['link', 'next']);
});

test('the size in a PAX header counts, not the one in the header after it', async () => {
  // CVE-2025-62518: who goes by the header takes the content for entries of the archive.
  const hidden = tar({ name: 'hidden', content: 'h' });
  const archive = Buffer.concat([
    encodeEntry({ name: 'pax', type: 'x', content: paxRecord('size', String(hidden.length)) }),
    encodeHeader({ name: 'carrier' }, 0),
    hidden,
    tar({ name: 'next' }),
  ]);
  expect(names(await read(archive))).toEqual(['carrier', 'next']);
});

test('long names of GNU are read', async () => {
  const long = `${'d'.repeat(150)}/${'f'.repeat(150)}`;
  const archive = tar(
    { name: '././@LongLink', type: 'L', content: `${long}\0` },
    { name: '././@LongLink', type: 'K', content: `${long}/target\0` },
    { name: 'short', type: '2', link: 'short' },
    { name: 'next' },
  );
  const [link, next] = await read(archive);
  expect(link).toMatchObject({ name: Buffer.from(long), linkName: Buffer.from(`${long}/target`) });
  expect(next?.name?.toString()).toBe('next');
});

test('a global header changes nothing, as Go has it', async () => {
  const global = paxRecord('path', 'everything');
  expect(names(await read(tar({ name: 'g', type: 'g', content: global }, { name: 'file' })))).toEqual(['file']);
});

test('extended attributes are bytes', async () => {
  const value = Buffer.from([1, 0, 0, 2, 0x0a, 0xff]);
  const [entry] = await read(tar({ name: 'ping', pax: { 'SCHILY.xattr.security.capability': value } }));
  expect(entry?.xattrs).toEqual(new Map([['security.capability', value]]));
});

test('what follows the end of the archive is read, and is nothing', async () => {
  const source = inChunks(Buffer.concat([tar({ name: 'a' }), Buffer.from('rubbish '.repeat(1000))]), 100);
  for await (const _ of readTar(source));
  expect(await source.next()).toEqual({ value: undefined, done: true });
});

test('an archive may end without its end', async () => {
  expect(names(await read(encodeEntry({ name: 'a', content: 'b' })))).toEqual(['a']);
  expect(await read(Buffer.alloc(0))).toEqual([]);
});

test('the stream is closed when the reader stops early', async () => {
  const source = inChunks(tar({ name: 'a' }, { name: 'b' }), 512);
  for await (const _ of readTar(source)) break;
  expect(await source.next()).toEqual({ value: undefined, done: true });
});

describe('refused is', () => {
  const bomb = encodeEntry({ name: 'pax', type: 'x', size: 1024 ** 3 });
  test.each([
    ['content that is cut short', encodeEntry({ name: 'a', size: 5000, content: 'short' }), /too early/],
    ['a header that is cut short', tar({ name: 'a' }).subarray(0, 100), /too early/],
    ['a PAX header of a gigabyte', bomb, /1073741824 bytes, more than 1048576/],
    [
      'a PAX header of nothing',
      encodeEntry({ name: 'pax', type: 'x', content: '6 a=b\n' }),
      /after an extended header/,
    ],
    ['an unknown kind', tar({ name: 'a', type: 'M' }), /of type "M"/],
    ['something else than an archive', Buffer.from('not a tar archive'.repeat(100)), /not a number|checksum/],
    ['an entry after one block of zeros', Buffer.concat([Buffer.alloc(512), tar({ name: 'a' })]), /after its end/],
  ])('%s', async (_, archive, message) => {
    await expect(read(archive)).rejects.toThrow(message);
  });
});

/** Chunks whose memory is gone when the next is asked for. */
async function* passing(archive: Uint8Array, chunkSize: number): AsyncGenerator<Uint8Array> {
  for await (const chunk of inChunks(archive, chunkSize)) {
    const copy = Uint8Array.from(chunk);
    yield copy;
    freeMemory(copy.buffer);
  }
}

describe('a sparse file is whole that GNU tar wrote as', () => {
  test.for([
    ['--format=gnu'],
    ['--format=posix', '--sparse-version=0.0'],
    ['--format=posix', '--sparse-version=0.1'],
    ['--format=posix', '--sparse-version=1.0'],
  ])('%s %s', async (options, context) => {
    requires(context, has('tar', /GNU/), 'GNU tar');
    const directory = temporaryDirectory(context);
    writeSparse(join(directory, 'sparse'), 200);
    writeFileSync(join(directory, 'after'), 'after');
    const archive = execFileSync('tar', ['-c', '--sparse', ...options, '-C', directory, 'sparse', 'after']);
    const entries = await read(archive);
    const [sparse, after] = entries;
    expect(sparse).toMatchObject({ name: Buffer.from('sparse'), isSparse: true });
    expect(sparse?.text === readFileSync(join(directory, 'sparse'), 'latin1')).toBe(true);
    expect(archive.length).toBeLessThan(sparse?.size ?? 0);
    expect(after).toMatchObject({ name: Buffer.from('after'), text: 'after' });
    const told = (read: readonly Read[]) => read.map(({ name, type, size, text }) => ({ name, type, size, text }));
    for (const size of [512, 513, 700, 1536]) {
      expect(told(await readAll(passing(archive, size)))).toEqual(told(entries));
    }
  });
});

describe('a map of a sparse file is refused that', () => {
  const sparse = (records: Readonly<Record<string, string>>, content = 'x'.repeat(10)) =>
    tar({ name: 'a', content, pax: { 'GNU.sparse.size': '100', 'GNU.sparse.name': 'a', ...records } });
  test.each([
    ['overlaps', sparse({ 'GNU.sparse.map': '0,5,4,5' })],
    ['leaves the file', sparse({ 'GNU.sparse.map': '95,10' })],
    ['is of more than is there', sparse({ 'GNU.sparse.map': '0,11' })],
    ['is of less than is there', sparse({ 'GNU.sparse.map': '0,9' })],
    ['ends in an offset', sparse({ 'GNU.sparse.map': '0,10,20' })],
    ['has no numbers', sparse({ 'GNU.sparse.map': '0,ten' })],
    ['has no end', sparse({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0' }, '9'.repeat(2 * 1024 * 1024))],
  ])('%s', async (_, archive) => {
    await expect(read(archive)).rejects.toThrow(/sparse file/);
  });
});

/** Data and holes in turn, with a hole at the end. */
function writeSparse(path: string, fragments: number): void {
  const fd = openSync(path, 'w');
  for (let index = 0; index < fragments; index++) writeSync(fd, `fragment ${index}`, index * 65_536 + 10_000);
  ftruncateSync(fd, (fragments + 1) * 65_536 + 17);
  closeSync(fd);
}
