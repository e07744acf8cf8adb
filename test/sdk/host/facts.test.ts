import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hostImageSource, readHostFacts } from '../../../sdk/host/index.ts';
import { fakeHost } from './fake-host.ts';

/** As in vitest.config.ts. */
const slowness = Number(process.env.CAISSON_TEST_SLOW ?? 1);

const DEBIAN = {
  usr: { mode: 0o755 },
  'usr/bin/bash': ['', 0o755],
  bin: { target: 'usr/bin' },
  lib64: { target: 'usr/lib64' },
  'etc/ssl/certs': { mode: 0o755 },
  'etc/ssl/private': { mode: 0o710 },
  'etc/os-release': { target: '../usr/lib/os-release' },
  'etc/python3.11': { mode: 0o755 },
  'etc/python2.7': { mode: 0o755 },
  'etc/shadow': ['root:*', 0o640],
  'etc/environment': ['TOKEN=1', 0o644],
  'var/lib/dpkg/status': ['', 0o644],
} as const;

test('the facts are what is there of the program directories and of the names that are copied', (context) => {
  const facts = readHostFacts(fakeHost(context, DEBIAN));
  expect(facts).toMatchObject({
    programs: [
      { path: '/usr', kind: 'directory' },
      { path: '/bin', kind: 'symlink', target: 'usr/bin' },
      { path: '/lib64', kind: 'symlink', target: 'usr/lib64' },
    ],
    etc: [
      { path: '/etc/ssl/certs', kind: 'directory' },
      { path: '/etc/os-release', kind: 'symlink', target: '../usr/lib/os-release' },
      { path: '/etc/python3.11', kind: 'directory' },
    ],
    watched: [{ path: '/var/lib/dpkg/status', kind: 'file' }],
    shell: '/bin/bash',
  });
});

test('the fingerprint is the same for a machine that stays as it is', (context) => {
  const host = fakeHost(context, DEBIAN);
  const before = hostImageSource(readHostFacts(host));
  writeFileSync(join(host, 'etc/passwd'), 'root:x:0:0:::\n');
  writeFileSync(join(host, 'usr/bin/new'), '');
  expect(hostImageSource(readHostFacts(host))).toEqual(before);
});

test.for([
  ['a file put into a directory that is copied', 'etc/ssl/certs/new.pem'],
  ['a file that is copied', 'etc/shells'],
  ['the installed packages', 'var/lib/dpkg/status'],
] as const)('the fingerprint is another one after a change of %s', ([_, path], context) => {
  const host = fakeHost(context, DEBIAN);
  const before = hostImageSource(readHostFacts(host)).fingerprint;
  writeFileSync(join(host, path), 'new');
  expect(hostImageSource(readHostFacts(host)).fingerprint).not.toBe(before);
});

test('the facts of this machine take about a millisecond', () => {
  const start = performance.now();
  for (let round = 0; round < 20; round++) hostImageSource(readHostFacts());
  expect((performance.now() - start) / 20).toBeLessThan(5 * slowness);
});
