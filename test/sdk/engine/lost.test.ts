/** Whether a process is a lost container's first one, or has got its id since. */
import { expect, test } from 'vitest';
import { isNoted, readClock } from '../../../sdk/engine/lost.ts';
import { readStat, ticksToMs } from '../../../sdk/engine/processes.ts';
import { CREATED } from '../../../store/index.ts';

const BOOT_MS = 1_700_000_000_000;
const CLOCK = { boot: 'this', bootMs: BOOT_MS };
/** Its start was noted 50 s after the machine's: 5000 ticks. */
const RUNNING = { ...CREATED, phase: 'running', pid: 7, startedAt: new Date(BOOT_MS + 50_000) } as const;

test('who was there when the start was noted is the container’s', () => {
  for (const ticks of [4000, 4999, 5000]) expect(isNoted(ticks, RUNNING, CLOCK, CLOCK)).toBe(true);
});

test('who came later is not', () => {
  for (const ticks of [5001, 9000]) expect(isNoted(ticks, RUNNING, CLOCK, CLOCK)).toBe(false);
});

test.each([
  ['after another start of the machine', CLOCK, { ...CLOCK, boot: 'next' }],
  [
    'where nothing tells one start of the machine from the next',
    { ...CLOCK, boot: undefined },
    { ...CLOCK, boot: undefined },
  ],
  ['when the clock was set since', CLOCK, { ...CLOCK, bootMs: BOOT_MS - 6 }],
  ['when it was set the other way', CLOCK, { ...CLOCK, bootMs: BOOT_MS + 3_600_000 }],
])('nobody is %s', (_, then, now) => {
  expect(isNoted(4000, RUNNING, then, now)).toBe(false);
});

test('nobody is of a container that has never run', () => {
  expect(isNoted(4000, CREATED, CLOCK, CLOCK)).toBe(false);
});

test('a process of now was started before now, by the clock that is read', () => {
  const { startTicks = 0 } = readStat(process.pid) ?? {};
  const clock = readClock();
  expect(Math.abs(clock.bootMs - readClock().bootMs)).toBeLessThan(5);
  const startedAt = clock.bootMs + ticksToMs(startTicks);
  expect(Math.abs(startedAt - (Date.now() - performance.now()))).toBeLessThan(60_000);
  expect(startedAt).toBeLessThan(Date.now());
});
