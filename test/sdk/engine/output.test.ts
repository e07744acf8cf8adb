import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { asOutput, PIPE_BYTES, readPipe } from '../../../sdk/engine/output.ts';
import { openPipe } from '../../../sdk/engine/pipe.ts';
import { close, write } from '../../../syscalls/index.ts';

const outputOf = (...chunks: string[]) => asOutput(Readable.from(chunks.map(Buffer.from), { objectMode: false }));

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

async function first(lines: AsyncIterable<string>): Promise<string | undefined> {
  for await (const line of lines) return line;
  return undefined;
}

test.for([
  { chunks: [], lines: [] },
  { chunks: ['one'], lines: ['one'] },
  { chunks: ['\n'], lines: [''] },
  { chunks: ['one\ntwo\r\n\nthree'], lines: ['one', 'two', '', 'three'] },
  { chunks: ['o', 'ne\nt', 'wo', '\n', '\r\n'], lines: ['one', 'two', ''] },
  { chunks: ['€\n€€'], lines: ['€', '€€'] },
])('the lines of $chunks are $lines', async ({ chunks, lines }) => {
  expect(await all(outputOf(...chunks).lines())).toEqual(lines);
});

test('a character whose bytes come one by one is one', async () => {
  const bytes = [...Buffer.from('€\nü')].map((byte) => Buffer.of(byte));
  expect(await all(asOutput(Readable.from(bytes, { objectMode: false })).lines())).toEqual(['€', 'ü']);
});

test('who leaves the lines leaves the rest to the next reader, by lines or not', async () => {
  const output = outputOf('one\ntwo\nthree\nfour\nfi', 've');
  expect(await first(output.lines())).toBe('one');
  expect(await first(output.lines())).toBe('two');
  expect(output.destroyed).toBe(false);
  expect(Buffer.concat(await output.toArray()).toString()).toBe('three\nfour\nfive');
});

test('the rest is still there when all has come and the stream would have ended', async () => {
  const stream = new PassThrough();
  const output = asOutput(stream);
  stream.end('one\ntwo\nthree\n');
  for await (const line of output.lines()) {
    expect(line).toBe('one');
    await new Promise((resolve) => setTimeout(resolve, 20));
    break;
  }
  expect(await all(output.lines())).toEqual(['two', 'three']);
  expect(await all(output.lines())).toEqual([]);
});

test('bytes that are no text stay as they are in what is left', async () => {
  const output = asOutput(Readable.from([Buffer.of(0x61, 0x0a, 0xff, 0xfe, 0x0a)], { objectMode: false }));
  expect(await first(output.lines())).toBe('a');
  expect(Buffer.concat(await output.toArray())).toEqual(Buffer.of(0xff, 0xfe, 0x0a));
});

test('lines fail as their stream does', async () => {
  const failure = new Error('broken');
  const stream = new PassThrough();
  const lines = asOutput(stream).lines();
  stream.write('one\ntw');
  expect((await lines.next()).value).toBe('one');
  stream.destroy(failure);
  await expect(lines.next()).rejects.toBe(failure);
});

test('what is read from a pipe is not written over by what is read next', () => {
  const { ours, theirs } = openPipe('out');
  const read = (text: string) => {
    write(theirs, Buffer.from(text), text.length);
    return readPipe(ours);
  };
  const found = ['small', 'x'.repeat(PIPE_BYTES / 2), 'y'.repeat(PIPE_BYTES / 2), 'z'].map(read);
  expect(found.map((each) => each?.toString().replace(/^(.)\1+$/, '$1…'))).toEqual(['small', 'x…', 'y…', 'z']);
  expect(readPipe(ours)).toBeUndefined();
  close(theirs);
  expect(readPipe(ours)).toHaveLength(0);
  close(ours);
});
