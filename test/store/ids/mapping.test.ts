import { describe, expect, test } from 'vitest';
import { formatIds, isMapped, mapIds, parseSubordinateIds } from '../../../store/ids/mapping.ts';

describe('/etc/subuid', () => {
  const owners = ['1000', 'ann'];

  test('gives a user the ranges under his name and under his uid, in their order', () => {
    const text = 'bob:100000:65536\nann:165536:65536\n1000:300000:1\nann:400000:10\n';
    expect(parseSubordinateIds(text, owners)).toEqual([
      { start: 165_536, count: 65_536 },
      { start: 300_000, count: 1 },
      { start: 400_000, count: 10 },
    ]);
  });

  test.each([
    'ann',
    'ann:',
    'ann:100000',
    'ann:100000:0',
    'ann:-1:10',
    'ann:1e3:10',
    'ann:100000:10:x',
    'ann:4294967295:1',
    'ann:4294967290:10',
    'ann:99999999999:1',
    '#ann:100000:10',
    'anna:100000:10',
    '',
  ])('gives nothing by a line that is none: %j', (line) => {
    expect(parseSubordinateIds(line, owners)).toEqual([]);
  });

  test('may give the last id there is', () => {
    expect(parseSubordinateIds('ann:4294967294:1', owners)).toEqual([{ start: 4_294_967_294, count: 1 }]);
  });
});

describe('a mapping', () => {
  test("begins with the user's own id, and goes on with his ranges", () => {
    const ranges = [
      { start: 100_000, count: 100 },
      { start: 500_000, count: 7 },
    ];
    expect(mapIds(1000, ranges)).toEqual([
      { containerID: 0, hostID: 1000, size: 1 },
      { containerID: 1, hostID: 100_000, size: 100 },
      { containerID: 101, hostID: 500_000, size: 7 },
    ]);
  });

  test('has no id twice: the kernel would refuse all of it', () => {
    const ranges = [
      { start: 100_000, count: 100 },
      { start: 100_000, count: 100 },
      { start: 100_050, count: 100 },
      { start: 99_990, count: 11 },
      { start: 900, count: 200 },
      { start: 100_100, count: 1 },
    ];
    expect(mapIds(1000, ranges).map(({ hostID }) => hostID)).toEqual([1000, 100_000, 100_100]);
  });

  test('has as many ranges and ids as the kernel takes', () => {
    const many = Array.from({ length: 1000 }, (_, index) => ({ start: 100_000 + index * 10, count: 10 }));
    expect(mapIds(1000, many)).toHaveLength(340);
    const large = [
      { start: 2000, count: 4_000_000_000 },
      { start: 4_100_000_000, count: 190_000_000 },
    ];
    expect(formatIds(mapIds(1000, large))).toBe('0-4190000000');
    expect(formatIds(mapIds(4_294_967_294, [{ start: 0, count: 4_294_967_294 }]))).toBe('0-4294967294');
  });

  test('says which ids there are', () => {
    const mappings = mapIds(1000, [{ start: 100_000, count: 65_536 }]);
    expect([0, 1, 65_536, 65_537].map((id) => isMapped(id, mappings))).toEqual([true, true, true, false]);
    expect(formatIds(mappings)).toBe('0-65536');
    expect(formatIds(mapIds(1000, []))).toBe('0');
    expect(isMapped(4_294_967_294, [])).toBe(true);
  });
});
