import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { readUserFiles, rememberUserFiles, resolveUser, type UserFiles } from '../../../sdk/spec/user.ts';
import { expectNothingLeft, traces } from '../../support/leftovers.ts';
import { temporaryDirectory } from '../../support/temporary.ts';

const isRoot = process.getuid?.() === 0;

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

describe('the user files of a root', () => {
  test('are read as passwd(5) and group(5) say, without lines that are none', (context) => {
    const root = rootWith(context, {
      passwd: [
        'root:x:0:0:Charlie &:/root:/bin/sh',
        '# comment:x:1:1::/:/bin/sh',
        '',
        'app:x:1000:1000::/home/app:',
        'half:x:12',
        'negative:x:-1:0::/:',
        'large:x:4294967296:0::/:',
        '+nis::::::',
        'last:x:7:8::/last:/bin/sh',
      ].join('\n'),
      group: 'root:x:0:\nstaff:x:50:app,other\nempty:x:51:,\nbroken:x:no:\n',
    });
    expect(readUserFiles([root])).toEqual({
      passwd: [
        { name: 'root', uid: 0, gid: 0, home: '/root' },
        { name: 'app', uid: 1000, gid: 1000, home: '/home/app' },
        { name: 'last', uid: 7, gid: 8, home: '/last' },
      ],
      group: [
        { name: 'root', gid: 0, members: [] },
        { name: 'staff', gid: 50, members: ['app', 'other'] },
        { name: 'empty', gid: 51, members: [] },
      ],
    });
  });

  test('are those of the first root that has them, each for itself', (context) => {
    const upper = rootWith(context, { passwd: 'upper:x:1:1::/:\n' });
    const lower = rootWith(context, { passwd: 'lower:x:2:2::/:\n', group: 'lower:x:3:\n' });
    const files = readUserFiles([upper, lower]);
    expect(files.passwd.map(({ name }) => name)).toEqual(['upper']);
    expect(files.group.map(({ name }) => name)).toEqual(['lower']);
  });

  test('are empty where there are none, or nothing that is a file', (context) => {
    const root = rootWith(context, {});
    mkdirSync(join(root, 'etc/passwd'));
    expect(readUserFiles([root, join(root, 'missing')])).toEqual({ passwd: [], group: [] });
  });

  test('are not waited for when they are FIFOs', (context) => {
    const root = rootWith(context, {});
    execFileSync('mkfifo', [join(root, 'etc/passwd'), join(root, 'etc/group')]);
    expect(readUserFiles([root])).toEqual({ passwd: [], group: [] });
  });

  test('are looked for inside the root, wherever their links lead', (context) => {
    const root = rootWith(context, {});
    const outside = rootWith(context, { passwd: 'outside:x:1:1::/:\n' });
    writeFileSync(join(root, 'users'), 'inside:x:5:app\n');
    symlinkSync(join(outside, 'etc/passwd'), join(root, 'etc/passwd'));
    expect(readUserFiles([root]).passwd).toEqual([]);
    symlinkSync('../../../../../../../../users', join(root, 'etc/group'));
    expect(readUserFiles([root]).group).toEqual([{ name: 'inside', gid: 5, members: ['app'] }]);
  });

  test('are not reached through magic links of a /proc in the root', (context) => {
    const root = rootWith(context, {});
    symlinkSync('/self/root/etc/passwd', join(root, 'etc/passwd'));
    // With /proc itself as the root, the link above is a real one.
    expect(readUserFiles([root, '/proc/self/root/proc']).passwd).toEqual([]);
  });

  test('are not read without an end when they are links in a circle', (context) => {
    const root = rootWith(context, {});
    symlinkSync('group', join(root, 'etc/passwd'));
    symlinkSync('passwd', join(root, 'etc/group'));
    expect(readUserFiles([root])).toEqual({ passwd: [], group: [] });
  });

  test.runIf(isRoot)('are not read without an end when they are /dev/zero', (context) => {
    const root = rootWith(context, {});
    mkdirSync(join(root, 'dev'));
    execFileSync('mknod', [join(root, 'dev/zero'), 'c', '1', '5']);
    symlinkSync('/dev/zero', join(root, 'etc/passwd'));
    expect(readUserFiles([root])).toEqual({ passwd: [], group: [] });
  });

  test.runIf(isRoot)('are passed over when they are whiteouts of overlayfs', (context) => {
    const root = rootWith(context, {});
    execFileSync('mknod', [join(root, 'etc/passwd'), 'c', '0', '0']);
    expect(readUserFiles([root]).passwd).toEqual([]);
  });

  test('of more than a megabyte are refused, of a megabyte are read', (context) => {
    const line = `${'x'.repeat(1000)}:x:1:1::/:\n`;
    const small = rootWith(context, { passwd: line.repeat(1000) });
    expect(readUserFiles([small]).passwd).toHaveLength(1000);
    const large = rootWith(context, { passwd: line.repeat(2000) });
    expect(() => readUserFiles([large])).toThrow(
      expect.objectContaining({
        code: 'INVALID_USER',
        message: `/etc/passwd of the container has ${line.length * 2000} bytes; at most 1048576 are read`,
      }),
    );
  });

  test('are closed, whatever they were', async (context) => {
    const before = traces();
    const root = rootWith(context, { passwd: 'a:x:1:1::/:\n', group: 'x'.repeat(1_048_577) });
    for (let count = 0; count < 20; count += 1) expect(() => readUserFiles([root])).toThrow();
    for (let count = 0; count < 20; count += 1) readUserFiles([join(root, 'missing'), join(root, 'etc')]);
    await expectNothingLeft(before);
  });
});

describe('the remembered user files of an image', () => {
  test('are read again when one that may change has changed', (context) => {
    const root = rootWith(context, { passwd: 'first:x:1:1::/:\n' });
    expect(namesIn(rememberUserFiles([root], true))).toEqual(['first']);
    expect(rememberUserFiles([root], true)).toBe(rememberUserFiles([root], true));
    writeFileSync(join(root, 'etc/passwd'), 'second:x:1:1::/:\n');
    expect(namesIn(rememberUserFiles([root], true))).toEqual(['second']);
  });

  test('of one that cannot change are read once', (context) => {
    const root = rootWith(context, { passwd: 'first:x:1:1::/:\n' });
    expect(rememberUserFiles([root], false)).toBe(rememberUserFiles([root], false));
  });

  test('are those of the uppermost layer that has them: layers are given lowest first', (context) => {
    const lower = rootWith(context, { passwd: 'lower:x:1:1::/:\n' });
    const upper = rootWith(context, { passwd: 'upper:x:1:1::/:\n' });
    expect(namesIn(rememberUserFiles([lower, upper], false))).toEqual(['upper']);
  });
});

function namesIn({ passwd }: UserFiles): string[] {
  return passwd.map(({ name }) => name);
}

/** A directory with an /etc of these files. */
function rootWith(context: TestContext, files: Readonly<Record<string, string>>): string {
  const root = temporaryDirectory(context);
  mkdirSync(join(root, 'etc'));
  chmodSync(join(root, 'etc'), 0o755);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, 'etc', name), text);
  return root;
}
