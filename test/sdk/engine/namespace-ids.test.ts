import { expect, test } from 'vitest';
import { parseIdMap } from '../../../sdk/engine/namespace-ids.ts';

test('a map is read as the kernel writes it', () => {
  const text = '         0       1000          1\n         1     100000      65536\n';
  expect(parseIdMap(text)).toEqual([
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100_000, size: 65_536 },
  ]);
  expect(parseIdMap('')).toEqual([]);
});
