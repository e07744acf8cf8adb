/** A supervisor's clock and signal: told to end, as all are when the machine is shut down, it stops its container. */
import { readFileSync } from 'node:fs';
import { Container, type ContainerOptions } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { all } from '../support/all.ts';
import { busybox, privateStore, sh } from './fixture.ts';

privateStore();

function detached(context: TestContext, script: string, options: ContainerOptions = {}): Promise<Container> {
  return Container.start(busybox(context), { detach: true, restart: 'always', command: sh(script), ...options });
}

function supervisorOf({ pid }: Container): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

/** What handles a signal, and says so. */
const handling = (signal: string) => `trap "echo bye; exit 7" ${signal}; echo up; while :; do sleep 0.01; done`;

test.for<[string, string, ContainerOptions]>([
  ['by SIGTERM', 'TERM', {}],
  ['by its own stop signal', 'USR1', { stopSignal: 'SIGUSR1' }],
  ['through an init', 'TERM', { init: true }],
  ['through a keeper', 'TERM', { namespaces: { pid: 'host' } }],
  ['at a terminal', 'TERM', { tty: true }],
])('it asks it to end, %s, and does not start it again', async ([, signal, options], context) => {
  await using container = await detached(context, handling(signal), options);
  await expect.poll(() => container.logs().text()).toMatch(/^up/);
  process.kill(supervisorOf(container), 'SIGTERM');
  expect(await container.wait()).toEqual({ exitCode: 7, signal: null });
  expect(container.inspect()).toMatchObject({ state: 'exited', lost: false, restarts: 0, exitCode: 7 });
  expect((await container.logs().text()).replaceAll('\r', '')).toBe('up\nbye\n');
  await container.start();
  expect(container.state).toBe('running');
});

test('it ends for good what does not end in ten seconds, however much that writes and whatever is asked meanwhile', async (context) => {
  const scripts = ['trap "" TERM; while :; do echo busy; sleep 0.05; done', 'exec sleep 600'];
  const containers = await Promise.all([
    ...scripts.map((script) => detached(context, script)),
    detached(context, 'trap "" TERM; while :; do sleep 0.05; done', { namespaces: { pid: 'host' } }),
  ]);
  const begun = performance.now();
  for (const container of containers) {
    const supervisor = supervisorOf(container);
    process.kill(supervisor, 'SIGTERM');
    setTimeout(() => process.kill(supervisor, 'SIGTERM'), 3000);
  }
  const ends = await Promise.all(containers.map((container) => container.wait()));
  expect(performance.now() - begun).toBeGreaterThan(9_900);
  expect(performance.now() - begun).toBeLessThan(20_000);
  expect(ends).toEqual(containers.map(() => ({ exitCode: null, signal: 'SIGKILL' })));
  for (const container of containers) await container.remove();
});

test('a pause before a restart is its end', async (context) => {
  await using container = await detached(context, 'sleep 0.3; exit 3');
  const supervisor = supervisorOf(container);
  // The third pause is 0.4 s.
  const seen = () => [container.state, container.inspect().restarts];
  await expect.poll(seen, { interval: 10, timeout: 10_000 }).toEqual(['restarting', 2]);
  process.kill(supervisor, 'SIGTERM');
  expect(await container.wait()).toEqual({ exitCode: 3, signal: null });
  expect(container.inspect().restarts).toBe(2);
});

test('pauses before restarts are as long as before once it has run for long', async (context) => {
  const script = 'echo run >> /runs; echo; [ $(wc -l < /runs) = 3 ] && sleep 10.2; exit 1';
  await using container = await detached(context, script);
  const seen = () => container.inspect().restarts;
  await expect.poll(seen, { interval: 20, timeout: 20_000 }).toBeGreaterThan(4);
  await container.stop();
  const times = (await all(container.logs())).map(({ time }) => Number(time));
  const pauses = times.slice(1).map((time, index) => time - (times[index] as number));
  for (const [index, least] of [100, 200, 10_300, 200].entries()) expect(pauses[index]).toBeGreaterThanOrEqual(least);
});
