import { describe, expect, test } from 'vitest';
import { restartDelay } from '../../../sdk/engine/restart.ts';

const failed = { waitStatus: 256, ranMs: 5, restarts: 0, lastDelayMs: 0 };
const succeeded = { ...failed, waitStatus: 0 };
const killed = { ...failed, waitStatus: 9 };

describe('a container', () => {
  test.each([
    ['no', failed, undefined],
    ['no', succeeded, undefined],
    ['always', succeeded, 100],
    ['unless-stopped', succeeded, 100],
    ['on-failure', succeeded, undefined],
    ['on-failure', failed, 100],
    ['on-failure', killed, 100],
    ['on-failure:2', { ...failed, restarts: 1 }, 100],
    ['on-failure:2', { ...failed, restarts: 2 }, undefined],
    ['on-failure:10', { ...failed, restarts: 9 }, 100],
  ] as const)('of policy %s after %o is started again after %s ms', (policy, ended, delayMs) => {
    expect(restartDelay(policy, ended)).toBe(delayMs);
  });

  test('waits twice as long each time, up to a minute, and begins anew when it ran for ten seconds', () => {
    const delays: number[] = [];
    for (let lastDelayMs = 0; delays.length < 12; ) {
      lastDelayMs = restartDelay('always', { ...failed, lastDelayMs }) as number;
      delays.push(lastDelayMs);
    }
    expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
    expect(restartDelay('always', { ...failed, lastDelayMs: 60_000, ranMs: 9_999 })).toBe(60_000);
    expect(restartDelay('always', { ...failed, lastDelayMs: 60_000, ranMs: 10_000 })).toBe(100);
  });
});
