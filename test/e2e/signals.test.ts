/** Signals as they are asked for: by name, by number, by an image, and wrongly. */
import { once } from 'node:events';
import { Container, type Image, Pod } from 'caisson';
import { describe, expect, test } from 'vitest';
import { configuredImage } from './configured-image.ts';
import { busybox, privateStore, sh } from './fixture.ts';

privateStore();

/** A command that ends with 7 when it gets a signal. */
const handling = (signal: string | number) =>
  sh(`trap 'exit 7' ${signal}; echo ready; while :; do sleep 60 & wait $!; done`);

/** Starts a container and waits until it is ready for signals. */
async function startReady(image: Image, command: readonly string[], detach = false): Promise<Container> {
  const container = await Container.start(image, { command, detach });
  if (detach) for await (const _ of container.logs({ follow: true })) break;
  else await once(container.stdout, 'data');
  return container;
}

const kinds = [
  ['an attached container', false],
  ['a detached container', true],
] as const;

describe.for(kinds)('%s', ([, detach]) => {
  test.for([
    ['kill', 15],
    ['kill', 'SIGTERM'],
    ['stop', 10],
    ['stop', 'SIGUSR1'],
    ['stop', 37],
  ] as const)('is ended by %s(%j)', async ([method, signal], context) => {
    const number = typeof signal === 'number' ? signal : { SIGTERM: 15, SIGUSR1: 10 }[signal];
    await using container = await startReady(busybox(context), handling(number), detach);
    if (method === 'kill') await container.kill(signal);
    else await container.stop({ signal, timeoutMs: 600_000 });
    expect(await container.wait()).toEqual({ exitCode: 7, signal: null });
  });

  test('is ended for good by 9, as by SIGKILL', async (context) => {
    await using container = await Container.start(busybox(context), {
      command: ['sleep', '600'],
      restart: 'always',
      namespaces: { pid: 'host' },
      detach,
    });
    await container.kill(9);
    expect(container.state).toBe('exited');
    expect(await container.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' });
  });

  test('refuses what is no signal, and runs on', async (context) => {
    await using container = await Container.start(busybox(context), { command: ['sleep', '600'], detach });
    for (const signal of ['FOO', 'TERM', 0, -9, 65, 1.5, null, {}]) {
      const isNone = expect.objectContaining({
        name: 'TypeError',
        message: expect.stringMatching(/^a signal must be the name of a signal, as 'SIGTERM', or its number, .*, got /),
      });
      await expect(container.kill(signal as never)).rejects.toEqual(isNone);
      const isNoOption = expect.objectContaining({
        name: 'TypeError',
        message: expect.stringMatching(/^option 'signal' must be the name of a signal/),
      });
      await expect(container.stop({ signal: signal as never })).rejects.toEqual(isNoOption);
      await expect(container.restart({ signal: signal as never })).rejects.toEqual(isNoOption);
    }
    for (const options of [{ timeout: 5 }, '5', { timeoutMs: '5' }, null, []]) {
      await expect(container.stop(options as never)).rejects.toBeInstanceOf(TypeError);
    }
    expect(container.state).toBe('running');
  });
});

test('a process takes names and numbers, and 0 tells whether it is there', async (context) => {
  await using container = await Container.start(busybox(context), { command: ['sleep', '600'] });
  const shell = await container.spawn(handling(15));
  await once(shell.stdout, 'data');
  for (const signal of ['FOO', -1, 65, null]) {
    expect(() => shell.kill(signal as never)).toThrow(/^a signal must be the name of a signal/);
  }
  expect(shell.kill(0)).toBe(true);
  expect(shell.kill(15)).toBe(true);
  expect(await shell.wait()).toEqual({ exitCode: 7, signal: null });
  expect(shell.kill(0)).toBe(false);
});

test('a pod refuses what is no option of stopping', async (context) => {
  await using pod = await Pod.start({ containers: { one: { image: busybox(context), command: ['sleep', '600'] } } });
  await expect(pod.stop({ timeout: 5 } as object)).rejects.toThrow("did you mean 'timeoutMs'?");
  expect(pod.containers.one.state).toBe('running');
});

test.for([
  ['SIGUSR1', 10],
  ['usr1', 10],
  ['10', 10],
  ['SIGRTMIN+3', 37],
  ['SIGFOO', 15],
  ['0', 15],
  ['', 15],
] as const)('an image that is stopped by %j ends by signal %j', async ([StopSignal, number], context) => {
  const image = await configuredImage(context, { StopSignal });
  for (const [, detach] of kinds) {
    await using container = await startReady(image, handling(number), detach);
    expect(await container.stop({ timeoutMs: 600_000 })).toEqual({ exitCode: 7, signal: null });
  }
});
