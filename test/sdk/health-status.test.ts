/** The rules are Docker's: moby, daemon/health.go, handleProbeResult. */
import { describe, expect, test } from 'vitest';
import { foldHealth } from '../../sdk/health-status.ts';
import { HEALTH_FRAME } from '../../sdk/spec/health.ts';
import type { Frame } from '../../store/index.ts';

const frame = (kind: number, sec: number, value = 0, payload = ''): Frame => {
  return { kind, sec, nsec: 0, value, payload: Buffer.from(payload) };
};
const started = (sec: number) => frame(HEALTH_FRAME.started, sec);
/** A check of one second's length. */
const check = (sec: number, value: number, output = '') => [
  frame(HEALTH_FRAME.began, sec),
  frame(HEALTH_FRAME.ended, sec + 1, value, output),
];
const FAILED = 1 << 8;
const rules = { retries: 3, startPeriodMs: 0 };

function statusOf(frames: readonly (Frame | Frame[])[], over: Partial<typeof rules> = {}) {
  const { status, failingStreak } = foldHealth(frames.flat(), { ...rules, ...over }, null);
  return `${status} ${failingStreak}`;
}

test.each<[string, (Frame | Frame[])[], string]>([
  ['nothing yet', [started(0)], 'starting 0'],
  ['one passed check is enough', [started(0), check(1, 0)], 'healthy 0'],
  ['fewer failures than retries change nothing', [started(0), check(1, FAILED), check(3, FAILED)], 'starting 2'],
  ['as many do', [started(0), check(1, FAILED), check(3, FAILED), check(5, FAILED)], 'unhealthy 3'],
  ['a passed check ends a streak', [started(0), check(1, FAILED), check(3, 0), check(5, FAILED)], 'healthy 1'],
  [
    'who was unhealthy is healthy after one passed check',
    [started(0), check(1, FAILED), check(3, FAILED), check(5, FAILED), check(7, 0)],
    'healthy 0',
  ],
  ['a check that took too long has failed', [started(0), check(1, -1), check(3, -1), check(5, -1)], 'unhealthy 3'],
  ['a start begins anew', [started(0), check(1, 0), started(10)], 'starting 0'],
  ['a check without a beginning counts', [frame(HEALTH_FRAME.ended, 5, 0)], 'healthy 0'],
])('%s', (_, frames, expected) => {
  expect(statusOf(frames)).toBe(expected);
});

describe('the start period', () => {
  const startPeriodMs = 10_000;

  test('failures of checks that begin in it do not count', () => {
    const early = [check(1, FAILED), check(3, FAILED), check(9, FAILED)];
    expect(statusOf([started(0), ...early], { startPeriodMs })).toBe('starting 0');
    expect(statusOf([started(0), ...early, check(10, FAILED)], { startPeriodMs })).toBe('starting 1');
  });

  test('but they do once a check has passed', () => {
    const frames = [started(0), check(1, 0), check(3, FAILED), check(5, FAILED), check(7, FAILED)];
    expect(statusOf(frames, { startPeriodMs })).toBe('unhealthy 3');
  });

  test('it begins with the container’s start, also when the file does not tell of it any more', () => {
    const { failingStreak } = foldHealth(check(5, FAILED), { retries: 3, startPeriodMs }, new Date(0));
    expect(failingStreak).toBe(0);
  });
});

test('the last five checks are kept, with times, ends and output', () => {
  const checks = [1, 3, 5, 7, 9, 11].flatMap((sec) => check(sec, sec === 11 ? FAILED : 0, `at ${sec}`));
  const { log } = foldHealth([started(0), ...checks], rules, null);
  expect(log.map(({ output }) => output)).toEqual(['at 3', 'at 5', 'at 7', 'at 9', 'at 11']);
  expect(log.at(-1)).toEqual({
    startedAt: new Date(11_000),
    endedAt: new Date(12_000),
    exitCode: 1,
    signal: null,
    timedOut: false,
    output: 'at 11',
  });
  const timedOut = foldHealth(check(1, -1), rules, null).log[0];
  expect(timedOut).toMatchObject({ exitCode: null, signal: 'SIGKILL', timedOut: true });
});
