import { describe, expect, test } from 'vitest';
import { checkContainerOptions } from '../../../sdk/spec/check.ts';
import { normalizeHealth } from '../../../sdk/spec/health.ts';

const DEFAULTS = { intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0, startIntervalMs: 5_000 };
const SECOND = 1_000_000_000;

describe('a health check is the image’s', () => {
  test.each([
    [undefined, undefined],
    [{ Test: ['NONE'] }, undefined],
    [{ Test: [] }, undefined],
    [{ Test: ['CMD'] }, undefined],
    [{ Test: 'curl -f localhost' }, undefined],
    [{ Test: ['CMD', 'true', '-x'] }, { ...DEFAULTS, args: ['true', '-x'] }],
    [{ Test: ['CMD-SHELL', 'true || false'] }, { ...DEFAULTS, args: ['/bin/sh', '-c', 'true || false'] }],
    [
      {
        Test: ['CMD', 'true'],
        Interval: SECOND,
        Timeout: SECOND / 2,
        Retries: 5,
        StartPeriod: 9 * SECOND,
        StartInterval: 2 * SECOND,
      },
      { args: ['true'], intervalMs: 1000, timeoutMs: 500, retries: 5, startPeriodMs: 9000, startIntervalMs: 2000 },
    ],
    // 0 is what is not said.
    [
      { Test: ['CMD', 'true'], Interval: 0, Retries: 0 },
      { ...DEFAULTS, args: ['true'] },
    ],
  ])('%j', (Healthcheck, expected) => {
    const config = Healthcheck === undefined ? {} : { Healthcheck: Healthcheck as never };
    expect(normalizeHealth(undefined, config)).toEqual(expected);
  });

  test('run by the image’s shell, where it has one', () => {
    const config = { Shell: ['/bin/ash', '-ec'], Healthcheck: { Test: ['CMD-SHELL', 'true'] } };
    expect(normalizeHealth(undefined, config)?.args).toEqual(['/bin/ash', '-ec', 'true']);
    expect(normalizeHealth({ command: 'false' }, config)?.args).toEqual(['/bin/ash', '-ec', 'false']);
  });
});

describe('options change it', () => {
  const config = { Healthcheck: { Test: ['CMD', 'true'], Interval: SECOND, Retries: 5 } };

  test('each by itself', () => {
    expect(normalizeHealth({ retries: 1 }, config)).toEqual({
      ...DEFAULTS,
      args: ['true'],
      intervalMs: 1000,
      retries: 1,
    });
    expect(normalizeHealth({ command: ['false'], timeoutMs: 7 }, config)).toEqual({
      ...DEFAULTS,
      args: ['false'],
      intervalMs: 1000,
      retries: 5,
      timeoutMs: 7,
    });
  });

  test('or take it away', () => {
    expect(normalizeHealth(false, config)).toBeUndefined();
  });

  test('but what nobody says how to do cannot be done', () => {
    expect(() => normalizeHealth({ retries: 1 }, {})).toThrow(expect.objectContaining({ code: 'NO_HEALTH_CHECK' }));
  });
});

test.each([
  [{ healthCheck: true }, "option 'healthCheck' must be an object or false, got true"],
  [{ healthCheck: { command: '' } }, 'healthCheck.command must be a command, got ""'],
  [{ healthCheck: { command: [] } }, 'healthCheck.command must be a string or an array of one or more strings, got []'],
  [{ healthCheck: { intervalMs: 0 } }, 'healthCheck.intervalMs must be a positive integer, got 0'],
  [{ healthCheck: { startPeriodMs: -1 } }, 'healthCheck.startPeriodMs must be a positive integer, got -1'],
  [{ healthCheck: { interval: 5 } }, 'unknown healthCheck.interval; there are command, intervalMs'],
  [{ startTimeoutMs: 0 }, "option 'startTimeoutMs' must be an integer from 1 to 2147483647, got 0"],
])('%j is refused', (options, message) => {
  expect(() => checkContainerOptions(options)).toThrow(TypeError);
  expect(() => checkContainerOptions(options)).toThrow(message);
});
