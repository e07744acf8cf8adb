import { appendFileSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test } from 'vitest';
import { encodeFrame } from '../../store/frames.ts';
import { LogReader } from '../../store/log-files.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** A log that is written and rotated as a supervisor does it. */
function logOf(context: TestContext) {
  const path = join(temporaryDirectory(context), 'log');
  const write = (...texts: string[]) => {
    for (const text of texts) appendFileSync(path, encodeFrame(1, 0, text));
  };
  const rotate = (files = 3) => {
    for (let index = files - 1; index > 0; index--) {
      const older = index === 1 ? path : `${path}.${index - 1}`;
      try {
        renameSync(older, `${path}.${index}`);
      } catch {}
    }
  };
  const reader = () => {
    const opened = new LogReader(path);
    context.onTestFinished(() => opened.close());
    return { opened, read: () => [...opened.read()].map(({ payload }) => payload.toString()) };
  };
  return { path, write, rotate, reader };
}

test('files are read from the oldest on', (context) => {
  const { write, rotate, reader } = logOf(context);
  write('a');
  rotate();
  write('b');
  rotate();
  write('c');
  expect(reader().read()).toEqual(['a', 'b', 'c']);
});

test('who goes on reading misses nothing, however often the log was rotated meanwhile', (context) => {
  const { write, rotate, reader } = logOf(context);
  const { read } = reader();
  expect(read()).toEqual([]);
  write('a');
  expect(read()).toEqual(['a']);
  write('b');
  rotate();
  write('c');
  rotate();
  expect(read()).toEqual(['b', 'c']);
  write('d');
  expect(read()).toEqual(['d']);
});

test('what was removed before it was read is left out', (context) => {
  const { write, rotate, reader } = logOf(context);
  const { read } = reader();
  write('a');
  expect(read()).toEqual(['a']);
  for (const text of ['b', 'c', 'd', 'e']) {
    rotate();
    write(text);
  }
  expect(read()).toEqual(['c', 'd', 'e']);
});

test('the file that is being read is read to its end, even when it has no name any more', (context) => {
  const { path, write, reader } = logOf(context);
  const { read } = reader();
  write('a');
  expect(read()).toEqual(['a']);
  write('b');
  unlinkSync(path);
  write('c');
  expect(read()).toEqual(['b', 'c']);
});

test('what was there can be left out', (context) => {
  const { write, rotate, reader } = logOf(context);
  write('a');
  rotate();
  write('b');
  const { opened, read } = reader();
  opened.skip();
  expect(read()).toEqual([]);
  write('c');
  rotate();
  write('d');
  expect(read()).toEqual(['c', 'd']);
});
