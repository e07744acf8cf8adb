import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readUserFiles } from '../../../sdk/spec/user-files.ts';
import { expectNothingLeft, traces } from '../../support/leftovers.ts';
import { rootWith } from '../../support/root-with.ts';

const isRoot = process.getuid?.() === 0;

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

  test('are those of the first root that has something of the name, each for itself', (context) => {
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

  test('are hidden by whatever is above them', (context) => {
    const lower = rootWith(context, { passwd: 'lower:x:1:1::/:\n' });
    const [directory, link] = [rootWith(context, {}), rootWith(context, {})];
    mkdirSync(join(directory, 'etc/passwd'));
    symlinkSync('nowhere', join(link, 'etc/passwd'));
    for (const upper of [directory, link]) expect(readUserFiles([upper, lower]).passwd).toEqual([]);
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
