import { appendFileSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { flushEvents, JOURNAL_BYTES, noteEvent } from '../../store/events.ts';
import { followEvents, type JournalEntry } from '../../store/follow-events.ts';
import { openStore, type Store } from '../../store/layout.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runStoreScript } from './support/script.ts';

const EPOCH = new Date(0);

/** Reads so many entries. */
async function read(store: Store, count: number, since?: Date): Promise<JournalEntry[]> {
  const entries: JournalEntry[] = [];
  for await (const entry of followEvents(store, { since })) {
    entries.push(entry);
    if (entries.length === count) break;
  }
  return entries;
}

test('what is noted is read, with its time, by who asks for what was', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const before = Date.now();
  noteEvent(store, 'start', 42, '{"id":"x"}');
  noteEvent(store, 'exit', 256, '{"id":"x"}');
  flushEvents(store);
  const [start, exit] = await read(store, 2, EPOCH);
  expect(start).toMatchObject({ name: 'start', value: 42 });
  expect(exit).toMatchObject({ name: 'exit', value: 256 });
  expect(start?.payload.toString()).toBe('{"id":"x"}');
  expect(start?.time.getTime()).toBeGreaterThanOrEqual(before);
});

test('who follows hears of what comes, also of other processes, and of nothing from before', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  noteEvent(store, 'create', 0, '{}');
  flushEvents(store);
  const following = followEvents(store);
  const first = following.next();
  const script = `
    import { noteEvent, openStore } from 'store';
    noteEvent(openStore(process.argv[2]), 'exec', 7, '{"of":"another"}');`;
  expect(await runStoreScript(context, script, [root])).toMatchObject({ stderr: '', exitCode: 0 });
  expect((await first).value).toMatchObject({ name: 'exec', value: 7 });
  await following.return(undefined);
});

test('an abort ends it, also while nothing happens', async (context) => {
  const store = openStore(temporaryDirectory(context));
  const stop = new AbortController();
  const following = followEvents(store, { signal: stop.signal });
  const next = following.next();
  stop.abort();
  expect(await next).toEqual({ done: true, value: undefined });
});

test('a long journal is rotated once, and who follows misses nothing, whoever writes', async (context) => {
  const root = temporaryDirectory(context);
  const store = openStore(root);
  const writer = `
    import { flushEvents, noteEvent, openStore } from 'store';
    const store = openStore(process.argv[2]);
    for (let i = 0; i < 1500; i++) {
      noteEvent(store, 'exec', i, JSON.stringify({ of: process.argv[3], fill: 'x'.repeat(900) }));
      if (i % 3 === 0) flushEvents(store);
    }
    flushEvents(store);`;
  const following = read(store, 4500);
  // The generator has begun when its first turn is over: it is watched before anything is written.
  await new Promise((resolve) => setImmediate(resolve));
  const writers = ['a', 'b', 'c'].map((name) => runStoreScript(context, writer, [root, name]));
  for (const { stderr } of await Promise.all(writers)) expect(stderr).toBe('');
  const entries = (await following).map(({ value, payload }) => [JSON.parse(payload.toString()).of as string, value]);
  for (const name of ['a', 'b', 'c']) {
    const values = entries.flatMap(([of, value]) => (of === name ? [value] : []));
    expect(values).toEqual(Array.from({ length: 1500 }, (_, index) => index));
  }
  expect(
    readdirSync(root)
      .filter((name) => name.startsWith('events'))
      .sort(),
  ).toEqual(['events', 'events.1']);
  expect(statSync(store.events).size).toBeLessThan(JOURNAL_BYTES + 4096);
});

test('a frame that was cut short hides none behind it', async (context) => {
  const store = openStore(temporaryDirectory(context));
  noteEvent(store, 'create', 1, '{"n":1}');
  flushEvents(store);
  appendFileSync(store.events, readFileSync(store.events).subarray(0, 30));
  noteEvent(store, 'create', 2, '{"n":2}');
  flushEvents(store);
  expect((await read(store, 2, EPOCH)).map(({ value }) => value)).toEqual([1, 2]);
});
