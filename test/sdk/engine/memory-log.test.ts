import { expect, test } from 'vitest';
import { MemoryLog } from '../../../sdk/engine/memory-log.ts';

const keptOf = (log: MemoryLog) => Buffer.concat(log.of('stdout', 0)).toString();

test('the newest part of a stream is kept, also of what came at once and is longer', () => {
  const log = new MemoryLog(1000);
  log.note('stdout', Buffer.from(`${'a'.repeat(3000)}end`));
  expect(keptOf(log)).toMatch(/^a+end$/);
  expect(keptOf(log).length).toBeLessThanOrEqual(1000);
  for (let count = 0; count < 20; count++) log.note('stdout', Buffer.from(`${'b'.repeat(100)}${count}\n`));
  expect(keptOf(log)).toMatch(/^b+\d+\n(b+\d+\n)*b+19\n$/);
  expect(keptOf(log).length).toBeLessThanOrEqual(1000);
});

test('each stream has its own room', () => {
  const log = new MemoryLog(1000);
  log.note('stderr', Buffer.from('problem'));
  for (let count = 0; count < 20; count++) log.note('stdout', Buffer.alloc(500));
  expect(Buffer.concat(log.of('stderr', 0)).toString()).toBe('problem');
});
