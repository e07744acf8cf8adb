import { expect, test } from 'vitest';
import { freeMemory } from '../../../store/layer/free-memory.ts';

test('a buffer whose memory was freed is empty, and so are its parts', () => {
  const whole = new ArrayBuffer(1024);
  const part = new Uint8Array(whole, 10, 20);
  freeMemory(whole);
  expect([whole.byteLength, part.length]).toEqual([0, 0]);
});

test('memory that was freed is not counted any more, before anybody has looked for garbage', () => {
  const before = process.memoryUsage().arrayBuffers;
  const buffers = Array.from({ length: 8 }, () => new ArrayBuffer(1024 * 1024));
  expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThan(7 * 1024 * 1024);
  for (const buffer of buffers) freeMemory(buffer);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
});
