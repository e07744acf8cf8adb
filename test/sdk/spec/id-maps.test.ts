import { describe, expect, test } from 'vitest';
import { assertMaps, assertPermitted, idOutside, isUserNamespace, sharedWithHost } from '../../../sdk/spec/id-maps.ts';
import type { ContainerOptions } from '../../../sdk/spec/options.ts';

const map = (...ranges: [containerID: number, hostID: number, size: number][]) =>
  ranges.map(([containerID, hostID, size]) => ({ containerID, hostID, size }));

const ROOT = map([0, 100_000, 65_536]);

describe('maps', () => {
  test.each([
    ['one range', map([0, 100_000, 65_536])],
    ['ranges that touch', map([0, 5, 1], [1, 6, 10], [11, 16, 1])],
    ['ranges in any order', map([1, 200_000, 10], [0, 100_000, 1])],
    ['the greatest id', map([0, 1, 4_294_967_291])],
  ])('with %s are fine', (_, uid) => {
    expect(() => assertMaps({ uid, gid: ROOT })).not.toThrow();
  });

  test.each([
    ['an empty range', map([0, 5, 0]), 'userns.gid: { containerID: 0, hostID: 5, size: 0 } is empty'],
    ['no root', map([1, 5, 10]), 'userns.gid: 0 is not mapped'],
    ['nothing', [], 'userns.gid: 0 is not mapped'],
    [
      'ids inside that overlap',
      map([5, 100, 1], [0, 200, 6]),
      'userns.gid: { containerID: 0, hostID: 200, size: 6 } and { containerID: 5, hostID: 100, size: 1 } overlap',
    ],
    [
      'ids outside that overlap',
      map([0, 100, 10], [10, 109, 1]),
      'userns.gid: { containerID: 0, hostID: 100, size: 10 } and { containerID: 10, hostID: 109, size: 1 } overlap',
    ],
    [
      'an id that does not fit',
      map([0, 4_294_967_290, 10]),
      'userns.gid: { containerID: 0, hostID: 4294967290, size: 10 } goes to 4294967299, and the greatest id is 4294967291',
    ],
    [
      'too many ranges',
      map(...Array.from({ length: 340 }, (_, id): [number, number, number] => [id, id, 1])),
      'userns.gid: 340 ranges are more than 339',
    ],
  ])('with %s are refused', (_, gid, message) => {
    expect(() => assertMaps({ uid: ROOT, gid })).toThrow(
      expect.objectContaining({ code: 'ID_MAP_INVALID', message: expect.stringContaining(message) }),
    );
  });

  test.each([
    [{ uid: ROOT, gid: ROOT }, undefined],
    ['auto', undefined],
    ['host', undefined],
    ['private', "'auto' or 'host'"],
    [{ uid: ROOT }, expect.stringContaining('{ uid, gid }')],
    [{ uid: [{ containerID: 0, hostID: '0', size: 1 }], gid: ROOT }, expect.stringContaining('{ uid, gid }')],
    [{ uid: [{ containerID: 0, hostID: 0.5, size: 1 }], gid: ROOT }, expect.stringContaining('{ uid, gid }')],
    [{ uid: [{ containerID: -1, hostID: 0, size: 1 }], gid: ROOT }, expect.stringContaining('{ uid, gid }')],
    [{ uid: [{ ...ROOT[0], x: 1 }], gid: ROOT }, expect.stringContaining('{ uid, gid }')],
    [{ uid: ROOT, gid: ROOT, x: 1 }, expect.stringContaining('{ uid, gid }')],
    [{ uid: [null], gid: ROOT }, expect.stringContaining('{ uid, gid }')],
    [5, "'auto' or 'host'"],
  ])('userns %j is looked at', (value, expected) => {
    expect(isUserNamespace(value)).toEqual(expected);
  });
});

describe('maps of an ordinary user', () => {
  const own = { uid: map([0, 1000, 1], [1, 100_000, 65_536], [65_537, 165_536, 10]), gid: map([0, 1000, 1]) };

  test('may be any part of what is his, also where his ranges touch', () => {
    const maps = { uid: map([0, 1000, 1], [5, 165_530, 16]), gid: map([0, 1000, 1]) };
    expect(() => assertPermitted(maps, own, 'user 1000')).not.toThrow();
  });

  test.each([
    [
      'somebody else’s ids',
      map([0, 1000, 1], [1, 165_540, 7]),
      'user 1000 may map 1000-1000, 100000-165535, 165536-165545',
    ],
    ['root of this machine', map([0, 0, 1]), '0 must be 1000, to whom the container'],
    ['another root', map([0, 100_000, 10]), '0 must be 1000'],
  ])('are refused with %s', (_, uid, message) => {
    expect(() => assertPermitted({ uid, gid: map([0, 1000, 1]) }, own, 'user 1000')).toThrow(
      expect.objectContaining({ code: 'ID_NOT_PERMITTED', message: expect.stringContaining(message) }),
    );
  });
});

test.each<[ContainerOptions, string | undefined]>([
  [{}, undefined],
  [{ network: 'none', namespaces: { pid: 'private', time: 'host' } }, undefined],
  [{ network: 'host' }, "its network is the host's"],
  [{ namespaces: { pid: 'host' } }, "its pid namespace is the host's"],
  [{ network: { path: '/run/netns/x' } }, "its network is that of '/run/netns/x'"],
  [{ namespaces: { ipc: { path: '/proc/1/ns/ipc' } } }, "its ipc namespace is that of '/proc/1/ns/ipc'"],
])('what %j shares with the host is known', (options, expected) => {
  expect(sharedWithHost(options)).toBe(expected);
});

test('an id of a container is found on this machine', () => {
  const mappings = map([0, 1000, 1], [1, 100_000, 10]);
  expect([0, 1, 10, 11].map((id) => idOutside(id, mappings))).toEqual([1000, 100_000, 100_009, undefined]);
});
