import { describe, expect, test } from 'vitest';
import type { SpecIds } from '../../../sdk/spec/spec.ts';
import { assertMapped, inGroups, resolveUser, unmappedOf } from '../../../sdk/spec/user.ts';
import type { UserFiles } from '../../../sdk/spec/user-files.ts';

const FILES: UserFiles = {
  passwd: [
    { name: 'root', uid: 0, gid: 0, home: '/root' },
    { name: 'app', uid: 1000, gid: 1000, home: '/home/app' },
    { name: '99999999999', uid: 0, gid: 0, home: '/evil' },
    { name: '1001', uid: 0, gid: 0, home: '/evil' },
    { name: 'homeless', uid: 1002, gid: 1002, home: '' },
    { name: 'highest', uid: 4_294_967_294, gid: 4_294_967_294, home: '/' },
  ],
  group: [
    { name: 'root', gid: 0, members: [] },
    { name: 'staff', gid: 50, members: ['app', 'other'] },
    { name: 'audio', gid: 29, members: ['app'] },
    { name: '60', gid: 0, members: [] },
  ],
};

describe('a user is', () => {
  test.each([
    ['root', 0, 0, [], '/root'],
    [0, 0, 0, [], '/root'],
    ['0', 0, 0, [], '/root'],
    ['app', 1000, 1000, [50, 29], '/home/app'],
    [1000, 1000, 1000, [50, 29], '/home/app'],
    ['01000', 1000, 1000, [50, 29], '/home/app'],
    ['app:staff', 1000, 50, [], '/home/app'],
    ['app:7', 1000, 7, [], '/home/app'],
    ['1000:staff', 1000, 50, [], '/home/app'],
    ['1000:0', 1000, 0, [], '/home/app'],
    ['homeless', 1002, 1002, [], '/'],
    // Nobody the files know: the group of root, as with Docker.
    ['5000', 5000, 0, [], '/'],
    ['5000:6000', 5000, 6000, [], '/'],
    ['4294967294', 4_294_967_294, 4_294_967_294, [], '/'],
    // Numbers are ids, whoever is called so.
    ['1001', 1001, 0, [], '/'],
    ['app:60', 1000, 60, [], '/home/app'],
  ])('%j: uid %i, gid %i, also in %j, at home in %s', (user, uid, gid, additionalGids, home) => {
    expect(resolveUser(user, FILES)).toEqual({ uid, gid, additionalGids, home });
  });
});

describe('a user is also in the groups that are asked for', () => {
  test('by name or id, each once', () => {
    const user = { uid: 1000, gid: 1000, additionalGids: [50], home: '/' };
    expect(inGroups(user, ['audio', 44, '7', 50], FILES)).toEqual({ ...user, additionalGids: [50, 29, 44, 7] });
    expect(inGroups(user, [], FILES)).toEqual(user);
  });

  test.each([
    ['nobody', 'GROUP_NOT_FOUND'],
    ['4294967295', 'INVALID_USER'],
  ])('and %s is none', (group, code) => {
    const user = { uid: 0, gid: 0, additionalGids: [] };
    expect(() => inGroups(user, [group], FILES)).toThrow(expect.objectContaining({ code }));
  });
});

describe('users that are not mapped', () => {
  const linux = { uidMappings: map(0, 100, 10), gidMappings: map(0, 100, 10) };

  test.each([
    [{ uid: 9, gid: 9, additionalGids: [] }, undefined],
    [{ uid: 10, gid: 0, additionalGids: [] }, 'user 10'],
    [{ uid: 0, gid: 10, additionalGids: [] }, 'group 10'],
    [{ uid: 0, gid: 0, additionalGids: [1, 10] }, 'group 10'],
  ])('%j: %s', (user, unmapped) => {
    expect(unmappedOf(user, { uid: linux.uidMappings, gid: linux.gidMappings })).toBe(unmapped);
  });

  test('are refused with what there is, and how there would be more', () => {
    const user = { uid: 0, gid: 0, additionalGids: [44] };
    const refuse = (mode: SpecIds['mode']) => () => assertMapped(user, { ...linux, ids: { mode } });
    expect(refuse('auto')).toThrow('user 0:0 with group 44: the container has uids 0-9 and gids 0-9');
    expect(refuse('auto')).toThrow(expect.objectContaining({ hint: expect.stringContaining("'host'") }));
    expect(refuse('subordinate')).toThrow(expect.objectContaining({ hint: expect.stringContaining('usermod') }));
  });

  test('of one id there are no groups, but those that nobody has asked for', () => {
    const user = { uid: 0, gid: 0, additionalGids: [44] };
    const single = { uidMappings: map(0, 1000, 1), gidMappings: map(0, 1000, 1) };
    assertMapped(user, single);
    expect(() => assertMapped(user, single, [44])).toThrow(expect.objectContaining({ code: 'USER_NOT_MAPPED' }));
    expect(() => assertMapped(user, { ...single, mappedBy: 'root' })).toThrow();
  });
});

function map(containerID: number, hostID: number, size: number) {
  return [{ containerID, hostID, size }];
}

describe('no user is', () => {
  test.each([
    ['nobody', 'USER_NOT_FOUND'],
    ['App', 'USER_NOT_FOUND'],
    [' app', 'USER_NOT_FOUND'],
    ['０', 'USER_NOT_FOUND'],
    ['0x0', 'USER_NOT_FOUND'],
    ['1e3', 'USER_NOT_FOUND'],
    ['0.0', 'USER_NOT_FOUND'],
    ['1000:abc', 'GROUP_NOT_FOUND'],
    ['app:０', 'GROUP_NOT_FOUND'],
    ['', 'INVALID_USER'],
    [':', 'INVALID_USER'],
    [':5', 'INVALID_USER'],
    ['app:', 'INVALID_USER'],
    ['a:b:c', 'INVALID_USER'],
    ['-1', 'INVALID_USER'],
    ['+0', 'INVALID_USER'],
    ['4294967295', 'INVALID_USER'],
    ['4294967296', 'INVALID_USER'],
    ['99999999999', 'INVALID_USER'],
    ['0:-1', 'INVALID_USER'],
    ['0:4294967296', 'INVALID_USER'],
  ])('%j: %s', (user, code) => {
    expect(() => resolveUser(user, FILES)).toThrow(expect.objectContaining({ code }));
  });

  test('that is not found is refused with those there are', () => {
    expect(() => resolveUser('nobody', FILES)).toThrow(
      "the container has no user 'nobody': it has root, app, 99999999999, 1001, homeless, highest",
    );
    expect(() => resolveUser('app:no', { passwd: FILES.passwd, group: [] })).toThrow(
      "the container has no group 'no': it has none",
    );
  });
});
