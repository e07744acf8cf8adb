import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decompress, detectCompression } from '../../../store/layer/decompress.ts';
import { unzstd } from '../../../store/layer/zstd.ts';
import { requires } from '../../support/requires.ts';
import { has } from '../support/programs.ts';
import { collect, inChunks } from '../support/streams.ts';

const CONTENT = Buffer.concat([Buffer.alloc(1_000_000, 'layer'), randomBytes(500_000)]);

test('what content is compressed with is told by its first bytes', () => {
  expect(detectCompression(Buffer.from('1f8b0800', 'hex'))).toBe('gzip');
  expect(detectCompression(Buffer.from('28b52ffd', 'hex'))).toBe('zstd');
  expect(detectCompression(Buffer.from('28b5', 'hex'))).toBe('none');
  expect(detectCompression(Buffer.from(''))).toBe('none');
});

test.each([1, 1000, 1_000_000])('gzip is decompressed in chunks of %d bytes', async (size) => {
  const content = CONTENT.subarray(0, size === 1 ? 2000 : undefined);
  expect((await collect(decompress(inChunks(gzipSync(content), size)))).equals(content)).toBe(true);
});

test('chunks that are passing are whole until the next is asked for, and then those that are full are gone', async () => {
  const content = Buffer.concat([CONTENT, CONTENT]);
  const copies: Buffer[] = [];
  const chunks: Uint8Array[] = [];
  for await (const chunk of decompress(inChunks(gzipSync(content), 10_000), undefined, 'passing')) {
    copies.push(Buffer.from(chunk));
    chunks.push(chunk);
  }
  expect(Buffer.concat(copies).equals(content)).toBe(true);
  const left = chunks.reduce((sum, { length }) => sum + length, 0);
  expect(left).toBeLessThan(512 * 1024);
});

test('several gzip members are one content', async () => {
  const members = Buffer.concat([gzipSync('first '), gzipSync('second '), gzipSync('third')]);
  expect((await collect(decompress(inChunks(members, 10)))).toString()).toBe('first second third');
});

test('what is not compressed is left as it is', async () => {
  expect((await collect(decompress(inChunks(CONTENT, 3)))).equals(CONTENT)).toBe(true);
  expect((await collect(decompress(inChunks(Buffer.alloc(0))))).length).toBe(0);
});

test.each([
  ['cut short', gzipSync(CONTENT).subarray(0, 5000)],
  ['damaged', Buffer.concat([gzipSync(CONTENT).subarray(0, 5000), Buffer.alloc(5000, 0xff)])],
])('gzip that is %s is refused', async (_, bytes) => {
  await expect(collect(decompress(inChunks(bytes)))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
});

test.each([
  ['xz', Buffer.from('fd377a585a000004e6d6b446', 'hex')],
  ['bzip2', Buffer.from('BZh91AY&SY\x94\x1a')],
])('what is compressed with %s is refused by its name, and the source stopped', async (program, bytes) => {
  const source = inChunks(bytes, 3);
  const error = { code: 'ARCHIVE_INVALID', message: expect.stringContaining(`compressed with ${program}`) };
  await expect(collect(decompress(source))).rejects.toMatchObject(error);
  expect(await source.next()).toEqual({ value: undefined, done: true });
  // A file may be called so.
  const name = bytes.subarray(0, 4);
  expect(await collect(decompress(inChunks(Buffer.concat([name, Buffer.alloc(508)]))))).toHaveLength(512);
});

test('an error of the source is the error', async () => {
  async function* broken() {
    yield gzipSync(CONTENT).subarray(0, 1000);
    throw new Error('the cable');
  }
  await expect(collect(decompress(broken()))).rejects.toThrow('the cable');
});

test('who stops reading stops the source', async () => {
  const source = inChunks(gzipSync(CONTENT), 1000);
  for await (const _ of decompress(source)) break;
  expect(await source.next()).toEqual({ value: undefined, done: true });
});

/** Levels, long-distance matching, no checksum, a size known beforehand, nothing at all: the forms of a frame. */
const FRAMES = [
  ['-1'],
  ['-19', '--no-check'],
  ['-3', '--long=24'],
  ['-1', '--size-hint=1000'],
  ['-1', '--no-content-size'],
];

test.for([1, 1000, 1_000_000])('several zstd frames in chunks of %d bytes are one content', async (size, context) => {
  requires(context, has('zstd'), 'zstd');
  const content = CONTENT.subarray(-150_000 - size, size === 1 ? -150_000 : undefined);
  const frames = FRAMES.map((args) => execFileSync('zstd', ['-q', '-c', ...args], { input: content }));
  const all = await collect(decompress(inChunks(Buffer.concat(frames), size)));
  expect(all.equals(Buffer.concat(FRAMES.map(() => content)))).toBe(true);
});

test('frames that are to be skipped are, wherever they are', async (context) => {
  requires(context, has('zstd'), 'zstd');
  const frame = (text: string) => execFileSync('zstd', ['-q', '-c'], { input: text });
  const skipped = Buffer.concat([Buffer.from('5e2a4d1805000000', 'hex'), Buffer.from('index')]);
  const empty = frame('');
  const stream = Buffer.concat([frame('first '), skipped, empty, frame('second'), skipped]);
  expect((await collect(decompress(inChunks(stream, 7)))).toString()).toBe('first second');
});

test('what follows zstd content and is none is refused', async (context) => {
  requires(context, has('zstd'), 'zstd');
  const stream = Buffer.concat([execFileSync('zstd', ['-q', '-c'], { input: 'content' }), Buffer.from('rubbish')]);
  await expect(collect(decompress(inChunks(stream)))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
});

test.for([
  ['decompress', decompress],
  ['unzstd', unzstd],
] as const)('zstd is decompressed by %s', async ([, decode], context) => {
  requires(context, has('zstd'), 'zstd');
  const frames = ['-1', '-19'].map((level) => execFileSync('zstd', ['-q', level, '-c'], { input: CONTENT }));
  const content = await collect(decode(inChunks(Buffer.concat(frames), 5000)));
  expect(content.equals(Buffer.concat([CONTENT, CONTENT]))).toBe(true);
});

test('zstd that is cut short or damaged is refused', async (context) => {
  requires(context, has('zstd'), 'zstd');
  const whole = execFileSync('zstd', ['-q', '-c'], { input: CONTENT });
  const damaged = Buffer.concat([whole.subarray(0, 300), Buffer.alloc(1000, 0xff)]);
  for (const bytes of [whole.subarray(0, whole.length - 20), damaged]) {
    for (const decode of [decompress, unzstd]) {
      await expect(collect(decode(inChunks(bytes)))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
    }
  }
});
