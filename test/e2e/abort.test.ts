/** What an AbortSignal does to containers and processes at each point of their lives. */
import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Container } from 'caisson';
import { afterEach, beforeEach, expect, type TestContext, test } from 'vitest';
import { busybox, privateStore, slowness } from './fixture.ts';

privateStore();

let controller: AbortController;
const reason = new Error('the user went away');

beforeEach(() => {
  controller = new AbortController();
});

// A signal may live as long as the program: what listens to it must not pile up.
afterEach(() => expect(getEventListeners(controller.signal, 'abort')).toEqual([]));

const sleeping = (context: TestContext) => Container.start(busybox(context), { command: ['sleep', '600'] });
/** Does something after some turns of the event loop: a point in time that depends on no clock. */
async function after(turns: number, action: () => void): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await nextTurn();
  action();
}

test('a signal that is aborted already ends everything before it begins', async (context) => {
  const image = busybox(context);
  const signal = AbortSignal.abort(reason);
  await expect(Container.run(image, ['true'], { signal })).rejects.toBe(reason);
  await expect(Container.create(image, { signal })).rejects.toBe(reason);
  await expect(Container.start(image, { signal })).rejects.toBe(reason);

  await using container = await sleeping(context);
  await expect(container.exec(['true'], { signal })).rejects.toBe(reason);
  await expect(container.spawn(['true'], { signal })).rejects.toBe(reason);
  expect(container.state).toBe('running');
});

test('aborting ends a run, at whatever point', async (context) => {
  const image = busybox(context);
  for (let turns = 0; turns < 24 / Math.sqrt(slowness); turns++) {
    const own = new AbortController();
    const run = Container.run(image, ['sleep', '600'], {
      signal: own.signal,
      init: turns % 2 === 0,
      tty: turns % 3 === 0,
    });
    const abort = after(turns, () => own.abort(reason));
    await expect(run).rejects.toBe(reason);
    await abort;
    expect(getEventListeners(own.signal, 'abort')).toEqual([]);
  }
});

test('aborting ends a start, at whatever point', async (context) => {
  const image = busybox(context);
  for (let turns = 0; turns < 24 / Math.sqrt(slowness); turns++) {
    const own = new AbortController();
    const start = Container.start(image, { command: ['sleep', '600'], signal: own.signal, init: turns % 2 === 0 });
    const abort = after(turns, () => own.abort(reason));
    const outcome = await start.then(
      (container) => container,
      (error: unknown) => error,
    );
    await abort;
    if (outcome instanceof Container) await expect.poll(() => outcome.state).toBe('removed');
    else expect(outcome).toBe(reason);
    expect(getEventListeners(own.signal, 'abort')).toEqual([]);
  }
});

test('aborting ends and removes a container that runs', async (context) => {
  const { signal } = controller;
  const container = await Container.start(busybox(context), { command: ['sleep', '600'], signal });
  const removed = new Promise<void>((resolve) => void container.once('removed', resolve));
  const waiting = container.wait();
  const shell = await container.spawn(['sleep', '600']);
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await removed;
  expect(await shell.wait()).toEqual({ exitCode: null, signal: 'SIGKILL' });
  expect(container.state).toBe('removed');
});

test('aborting a container that was created keeps it from being started', async (context) => {
  await using container = await Container.create(busybox(context), { command: ['true'], signal: controller.signal });
  controller.abort(reason);
  await expect(container.start()).rejects.toBe(reason);
});

test('aborting ends an executed process, and the container runs on', async (context) => {
  await using container = await sleeping(context);
  const running = container.exec(['sleep', '600'], { signal: controller.signal });
  await new Promise((resolve) => container.once('exec', resolve));
  controller.abort(reason);
  await expect(running).rejects.toBe(reason);
  expect((await container.exec(['ps', '-o', 'args'])).stdout).toBe('COMMAND\nsleep 600\nps -o args\n');
});

test('aborting ends an executed process at whatever point of its start', async (context) => {
  await using container = await sleeping(context);
  for (let turns = 0; turns < 16 / Math.sqrt(slowness); turns++) {
    const own = new AbortController();
    const running = container.exec(['sleep', '600'], { signal: own.signal });
    const abort = after(turns, () => own.abort(reason));
    await expect(running).rejects.toBe(reason);
    await abort;
    expect(getEventListeners(own.signal, 'abort')).toEqual([]);
  }
  expect((await container.exec(['ps', '-o', 'args'])).stdout).toBe('COMMAND\nsleep 600\nps -o args\n');
});

test('aborting ends a process of spawn, and its wait is told why', async (context) => {
  await using container = await sleeping(context);
  for (const tty of [false, true]) {
    const own = new AbortController();
    const shell = await container.spawn(['sleep', '600'], { signal: own.signal, tty });
    if (tty) shell.stdout.resume();
    own.abort(reason);
    await expect(shell.wait()).rejects.toBe(reason);
    expect(shell.signalCode).toBe('SIGKILL');
    expect(getEventListeners(own.signal, 'abort')).toEqual([]);
  }
});

test.for([
  ['an attached container', {}],
  ['a detached container', { detach: true }],
] as const)('aborting a wait for %s ends the wait alone', async ([, options], context) => {
  await using container = await Container.start(busybox(context), { ...options, command: ['sleep', '600'] });
  const waiting = container.wait({ signal: controller.signal });
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(container.wait({ signal: controller.signal })).rejects.toBe(reason);
  expect(container.state).toBe('running');
  const { signal } = new AbortController();
  await container.kill();
  expect(await container.wait({ signal })).toEqual({ exitCode: null, signal: 'SIGKILL' });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  await expect(container.wait({ timeoutMs: 5 } as object)).rejects.toBeInstanceOf(TypeError);
});

test('aborting a wait for a process ends the wait alone', async (context) => {
  await using container = await sleeping(context);
  await using child = await container.spawn(['cat']);
  const waiting = child.wait({ signal: controller.signal });
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  child.stdin.end();
  expect(await child.wait()).toEqual({ exitCode: 0, signal: null });
});

test('an abort after the end changes nothing', async (context) => {
  const { signal } = controller;
  expect(await Container.run(busybox(context), ['true'], { signal })).toMatchObject({ exitCode: 0 });
  await using container = await Container.start(busybox(context), { command: ['true'], signal });
  expect(await container.wait()).toEqual({ exitCode: 0, signal: null });
  controller.abort(reason);
  expect(await container.wait()).toEqual({ exitCode: 0, signal: null });
});

test('a failed start forgets the signal', async (context) => {
  const { signal } = controller;
  await expect(Container.start(busybox(context), { command: ['/missing'], signal })).rejects.toMatchObject({
    code: 'COMMAND_NOT_FOUND',
  });
  await using container = await sleeping(context);
  await expect(container.exec(['/missing'], { signal })).rejects.toMatchObject({ code: 'COMMAND_NOT_FOUND' });
});

test('one signal ends many containers', async (context) => {
  const image = busybox(context);
  const { signal } = controller;
  const warnings: Error[] = [];
  const note = (warning: Error) => warnings.push(warning);
  process.on('warning', note);
  const runs = Array.from({ length: 30 }, () => Container.run(image, ['sleep', '600'], { signal }));
  await after(5, () => controller.abort(reason));
  const outcomes = await Promise.allSettled(runs);
  process.off('warning', note);
  expect(warnings).toEqual([]);
  expect(outcomes).toEqual(runs.map(() => ({ status: 'rejected', reason })));
});

test('AbortSignal.timeout gives a TimeoutError', async (context) => {
  const signal = AbortSignal.timeout(100);
  await expect(Container.run(busybox(context), ['sleep', '600'], { signal })).rejects.toMatchObject({
    name: 'TimeoutError',
  });
});

/** When to abort, counted from a call that starts something. */
const soon: readonly ((abort: () => void) => unknown)[] = [
  (abort) => process.nextTick(abort),
  (abort) => queueMicrotask(abort),
  (abort) => setImmediate(abort),
  ...[0, 1, 2].map((ms) => (abort: () => void) => setTimeout(abort, ms)),
];

test('a start that is aborted before it resolves is rejected, attached or detached, and leaves nothing', async (context) => {
  const image = busybox(context);
  for (const detach of [false, true]) {
    for (const schedule of soon) {
      const own = new AbortController();
      let isOver = false;
      let wasAborted = false;
      const start = Container.start(image, { command: ['sleep', '600'], signal: own.signal, detach });
      schedule(() => {
        wasAborted = !isOver;
        own.abort(reason);
      });
      const outcome = await start.catch((error: unknown) => error);
      isOver = true;
      if (wasAborted) expect(outcome).toBe(reason);
      else await (outcome as Container).remove();
    }
  }
  expect(await Container.list({ all: true })).toEqual([]);
});

test('a container that is aborted while it starts again is not started', async (context) => {
  await using container = await Container.create(busybox(context), {
    command: ['sleep', '600'],
    signal: controller.signal,
  });
  const start = container.start();
  process.nextTick(() => controller.abort(reason));
  await expect(start).rejects.toBe(reason);
});

test('a spawn that is aborted before it resolves is rejected, and leaves no process', async (context) => {
  await using container = await sleeping(context);
  for (const schedule of soon) {
    const own = new AbortController();
    const spawned = container.spawn(['sleep', '601'], { signal: own.signal, tty: schedule === soon[0] });
    let isOver = false;
    let wasAborted = false;
    schedule(() => {
      wasAborted = !isOver;
      own.abort(reason);
    });
    const outcome = await spawned.catch((error: unknown) => error);
    isOver = true;
    if (wasAborted) expect(outcome).toBe(reason);
    else await (outcome as AsyncDisposable)[Symbol.asyncDispose]();
    expect(getEventListeners(own.signal, 'abort')).toEqual([]);
  }
  expect((await container.exec(['ps', '-o', 'args'])).stdout).toBe('COMMAND\nsleep 600\nps -o args\n');
});
