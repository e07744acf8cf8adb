import { expect, test } from 'vitest';
import { etcMounts } from '../../../sdk/spec/etc-files.ts';

const FACTS = {
  resolvConf: 'search lan\nnameserver 127.0.0.53\nnameserver 192.0.2.1\noptions edns0\n',
  isShared: false,
};

const contentOf = (path: string, ...args: Parameters<typeof etcMounts>) => {
  return etcMounts(...args).find(({ destination }) => destination === path)?.content;
};

test('servers on the loopback are left out, all else is kept', () => {
  expect(contentOf('/etc/resolv.conf', {}, 'box', FACTS, [])).toBe('search lan\nnameserver 192.0.2.1\noptions edns0\n');
});

test('with the network of another, its resolv.conf is as it is, unless servers are given', () => {
  const facts = { ...FACTS, hosts: '192.0.2.9 there', isShared: true };
  expect(contentOf('/etc/resolv.conf', {}, 'box', facts, [])).toBe(FACTS.resolvConf);
  expect(contentOf('/etc/resolv.conf', { dns: ['192.0.2.53', '::1'] }, 'box', facts, [])).toBe(
    'nameserver 192.0.2.53\nnameserver ::1\nsearch lan\noptions edns0\n',
  );
  expect(contentOf('/etc/hosts', { hosts: { a: '192.0.2.2' } }, 'box', facts, [])).toBe(
    '192.0.2.9 there\n192.0.2.2\ta\n',
  );
});

test('a name of no letters is in no file of names', () => {
  expect(contentOf('/etc/hosts', {}, '', FACTS, [])).not.toMatch(/127\.0\.0\.1\t\n/);
  expect(contentOf('/etc/hostname', {}, '', FACTS, [])).toBe('\n');
});

test('they are read-only where the root is', () => {
  const optionsOf = (readOnly: boolean) => etcMounts({ readOnly }, 'box', FACTS, []).map(({ options }) => options);
  expect(optionsOf(true)).toEqual(Array(3).fill(['mode=644', 'ro']));
  expect(optionsOf(false)).toEqual(Array(3).fill(['mode=644']));
});

test('places that something else is mounted at are left to it', () => {
  const mounts = [{ type: 'tmpfs', target: '/etc/./hosts' }] as const;
  expect(etcMounts({}, 'box', FACTS, mounts).map(({ destination }) => destination)).toEqual([
    '/etc/hostname',
    '/etc/resolv.conf',
  ]);
});
