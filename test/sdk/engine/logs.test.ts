import { expect, test } from 'vitest';
import { type LogEntry, lastLines, logsFrom, select } from '../../../sdk/engine/logs.ts';
import { MemoryLog } from '../../../sdk/engine/memory-log.ts';
import { all } from '../../support/all.ts';

const entry = (text: string, stream: LogEntry['stream'] = 'stdout', at = 0): LogEntry => {
  return { stream, time: new Date(at), data: Buffer.from(text) };
};
const joined = (entries: Iterable<LogEntry>) => [...entries].map(({ data }) => data.toString()).join('');

test.for([
  ['whole lines', ['a\n', 'b\n', 'c\n'], 2, 'b\nc\n'],
  ['lines in one piece', ['a\nb\nc\n'], 2, 'b\nc\n'],
  ['a last line without an end', ['a\nb\n', 'c'], 2, 'b\nc'],
  ['a line in many pieces', ['a\nb', 'b', 'b\n'], 1, 'bbb\n'],
  ['more lines than there are', ['a\n'], 5, 'a\n'],
  ['none', ['a\n', 'b'], 0, ''],
  ['empty lines', ['a\n\n\n'], 2, '\n\n'],
  ['nothing at all', [], 3, ''],
] as const)('the last lines are cut from %s', ([, pieces, count, expected]) => {
  expect(
    joined(
      lastLines(
        pieces.map((piece) => entry(piece)),
        count,
      ),
    ),
  ).toBe(expected);
});

test('the last lines of a long log are found', () => {
  const pieces = Array.from({ length: 10_000 }, (_, index) => entry(`line ${index}\n`));
  expect(joined(lastLines(pieces, 2))).toBe('line 9998\nline 9999\n');
});

test('entries are selected by stream and time', () => {
  const entries = [entry('a', 'stdout', 1), entry('b', 'stderr', 2), entry('c', 'stdout', 3), entry('d', 'stdout', 4)];
  const wanted = { since: new Date(2), until: new Date(3), stderr: false };
  expect(joined(select(entries, wanted))).toBe('c');
});

test('lines are put together of the pieces of their own stream, and characters of theirs', async () => {
  const euro = Buffer.from('€');
  const log = new MemoryLog();
  log.note('stdout', Buffer.concat([Buffer.from('one '), euro.subarray(0, 1)]));
  log.note('stderr', Buffer.from('two\r\n'));
  log.note('stdout', Buffer.concat([euro.subarray(1), Buffer.from('\nthree')]));
  const logs = logsFrom(() => log.open(() => undefined), {});
  expect(await all(logs.lines())).toEqual(['two', 'one €', 'three']);
  expect(await logs.text()).toContain('three');
});

test('of what is in memory, the newest part of each stream is kept', async () => {
  const log = new MemoryLog(1000);
  log.note('stderr', Buffer.from('kept\n'));
  for (let index = 0; index < 100; index++) log.note('stdout', Buffer.from(`line ${index}\n`));
  const text = await logsFrom(() => log.open(() => undefined), {}).text();
  expect(text.startsWith('kept\nline 9')).toBe(true);
  expect(text.endsWith('line 99\n')).toBe(true);
});

test('a follower gets what is there and what comes, until nothing more comes', async () => {
  const log = new MemoryLog();
  log.note('stdout', Buffer.from('before\n'));
  const lines = logsFrom(() => log.open(() => undefined), { follow: true }).lines();
  expect((await lines.next()).value).toBe('before');
  const next = lines.next();
  log.note('stderr', Buffer.from('later\n'));
  expect((await next).value).toBe('later');
  const last = lines.next();
  log.end();
  expect(await last).toMatchObject({ done: true });
});

test('a follower ends when its signal is aborted, with its reason, and at the time that it wants no more of', async () => {
  const log = new MemoryLog();
  const stop = new AbortController();
  const aborted = logsFrom(() => log.open(() => undefined), { follow: true, signal: stop.signal }).text();
  stop.abort(new Error('enough'));
  await expect(aborted).rejects.toThrow('enough');
  expect(await logsFrom(() => log.open(() => undefined), { follow: true, until: new Date(0) }).text()).toBe('');
});
