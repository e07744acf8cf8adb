/** What is made of the kernel's answers: data in, findings out. */
import { expect, test } from 'vitest';
import { judgeIdmap, judgeIds } from '../../../sdk/probe/ids.ts';
import { judgeCalls, judgeKernel, judgeSeccomp } from '../../../sdk/probe/kernel.ts';
import { hasCapability, judgeLimits } from '../../../sdk/probe/limits.ts';
import { judgeKoffi, judgeMemfd } from '../../../sdk/probe/memory.ts';
import { judgeAppArmor, judgeTimeNamespaces, judgeUserNamespaces } from '../../../sdk/probe/namespaces.ts';
import {
  encodeGenerationRequest,
  errorInAnswer,
  judgeTables,
  judgeTun,
  judgeUserNetworking,
} from '../../../sdk/probe/network.ts';
import { judgeOverlay, judgeStore } from '../../../sdk/probe/overlay.ts';
import { CaissonError, RLIM_INFINITY, SyscallError } from '../../../syscalls/index.ts';

const refused = (errno: number) => new SyscallError({ errno, syscall: 'clone3' });
const [EPERM, ENOENT, EACCES, EINVAL, ENODEV, ENOSYS] = [1, 2, 13, 22, 19, 38];
const fine = { status: 'ok', summary: '' } as const;

test.each([
  ['6.18.44-fc', 'ok', undefined],
  ['5.19.0', 'limited', /6\.3/],
  ['5.15.167.4-microsoft-standard-WSL2', 'limited', /5\.19.*6\.3/],
  ['5.4.0-200-generic', 'missing', /5\.12/],
  ['4.18.0-553.el8_10.x86_64', 'missing', /5\.12/],
])('Linux %s is %s', (release, status, remedy) => {
  const found = judgeKernel(release, 'linux', 'x64');
  expect(found).toMatchObject({ status, summary: `Linux ${release} on x64` });
  expect(found.remedy ?? '').toMatch(remedy ?? /^$/);
});

test.each([
  ['darwin', 'arm64'],
  ['linux', 'riscv64'],
])('there is nothing on %s on %s', (platform, arch) => {
  expect(judgeKernel('24.1.0', platform, arch)).toMatchObject({ status: 'missing', remedy: /Linux on x64/ });
});

test('a call is there unless the kernel does not know it or a filter refuses it', () => {
  const answers = [
    ['clone3', -ENOSYS],
    ['openat2', -EINVAL],
    ['open_tree', -EPERM],
  ] as const;
  expect(judgeCalls(answers)).toMatchObject({ status: 'missing', detail: 'clone3: ENOSYS, open_tree: EPERM' });
  expect(judgeCalls(answers.slice(1, 2))).toMatchObject({ status: 'ok' });
});

test.each([
  [0, 'Seccomp:\t0\nSeccomp_filters:\t0\n', 'ok'],
  [0, 'Seccomp:\t2\nSeccomp_filters:\t1\n', 'limited'],
  [-EINVAL, '', 'missing'],
])('filters of system calls: %i, %j is %s', (result, status, expected) => {
  expect(judgeSeccomp(result, status).status).toBe(expected);
});

test.each([
  ['unprivileged_userns_clone', '0\n', 'kernel.unprivileged_userns_clone=1'],
  ['max_user_namespaces', '0\n', 'user.max_user_namespaces=15000'],
  ['apparmor_restrict_unprivileged_userns', '1\n', 'kernel.apparmor_restrict_unprivileged_userns=0'],
])('where %s is %j, the remedy is %s', (name, text, remedy) => {
  const found = judgeUserNamespaces(refused(EPERM), false, (file) => (file.endsWith(name) ? text : ''));
  expect(found).toMatchObject({ status: 'missing', remedy: expect.stringContaining(remedy) });
  expect(found.detail).toContain('EPERM');
});

test('root is told of no setting that does not stop root', () => {
  const found = judgeUserNamespaces(refused(EPERM), true, (file) => (file.endsWith('userns_clone') ? '0' : ''));
  expect(found.remedy).toContain('seccomp');
});

test('what works is fine, whatever the settings say', () => {
  expect(judgeUserNamespaces(undefined, false, () => '0').status).toBe('ok');
});

test.each([
  ['', '', fine, 'ok'],
  ['Y\n', '0\n', fine, 'ok'],
  ['Y\n', '1\n', fine, 'ok'],
  ['Y\n', '1\n', { status: 'missing', summary: '' } as const, 'missing'],
])('AppArmor enabled %j, restricting %j, is %s', (enabled, setting, users, status) => {
  const found = judgeAppArmor(enabled, setting, users);
  expect(found.status).toBe(status);
  if (status === 'missing') expect(found.remedy).toContain('kernel.apparmor_restrict_unprivileged_userns=0');
});

test('a kernel without time namespaces is told from one that may make none', () => {
  expect(judgeTimeNamespaces(undefined).status).toBe('ok');
  expect(judgeTimeNamespaces(refused(EINVAL)).remedy).toContain('CONFIG_TIME_NS');
  expect(judgeTimeNamespaces(refused(EPERM))).toMatchObject({ status: 'missing', summary: 'cannot be made' });
});

test('ids: all, many, few, one, and one because newuidmap refuses', () => {
  const map = (size: number) => [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100_000, size },
  ];
  const programs = { newuidmap: '/usr/bin/newuidmap', newgidmap: '/usr/bin/newgidmap' };
  const found = (size: number) =>
    ({ kind: 'subordinate', mappings: { uid: map(size), gid: map(size) }, programs }) as const;
  const own = (size: number) => ({ ...found(size), namespace: -1 });
  const single = { kind: 'single', mappings: { uid: [], gid: [] }, reason: 'why' } as const;
  expect(judgeIds({ kind: 'all' }, { kind: 'all' }).status).toBe('ok');
  expect(judgeIds(found(65_536), own(65_536))).toEqual({
    status: 'ok',
    summary: 'containers have 65537 uids and 65537 gids',
  });
  expect(judgeIds(found(999), own(999)).status).toBe('limited');
  expect(judgeIds(single, single)).toMatchObject({ status: 'limited', detail: 'why', remedy: /--add-subuids/ });
  expect(judgeIds(found(65_536), single)).toMatchObject({ status: 'limited', remedy: /set-user-ID/ });
});

test('idmapped mounts are for root, of file systems that can', () => {
  expect(judgeIdmap(false, '/x', undefined).status).toBe('limited');
  expect(judgeIdmap(true, '/x', undefined).status).toBe('ok');
  expect(judgeIdmap(true, '/x', 'EINVAL')).toMatchObject({
    status: 'missing',
    detail: 'EINVAL',
    remedy: /CAISSON_ROOT/,
  });
});

test('an overlay that is refused has a remedy, which is that of user namespaces where there are none', () => {
  const none = { status: 'missing', summary: '', remedy: 'the sysctl' } as const;
  expect(judgeOverlay(undefined, fine).status).toBe('ok');
  expect(judgeOverlay(refused(ENODEV), fine).remedy).toContain('modprobe');
  expect(judgeOverlay(refused(EPERM), fine).remedy).toContain('5.11');
  expect(judgeOverlay(refused(EPERM), none).remedy).toBe('the sysctl');
});

test('a store that cannot be written is missing, one that has no overlays is limited', () => {
  expect(judgeStore('/s', {})).toEqual({ status: 'ok', summary: "'/s' keeps what containers change" });
  expect(judgeStore('/s', { mounting: 'not tried' })).toEqual({ status: 'ok', summary: "'/s' can be written" });
  expect(judgeStore('/s', { writing: refused(EACCES) })).toMatchObject({ status: 'missing', remedy: /CAISSON_ROOT/ });
  expect(judgeStore('/s', { mounting: refused(EINVAL) })).toMatchObject({ status: 'limited', remedy: /tmpfs/ });
  expect(judgeStore('/s', { mounting: refused(ENODEV) })).toMatchObject({ status: 'missing', remedy: /modprobe/ });
});

test('limits may be high, or be raised', () => {
  const few = { files: 4096n, processes: RLIM_INFINITY };
  expect(judgeLimits(few, false)).toMatchObject({
    status: 'limited',
    summary: expect.stringContaining('at most 4096 open files, any number of processes'),
  });
  expect(judgeLimits(few, true).status).toBe('ok');
  expect(judgeLimits({ ...few, files: 1_048_576n }, false).status).toBe('ok');
});

test('capabilities are read from where the kernel tells them', () => {
  const status = 'CapPrm:\tffffffffffffffff\nCapEff:\t000001fffeffffff\n';
  expect([21, 24, 40].map((each) => hasCapability(status, each))).toEqual([true, false, true]);
  expect(hasCapability('', 21)).toBe(false);
});

test('koffi and memory: the remedy is the hint of the error that a container would fail with', () => {
  const error = (code: string) => new CaissonError(code, 'no', { hint: 'do this' });
  expect(judgeKoffi(undefined, '3.3.4')).toEqual({ status: 'ok', summary: 'koffi 3.3.4' });
  expect(judgeKoffi(error('KOFFI_NOT_LOADED'), '')).toEqual({ status: 'missing', summary: 'no', remedy: 'do this' });
  expect(judgeMemfd(undefined, '').status).toBe('ok');
  expect(judgeMemfd(error('MEMFD_NOEXEC'), '2\n')).toEqual({
    status: 'missing',
    summary: 'forbidden',
    detail: 'sysctl vm.memfd_noexec is 2',
    remedy: 'do this',
  });
});

test('nf_tables is asked in 20 bytes, and answers with its generation or an error', () => {
  expect(encodeGenerationRequest().toString('hex')).toBe('14000000100a01000000000000000000' + '00000000');
  const generation = Buffer.from('2c0000000f0a00000000000000000000', 'hex');
  const error = Buffer.from('24000000020000000000000000000000eaffffff', 'hex');
  expect([errorInAnswer(generation), errorInAnswer(error)]).toEqual([0, EINVAL]);
  expect(judgeTables(undefined, '/usr/sbin/nft')).toMatchObject({ status: 'ok', detail: '/usr/sbin/nft' });
  expect(judgeTables(refused(EINVAL), undefined)).toMatchObject({ status: 'missing', remedy: /modprobe nf_tables/ });
});

test('pasta is best, slirp4netns will do, root needs neither', () => {
  const [pasta, slirp] = ['/usr/bin/pasta', '/usr/bin/slirp4netns'];
  const statuses = [
    judgeUserNetworking(false, pasta, slirp),
    judgeUserNetworking(false, undefined, slirp),
    judgeUserNetworking(true, undefined, undefined),
    judgeUserNetworking(false, undefined, undefined),
  ].map(({ status }) => status);
  expect(statuses).toEqual(['ok', 'limited', 'limited', 'missing']);
});

test('a device that is not there is told from one that is closed', () => {
  expect(judgeTun(undefined).status).toBe('ok');
  expect(judgeTun(refused(ENOENT)).remedy).toContain('modprobe tun');
  expect(judgeTun(refused(EACCES)).remedy).toContain('chmod');
});
