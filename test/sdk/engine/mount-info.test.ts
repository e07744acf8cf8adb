import { expect, test } from 'vitest';
import { hidingPlace, parseMountInfo } from '../../../sdk/engine/mount-info.ts';

test('mounts are read from what the kernel says of them', () => {
  const text = [
    '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue',
    '37 35 0:5 / /with\\040space rw shared:7 master:2 - tmpfs - rw',
    '38 35 0:6 / / rw - overlay shared:1 rw',
    '',
  ].join('\n');
  expect(parseMountInfo(text)).toEqual([
    { id: 36, point: '/mnt2', root: '/mnt1', isShared: false, type: 'ext3', options: ['rw', 'errors=continue'] },
    { id: 37, point: '/with space', root: '/', isShared: true, type: 'tmpfs', options: ['rw'] },
    { id: 38, point: '/', root: '/', isShared: false, type: 'overlay', options: ['rw'] },
  ]);
});

test('what hides a part of /proc or /sys is found, and what hides nothing is not', () => {
  const line = (place: string) => `22 27 0:21 / ${place} rw,relatime shared:1 - proc proc rw`;
  const found = (...places: readonly string[]) => hidingPlace(parseMountInfo(places.map(line).join('\n')));
  const harmless = [
    '/proc',
    '/sys',
    '/sys/fs/cgroup/unified',
    '/proc/sys/fs/binfmt_misc',
    '/sys/kernel/debug',
    '/process/x',
  ];
  expect(found(...harmless)).toBeUndefined();
  expect(found(...harmless, '/proc/kcore')).toBe('/proc/kcore');
  expect(found('/sys/firmware', ...harmless)).toBe('/sys/firmware');
});
