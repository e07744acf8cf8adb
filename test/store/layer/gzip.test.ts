import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { gzip } from '../../../store/layer/gzip.ts';
import { requires } from '../../support/requires.ts';
import { has } from '../support/programs.ts';
import { collect, inChunks } from '../support/streams.ts';

const CONTENT = Buffer.concat([Buffer.alloc(3_000_000, 'layer'), randomBytes(1_000_000)]);

test('nothing is a member of nothing, byte for byte', async () => {
  expect((await collect(gzip(inChunks(Buffer.alloc(0))))).toString('hex')).toBe(
    '1f8b08000000000000ff03000000000000000000',
  );
});

test.each([0, 1, 524_287, 524_288, 524_289, 4_000_000])('%d bytes are what they were', async (size) => {
  const content = CONTENT.subarray(0, size);
  expect(gunzipSync(await collect(gzip(inChunks(content)))).equals(content)).toBe(true);
});

test('the same content gives the same bytes, however it comes', async () => {
  const [one, other] = await Promise.all([1000, 3_000_000].map((size) => collect(gzip(inChunks(CONTENT, size)))));
  expect(one?.equals(other as Buffer)).toBe(true);
});

describe('one member is read by', () => {
  test.for([
    ['gzip', ['-dc']],
    // It stops at the end of the first member.
    [
      'python3',
      ['-c', 'import sys, zlib; sys.stdout.buffer.write(zlib.decompressobj(31).decompress(sys.stdin.buffer.read()))'],
    ],
  ] as const)('%s', async ([program, args], context) => {
    requires(context, has(program), program);
    const input = await collect(gzip(inChunks(CONTENT)));
    expect(execFileSync(program, args, { input, maxBuffer: 10 ** 8 }).equals(CONTENT)).toBe(true);
  });
});

test('an error of the source is the error', async () => {
  async function* broken() {
    yield CONTENT;
    throw new Error('the cable');
  }
  await expect(collect(gzip(broken()))).rejects.toThrow('the cable');
});
