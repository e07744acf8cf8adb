import { describe, expect, test } from 'vitest';
import { offsetOf, RANGE_SIZE, rangeMappings, rangesFor } from '../../../store/ids/ranges.ts';

/** The first ones of the ranges there are, by where they begin. */
function first(count: number, subuid = '', subgid = subuid, offset = 0): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  for (const { uid, gid } of rangesFor(subuid, subgid, offset)) {
    if (found.length === count) break;
    found.push([uid, gid]);
  }
  return found;
}

describe('ranges of ids for containers', () => {
  test('are, when nobody says which, 4095 side by side above all that others use', () => {
    const all = first(10_000);
    expect(all.length).toBe(4095);
    expect(all.slice(0, 2)).toEqual([
      [0x7000_0000, 0x7000_0000],
      [0x7001_0000, 0x7001_0000],
    ]);
    expect(all.at(-1)).toEqual([0x7ffe_0000, 0x7ffe_0000]);
  });

  test('are those of the user containers or caisson where there are any, as many as fit', () => {
    const subuid = 'containers:200000:131073\nuser:100000:65536\ncaisson:600000:65536\ncaisson:900000:65535\n';
    const subgid = 'containers:300000:65536\ncaisson:700000:200000';
    expect(first(10, subuid, subgid)).toEqual([
      [200_000, 300_000],
      [265_536, 700_000],
      [600_000, 765_536],
    ]);
  });

  test('are none that another user has, by one id', () => {
    const end = 0x7000_0000 + RANGE_SIZE;
    const subuid = `user:${end - 1}:1\n1000:${end + RANGE_SIZE}:10\nother:1000:65536\n`;
    expect(first(2, subuid, '')).toEqual([
      [end, end],
      [end + 2 * RANGE_SIZE, end + 2 * RANGE_SIZE],
    ]);
    expect(first(1, '', `user:${0x7000_0000}:${RANGE_SIZE}`)).toEqual([[end, end]]);
  });

  test('begin anywhere, and are all there nevertheless', () => {
    const all = first(10_000);
    const rotated = first(10_000, '', '', 4094 + 4095 * 7);
    expect(rotated[0]).toEqual(all.at(-1));
    expect(rotated.slice(1)).toEqual(all.slice(0, -1));
  });

  test.each([
    ['nothing but a comment', '# containers:1:2\n', 4095],
    ['a range too small for one', 'containers:100000:65535', 0],
    ['a range that leaves 32 bits', 'containers:4294967000:65536', 4095],
    ['no number', 'containers:x:65536', 4095],
  ])('with %s in the files are counted right', (_, text, count) => {
    expect(first(10_000, text).length).toBe(count);
  });

  test('are mapped from 0 on', () => {
    expect(rangeMappings({ uid: 5, gid: 7 })).toEqual({
      uid: [{ containerID: 0, hostID: 5, size: 65_536 }],
      gid: [{ containerID: 0, hostID: 7, size: 65_536 }],
    });
  });
});

test('an offset is the same for the same text, and another for almost any other', () => {
  expect(offsetOf('host:/var/lib/caisson')).toBe(offsetOf('host:/var/lib/caisson'));
  const offsets = Array.from({ length: 1000 }, (_, index) => offsetOf(`host:/tmp/store-${index}`) % 4095);
  expect(new Set(offsets).size).toBeGreaterThan(800);
});
