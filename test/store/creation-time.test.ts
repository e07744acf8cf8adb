import { expect, test, vi } from 'vitest';
import { creationTime } from '../../store/creation-time.ts';

test.each([
  ['0', '1970-01-01T00:00:00.000Z'],
  ['1700000000', '2023-11-14T22:13:20.000Z'],
])('with SOURCE_DATE_EPOCH=%s, what is made now was made at %s', (epoch, time) => {
  vi.stubEnv('SOURCE_DATE_EPOCH', epoch);
  try {
    expect(creationTime().toISOString()).toBe(time);
  } finally {
    vi.unstubAllEnvs();
  }
});
