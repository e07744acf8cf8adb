import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { planOf } from '../../../sdk/plan/plan.ts';
import { add, equal, getpid, jump, label, mount, openat, shift, variable } from '../../../syscalls/index.ts';

const fd = variable('fd');

test('a plan is printed as strace prints calls, with labels, branches and purposes', () => {
  const plan = planOf({
    launch: [getpid.step('asking who it is', [], { into: variable('pid') })],
    stub: [
      mount.step('mounting proc', ['proc', '/proc', 'proc', 0x2 | 0x4, null], {
        label: 'again',
        onError: { EBUSY: 'done' },
      }),
      openat.step('opening', [-100, '/a "b"', 0x8_0000, 0o644], { into: fd, next: 'done', onError: 'again' }),
      equal(fd, 3, { otherwise: 'again' }),
      jump('done'),
      add(fd, 1, fd, { label: 'sum' }),
      shift(fd, 8n, fd),
      label('done'),
    ],
  });
  expect(plan.toString()).toBe(
    [
      '   0  pid = getpid()  # asking who it is',
      '   1  again: mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV, NULL)  # mounting proc; EBUSY: done',
      '   2  fd = openat(AT_FDCWD, "/a \\"b\\"", O_CLOEXEC, 0644)  # opening; then: done; error: again',
      '   3  if fd == 3 goto next else again',
      '   4  goto done',
      '   5  sum: fd = fd + 1',
      '   6  fd = fd >> 8',
      '      done:',
    ].join('\n'),
  );
});

test('who logs a plan sees what it prints', () => {
  const plan = planOf({ launch: [getpid.step('one', [])], stub: [getpid.step('other', [])] });
  expect(inspect(plan)).toBe('   0  getpid()  # one\n   1  getpid()  # other');
});

test('the steps of a plan are those of both parts, in order', () => {
  const [one, other] = [getpid.step('one', []), getpid.step('other', [])];
  const plan = planOf({ launch: [one], stub: [other] });
  expect(plan.steps).toEqual([one, other]);
  expect([plan.launch, plan.stub]).toEqual([[one], [other]]);
});
