import { expect, test } from 'vitest';
import { normalizeSignal, parseStopSignal, signalNumber } from '../../../sdk/spec/signals.ts';

test.each([
  ['SIGTERM', 'SIGTERM'],
  [9, 'SIGKILL'],
  [15, 'SIGTERM'],
  [37, 37],
  [64, 64],
])('%j is the signal %j', (given, signal) => {
  expect(normalizeSignal(given)).toBe(signal);
});

test.each(['FOO', 'TERM', 'toString', '', 0, -1, 65, 1.5, Number.NaN, null, undefined, {}])(
  '%j is no signal',
  (given) => {
    expect(() => normalizeSignal(given)).toThrow(
      /^a signal must be the name of a signal, as 'SIGTERM', or its number, from 1 to 64, got /,
    );
  },
);

test('signals have numbers', () => {
  expect([signalNumber('SIGKILL'), signalNumber(37)]).toEqual([9, 37]);
});

test.each([
  ['SIGQUIT', 'SIGQUIT'],
  ['TERM', 'SIGTERM'],
  ['term', 'SIGTERM'],
  ['sigusr1', 'SIGUSR1'],
  ['15', 'SIGTERM'],
  ['37', 37],
  ['SIGRTMIN', 34],
  ['SIGRTMIN+3', 37],
  ['RTMIN+3', 37],
  ['rtmax-1', 63],
  ['SIGRTMAX', 64],
])("an image's %j is %j", (text, signal) => {
  expect(parseStopSignal(text)).toBe(signal);
});

test.each(['', 'SIGFOO', '0', '65', '99999999999', '-9', '1.5', 'SIGRTMIN+31', 'SIGRTMAX+1', 'toString', 'SIG', '\0'])(
  "an image's %j is none",
  (text) => {
    expect(parseStopSignal(text)).toBeUndefined();
  },
);
