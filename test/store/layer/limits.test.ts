/** Archives made to exhaust memory, time or the disk: refused after little of each. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../store/digest.ts';
import { decompress } from '../../../store/layer/decompress.ts';
import type { LayerLimits } from '../../../store/layer/limits.ts';
import { readTar } from '../../../store/layer/read.ts';
import { stageLayer } from '../../../store/layer/unpack.ts';
import { unzstd } from '../../../store/layer/zstd.ts';
import { openStore } from '../../../store/layout.ts';
import { temporaryDirectory } from '../../support/temporary.ts';
import { unpackInto } from '../support/layers.ts';
import { collect, inChunks } from '../support/streams.ts';
import { encodeEntry, encodeHeader, paxRecord, tar } from '../support/tar-writer.ts';

async function readAll(source: AsyncIterable<Uint8Array>, limits?: LayerLimits): Promise<number> {
  let count = 0;
  for await (const _ of readTar(source, limits)) count++;
  return count;
}

const beyond = (limit: keyof LayerLimits) => ({
  code: 'LAYER_LIMIT_EXCEEDED',
  message: expect.stringContaining(`(the limit is the option ${limit})`),
});

/** The same bytes again and again; how many times they were asked for is known. */
function endless(bytes: Uint8Array) {
  const source = {
    chunks: 0,
    async *[Symbol.asyncIterator]() {
      for (;;) {
        source.chunks++;
        yield bytes;
      }
    },
  };
  return source;
}

test('ten gigabytes of zeros in ten megabytes of gzip are not made', async () => {
  const bomb = endless(gzipSync(Buffer.alloc(32 * 1024 * 1024)));
  let bytes = 0;
  const read = async () => {
    for await (const chunk of decompress(bomb)) bytes += chunk.length;
  };
  await expect(read()).rejects.toMatchObject(beyond('maxExpansion'));
  expect(bytes).toBeLessThan(1.1 * 1024 ** 3);
});

test('content may grow as much as it likes up to a gigabyte, and beyond it as much as is asked for', async () => {
  const compressed = gzipSync(Buffer.alloc(20_000_000));
  expect(20_000_000 / compressed.length).toBeGreaterThan(900);
  expect(await collect(decompress(inChunks(compressed)))).toHaveLength(20_000_000);
});

test.each([
  ['entries', encodeEntry({ name: 'tiny' })],
  ['extended headers', encodeEntry({ name: 'pax', type: 'x', content: paxRecord('mtime', '1') })],
])('an archive of endless %s is not read for ever', async (_, entry) => {
  const many = Buffer.concat(Array.from({ length: 1000 }, () => entry));
  await expect(readAll(endless(many), { maxEntries: 10_000 })).rejects.toMatchObject(beyond('maxEntries'));
});

test.each([
  ['PAX header', 'x'],
  ['global header', 'g'],
  ['long name', 'L'],
  ['long target', 'K'],
])('a %s of a gigabyte is not taken into memory', async (_, type) => {
  const bomb = endless(encodeEntry({ name: 'a', type, size: 1024 ** 3 }));
  await expect(readAll(bomb)).rejects.toMatchObject(beyond('maxHeaderBytes'));
  expect(bomb.chunks).toBe(1);
});

test('how long a header may be is an option', async () => {
  const archive = tar({ name: 'a', pax: { comment: 'x'.repeat(2000) } });
  await expect(readAll(inChunks(archive), { maxHeaderBytes: 1000 })).rejects.toMatchObject(beyond('maxHeaderBytes'));
  expect(await readAll(inChunks(archive), { maxHeaderBytes: 2500 })).toBe(1);
});

describe('the map of a sparse file', () => {
  test('of the old form has an end', async () => {
    const header = encodeHeader({ name: 'sparse', type: 'S' }, 0, (block) => block.write('\x01', 482, 'latin1'));
    async function* source() {
      yield header;
      yield* endless(Buffer.alloc(512, 1).fill('0', 0, 504));
    }
    await expect(readAll(source())).rejects.toMatchObject(beyond('maxHeaderBytes'));
  });

  test('of form 1.0 has an end', async () => {
    const pax = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '1' };
    async function* source() {
      yield encodeEntry({ name: 'sparse', size: 1024 ** 3, pax }).subarray(0, 1536);
      yield Buffer.from('1000000\n'.padEnd(512, '1\n'));
      yield* endless(Buffer.alloc(512, '1\n'));
    }
    await expect(readAll(source())).rejects.toMatchObject(beyond('maxHeaderBytes'));
  });

  test.each([
    ['8 EiB', Buffer.from([0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), /out of range/],
    ['less than nothing', Buffer.alloc(12, 0xff), /-1 cannot be a size/],
  ])('is not of a file of %s', async (_, size, message) => {
    const header = encodeHeader({ name: 'sparse', type: 'S' }, 0, (block) => size.copy(block, 483));
    await expect(readAll(inChunks(header))).rejects.toThrow(message);
  });
});

test('directories are not made a million deep', async (context) => {
  const directory = temporaryDirectory(context);
  const deep = [{ name: 'a', type: '5', pax: { path: 'd/'.repeat(500_000) } }];
  await expect(unpackInto(directory, deep)).rejects.toMatchObject(beyond('maxDepth'));
  expect(readdirSync(join(directory, 'root'))).toEqual([]);
});

test('a link to what is a million deep is a link to nothing', async (context) => {
  const deep = [{ name: 'a', type: '1', pax: { linkpath: 'd/'.repeat(500_000) } }];
  await expect(unpackInto(temporaryDirectory(context), deep)).rejects.toMatchObject({
    code: expect.stringMatching(/^LAYER_/),
  });
});

test.each([
  ['decompress', decompress],
  ['unzstd', unzstd],
] as const)('zstd that needs a window of two gigabytes is refused by %s', async (_, decode) => {
  // The magic number, no content size, a window of 2^31 bytes, and a last block of a megabyte of one byte.
  const frame = Buffer.from('28b52ffd00a8030000', 'hex');
  await expect(collect(decode(inChunks(Buffer.concat([frame, Buffer.alloc(1000)]))))).rejects.toMatchObject({
    code: 'ARCHIVE_INVALID',
  });
});

test('what follows compressed content and is none is refused, but for zeros', async () => {
  const compressed = gzipSync('content');
  const followed = (by: Buffer) => collect(decompress(inChunks(Buffer.concat([compressed, by]))));
  await expect(followed(Buffer.from('rubbish'))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' });
  expect((await followed(Buffer.alloc(1000))).toString()).toBe('content');
});

test('limits are options of unpacking, and leave nothing when they are exceeded', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const archive = tar({ name: 'a/b/c' }, { name: 'd' });
  for (const limits of [{ maxDepth: 2 }, { maxEntries: 1 }]) {
    await expect(stageLayer(store, inChunks(archive), digestOf(archive), limits)).rejects.toMatchObject({
      code: 'LAYER_LIMIT_EXCEEDED',
    });
  }
  expect(readdirSync(store.tmp)).toEqual([]);
  await stageLayer(store, inChunks(archive), digestOf(archive), { maxDepth: 3, maxEntries: 2 });
});
