/** The supervisor's plan: what can be said of it without running it. test/e2e/detached.test.ts has it at work. */
import { expect, test } from 'vitest';
import { planContainer } from '../../../sdk/plan/container.ts';
import { overlayWorks, planSupervisor, type Supervision } from '../../../sdk/plan/supervisor.ts';
import { type Architecture, assemble, exit_group, reportTo, TABLE_ADDRESS, write } from '../../../syscalls/index.ts';
import { specOf } from './specs.ts';

const { launch } = planContainer(specOf(), { stdio: ['null', 'null', 'null'], extra: ['null'] });

const SUPERVISION: Supervision = {
  launch: { steps: launch, descriptors: [], numbers: {}, hasSecond: false },
  stdio: { stdin: true, stdout: true, stderr: true, terminal: false },
  restarts: { when: 'never' },
  logs: { maxFileBytes: 1000, maxFiles: 3 },
  stop: { signal: 15, graceSeconds: 10, kept: false },
  journal: { kinds: { start: 2, die: 4 }, payload: Buffer.from('{}') },
  works: ['work'],
  held: 0,
};

const linesOf = (changes: Partial<Supervision>) => planSupervisor({ ...SUPERVISION, ...changes }).toString();
const TERMINAL = { stdin: false, stdout: false, stderr: false, terminal: true };

test.for(['x64', 'arm64'] as const)(
  'every way it can be asked for has all of its labels, on %s',
  (arch: Architecture) => {
    const epilogue = reportTo(3, { write, exit: exit_group });
    const changes: Partial<Supervision>[] = [
      {},
      { stdio: TERMINAL },
      { stdio: { stdin: false, stdout: false, stderr: false, terminal: false } },
      { restarts: { when: 'always' } },
      { restarts: { when: 'failed' }, works: [] },
      { restarts: { when: 'failed', most: 3 }, logs: { maxFileBytes: 1, maxFiles: 1 } },
      {
        launch: { ...SUPERVISION.launch, hasSecond: true, descriptors: ['user namespace'], numbers: { id: 7 } },
        held: 2,
      },
    ];
    for (const change of changes) {
      const { stub } = planSupervisor({ ...SUPERVISION, ...change });
      const { bytes } = assemble(stub, { arch, base: TABLE_ADDRESS, epilogue });
      expect(bytes.length).toBeLessThan(64 * 1024);
    }
  },
);

test('what is never started again has no steps for it', () => {
  expect(linesOf({})).not.toContain('pausing before a restart');
  expect(linesOf({ restarts: { when: 'always' } })).toContain('pausing before a restart');
});

test('before a restart, what overlayfs leaves is removed from every overlay', () => {
  const spec = specOf({}, { views: [{ source: '/usr/lib', target: '/usr/lib' }] });
  const overlay = {
    destination: '/data',
    type: 'overlay',
    options: [],
    layers: ['/data'],
    changes: 'mounts/0',
  } as const;
  const works = overlayWorks({ ...spec, mounts: [...spec.mounts, overlay] });
  expect(works).toEqual(['work', 'views/usr-lib', 'mounts/0/work']);
  const lines = linesOf({ restarts: { when: 'always' }, works });
  for (const work of works) expect(lines).toContain(`"${work}/work/incompat/volatile/dirty"`);
  expect(overlayWorks(specOf({ upper: 'tmpfs' }))).toEqual([]);
});

test('a log of one file is begun anew, and one of more is renamed from the oldest on', () => {
  const renames = (maxFiles: number) => {
    const lines = linesOf({ logs: { maxFileBytes: 1000, maxFiles } }).split('\n');
    return lines.flatMap((line) => /renameat2\(\d+, "([^"]+)", \d+, "([^"]+)"/.exec(line)?.slice(1).join(' → ') ?? []);
  };
  expect(renames(3)).toEqual(['log.1 → log.2', 'log → log.1', 'next-log → log']);
  expect(renames(1)).toEqual(['next-log → log']);
});

test('that the container runs is noted before its owner is told', () => {
  const lines = linesOf({}).split('\n');
  const at = (text: string) => lines.findIndex((line) => line.includes(text));
  expect(at('noting the state')).toBeLessThan(at('telling the pid'));
  expect(at('telling the pid')).toBeLessThan(at('waiting for the container'));
});

test('told to end, it asks its container to, and waits no longer than the grace', () => {
  const lines = linesOf({ stop: { signal: 10, graceSeconds: 7, kept: false } });
  expect(lines).toMatch(/grace seconds = 7 \+ 0/);
  expect(lines).toMatch(/ppoll\([^)]*, 6, patience, NULL, 8\)/);
  expect(lines).toMatch(/pidfd_send_signal\([^,]*pidfd[^,]*, (10|SIGUSR1), NULL, 0\) {2}# asking the container to end/);
  expect(lines).toMatch(/pidfd_send_signal\([^,]*pidfd[^,]*, (9|SIGKILL), NULL, 0\) {2}# ending the container/);
  const kept = linesOf({ stop: { signal: 15, graceSeconds: 7, kept: true } });
  expect(kept).toMatch(/pidfd_send_signal\([^,]*pidfd[^,]*, 64, NULL, 0\) {2}# ending all/);
  expect(kept).not.toContain('# ending the container');
});

test('no wait has a constant for its time, which the kernel would count down', () => {
  const waits = linesOf({ restarts: { when: 'always' } }).match(/ppoll\(.*(?=, 8\) )/g) ?? [];
  const times = new Set(waits.map((wait) => wait.split(', ').at(-2)));
  expect(times).toEqual(new Set(['NULL', 'patience']));
});
