/** What happens to containers, told to whoever listens. */
import { Container, Image, type StoreEvent } from 'caisson';
import { expect, type TestContext, test } from 'vitest';
import { runScript } from '../support/script.ts';
import { privateStore } from './fixture.ts';

const store = privateStore();
const host = Image.host();

/** Collects events until one is the last. */
async function until(isLast: (event: StoreEvent) => boolean, options = {}): Promise<StoreEvent[]> {
  const events: StoreEvent[] = [];
  for await (const event of Container.events(options)) {
    events.push(event);
    if (isLast(event)) break;
  }
  return events;
}

const isRemove = ({ type }: StoreEvent) => type === 'remove';

/** A whole life in a process of its own. */
const LIFE = `
  import { Container, Image } from 'caisson';
  const container = await Container.start(Image.host(), {
    command: ['sleep', '600'], name: 'theirs', labels: { tier: 'db' }, detach: process.argv[2] === 'detached',
  });
  await container.exec(['true']);
  await container.pause();
  await container.resume();
  await container.rename('renamed');
  await container.restart();
  await container.kill();
  await container.remove();`;

async function live(context: TestContext, kind: 'attached' | 'detached'): Promise<void> {
  const result = await runScript(context, LIFE, { args: [kind], env: { CAISSON_ROOT: store } });
  expect(result).toMatchObject({ stderr: '', exitCode: 0 });
}

test('a life is told as it happens, of attached and of detached containers of other processes', async (context) => {
  for (const kind of ['attached', 'detached'] as const) {
    const listening = until(isRemove);
    await live(context, kind);
    const events = await listening;
    expect(events.map(({ type, name }) => `${type} ${name}`)).toEqual([
      'create theirs',
      'start theirs',
      'exec theirs',
      'pause theirs',
      'resume theirs',
      'rename renamed',
      'exit renamed',
      'start renamed',
      'restart renamed',
      'exit renamed',
      'remove renamed',
    ]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
    expect(events[0]).toMatchObject({ image: 'host', labels: { tier: 'db' } });
    expect(events[2]).toMatchObject({ command: ['true'], pid: expect.any(Number) as number });
    expect(events[5]).toMatchObject({ before: 'theirs' });
    expect(events[6]).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
  }
});

test('what was run is told with how it ended, and filters leave the rest out', async () => {
  const since = new Date();
  await Container.run(host, ['sh', '-c', 'exit 3'], { name: 'fails', labels: { a: 'b' } });
  await Container.run(host, ['true'], { name: 'succeeds' });
  const isLast = ({ name, type }: StoreEvent) => name === 'succeeds' && type === 'exit';
  const exits = await until(isLast, { since, filter: { type: 'exit' } });
  expect(exits).toMatchObject([
    { type: 'exit', name: 'fails', exitCode: 3, signal: null },
    { type: 'exit', name: 'succeeds', exitCode: 0, signal: null },
  ]);
  const labelled = await until(isRemove, { since, filter: { label: { a: true } } });
  expect(labelled.map(({ type }) => type)).toEqual(['create', 'start', 'exit', 'remove']);
  const named = await until(isRemove, { since, filter: { container: 'succeeds', type: ['start', 'remove'] } });
  expect(named.map(({ type, name }) => `${type} ${name}`)).toEqual(['start succeeds', 'remove succeeds']);
});

test('an abort ends the iteration', async () => {
  const stop = new AbortController();
  const listening = until(() => false, { signal: stop.signal });
  await Container.run(host, ['true']);
  stop.abort();
  await expect(listening).resolves.toEqual(expect.any(Array));
});

test('an event that there is none of is refused', () => {
  for (const type of ['bogus', ['exit', 'start ']]) {
    const filter = { type } as NonNullable<Parameters<typeof Container.events>[0]>['filter'];
    expect(() => Container.events({ filter })).toThrow(/^filter\.type must be 'create' or 'start' or .*, got /);
  }
});
