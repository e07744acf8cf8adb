/** What is asked of a container just when its first process ends: that it does not run is no error of the kernel's. */
import { Container } from 'caisson';
import { expect, test } from 'vitest';
import { busybox, privateStore, sh } from './fixture.ts';

privateStore();

/** How often: most attempts hit the moment in which the namespaces are gone and nobody was told yet. */
const TIMES = 20;

const NOT_RUNNING = (name: string) => ({
  code: 'NOT_RUNNING',
  message: expect.stringMatching(`^container '${name}' cannot be entered: it is (exited|restarting)`),
});

/** A command that is ended with its container is a result like any other. */
async function tryExec(container: Container): Promise<unknown> {
  return container.exec(['true']).then(
    () => undefined,
    (error: unknown) => error,
  );
}

test.for([
  ['an attached container', {}],
  ['one that is started again', { restart: 'always' }],
  ['a detached container', { detach: true }],
  ['one of the host’s processes', { namespaces: { pid: 'host' } }],
] as const)('who enters %s that has just ended is told so', async ([, options], context) => {
  const image = busybox(context);
  for (let times = 0; times < TIMES; times++) {
    await using container = await Container.start(image, { ...options, command: ['true'] });
    const errors = (await Promise.all([tryExec(container), tryExec(container)])).filter((error) => error !== undefined);
    for (const error of errors) expect(error).toMatchObject(NOT_RUNNING(container.name));
    if (!('restart' in options) && !('detach' in options) && errors.length > 0) expect(container.state).toBe('exited');
  }
});

test('who enters a container that is being stopped is told so', async (context) => {
  const image = busybox(context);
  for (let times = 0; times < TIMES; times++) {
    await using container = await Container.start(image, { command: sh('sleep 600') });
    const stopping = container.stop();
    for (let error: unknown; error === undefined; ) {
      error = await tryExec(container);
      if (error !== undefined) expect(error).toMatchObject(NOT_RUNNING(container.name));
    }
    await stopping;
  }
});

test.for([
  ['an attached container', {}],
  ['a detached container', { detach: true }],
] as const)('the files of %s are there while it ends', async ([, options], context) => {
  const image = busybox(context);
  for (let times = 0; times < TIMES; times++) {
    await using container = await Container.start(image, { ...options, command: ['true'] });
    expect(await container.fs.readdir('/')).toContain('bin');
  }
});

test('what is in memory alone is gone with the last process, and the error says so', async (context) => {
  const image = busybox(context);
  for (let times = 0; times < TIMES; times++) {
    await using container = await Container.start(image, { command: ['true'], upper: 'tmpfs' });
    const error = await container.fs.readdir('/').catch((error: unknown) => error);
    if (!Array.isArray(error)) expect(error).toMatchObject({ code: 'CHANGES_IN_MEMORY' });
  }
});
