import { expect, test } from 'vitest';
import { type Filtered, isListed, type ListOptions } from '../../../sdk/spec/filter.ts';

const web: Filtered = {
  id: 'abc123',
  name: 'web',
  labels: { tier: 'front', empty: '' },
  image: { name: 'nginx', digest: 'sha256:1' },
  state: 'running',
};

const cases: readonly (readonly [ListOptions, boolean])[] = [
  [{}, true],
  [{ filter: { name: 'web' } }, true],
  [{ filter: { name: 'we' } }, false],
  [{ filter: { name: /^w/g } }, true],
  [{ filter: { name: /b$/y } }, false],
  [{ filter: { id: 'abc' } }, true],
  [{ filter: { id: 'bc' } }, false],
  [{ filter: { label: { tier: true } } }, true],
  [{ filter: { label: { empty: '' } } }, true],
  [{ filter: { label: { tier: 'back' } } }, false],
  [{ filter: { label: { tier: 'front', other: true } } }, false],
  [{ filter: { label: JSON.parse('{"toString":true}') as Record<string, true> } }, false],
  [{ filter: { image: 'nginx' } }, true],
  [{ filter: { image: 'sha256:1' } }, true],
  [{ filter: { image: 'sha256:2' } }, false],
  [{ filter: { status: 'exited' } }, false],
  [{ filter: { status: ['exited', 'running'], name: 'web' } }, true],
];

test.each(cases)('%o lists it: %s', (options, expected) => {
  expect(isListed(web, options)).toBe(expected);
});

test.each([
  ['created', false, true],
  ['running', true, true],
  ['paused', true, true],
  ['restarting', true, true],
  ['exited', false, true],
  ['removed', false, false],
] as const)('one that is %s is listed: %s, and with all: %s', (state, usual, all) => {
  expect([isListed({ ...web, state }, {}), isListed({ ...web, state }, { all: true })]).toEqual([usual, all]);
});
