import { describe, expect, test } from 'vitest';
import { parseRetryAfter, retryDelay } from '../../../store/registry/retry.ts';
import { CaissonError } from '../../../syscalls/index.ts';

const policy = { retries: 5, retryDelayMs: 100 };
const lost = new CaissonError('CONNECTION_LOST', 'the connection was lost');
const limited = (retryAfterMs: number) =>
  Object.assign(new CaissonError('RATE_LIMITED', 'too often'), { retryAfterMs });

describe('the pause before something is tried again', () => {
  test('doubles, and is somewhere between half and all of that', () => {
    expect([0, 1, 2, 3].map((attempt) => retryDelay(policy, attempt, lost, 1))).toEqual([100, 200, 400, 800]);
    expect([0, 1, 2, 3].map((attempt) => retryDelay(policy, attempt, lost, 0))).toEqual([50, 100, 200, 400]);
  });

  test('ends somewhere', () => {
    expect(retryDelay({ retries: 100, retryDelayMs: 100 }, 50, lost, 1)).toBe(20_000);
  });

  test('is the one the registry asks for', () => {
    expect(retryDelay(policy, 0, limited(7000), 1)).toBe(7000);
  });

  test.for([
    ['after the last time', 5, lost],
    ['for what will not go away', 0, new CaissonError('UNAUTHORIZED', 'no')],
    ['for an error of ours', 0, new TypeError('no')],
    ['when the registry asks for an hour', 0, limited(3_600_000)],
  ] as const)('does not come %s', ([, attempt, error]) => {
    expect(retryDelay(policy, attempt, error, 1)).toBeUndefined();
  });
});

test.for([
  ['120', 120_000],
  ['Thu, 01 Jan 1970 00:01:40 GMT', 90_000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['soon', undefined],
  [undefined, undefined],
] as const)('Retry-After %s is read', ([header, milliseconds]) => {
  expect(parseRetryAfter(header, 10_000)).toBe(milliseconds);
});
