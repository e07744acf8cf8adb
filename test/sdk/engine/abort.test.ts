import { getEventListeners, getMaxListeners } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { onAbort } from '../../../sdk/engine/abort.ts';

test('Node does not warn of any number of containers that one signal is for', async () => {
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));

  const { signal } = new AbortController();
  const most = getMaxListeners(signal);
  let count = 0;
  const releases = Array.from({ length: 30 }, () => onAbort(signal, () => count++));
  await new Promise((resolve) => setImmediate(resolve));
  expect(warnings).toEqual([]);

  for (const release of releases) release();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect(getMaxListeners(signal)).toBe(most);
  expect(count).toBe(0);
});
