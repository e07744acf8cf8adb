import { expect, test } from 'vitest';
import { parseMountInfo } from '../../../sdk/engine/mount-info.ts';

test('mounts are read from what the kernel says of them', () => {
  const text = [
    '36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue',
    '37 35 0:5 / /with\\040space rw shared:7 master:2 - tmpfs - rw',
    '38 35 0:6 / / rw - overlay shared:1 rw',
    '',
  ].join('\n');
  expect(parseMountInfo(text)).toEqual([
    { id: 36, point: '/mnt2', isShared: false, type: 'ext3' },
    { id: 37, point: '/with space', isShared: true, type: 'tmpfs' },
    { id: 38, point: '/', isShared: false, type: 'overlay' },
  ]);
});
