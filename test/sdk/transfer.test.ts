import { expect, test } from 'vitest';
import { transfer } from '../../sdk/transfer.ts';

async function eventsOf<E>(iterable: AsyncIterable<E>): Promise<E[]> {
  const events: E[] = [];
  for await (const event of iterable) events.push(event);
  return events;
}

test('a transfer is its result, and can be iterated for what happens', async () => {
  const counting = transfer<string, number>(async (onProgress) => {
    for (const event of [1, 2, 3]) {
      onProgress(event);
      await Promise.resolve();
    }
    return 'done';
  });
  expect(await eventsOf(counting)).toEqual([1, 2, 3]);
  expect(await counting).toBe('done');
});

test('events that came before somebody iterates are not lost', async () => {
  const fast = transfer<null, string>(async (onProgress) => {
    onProgress('first');
    onProgress('second');
    return null;
  });
  await fast;
  expect(await eventsOf(fast)).toEqual(['first', 'second']);
});

test('a failure is thrown from the iteration, after the events that came before it', async () => {
  const failing = transfer<never, string>(async (onProgress) => {
    onProgress('begun');
    throw new Error('cut');
  });
  const seen: string[] = [];
  await expect(
    (async () => {
      for await (const event of failing) seen.push(event);
    })(),
  ).rejects.toThrow('cut');
  expect(seen).toEqual(['begun']);
});

test('of events that nobody iterates for, the latest are kept', async () => {
  const chatty = transfer<void, number>(async (onProgress) => {
    for (let event = 0; event < 5000; event++) onProgress(event);
  });
  await chatty;
  const events = await eventsOf(chatty);
  expect(events).toHaveLength(4096);
  expect(events.at(-1)).toBe(4999);
});

test('who leaves an iteration early still has the result', async () => {
  const long = transfer<string, number>(async (onProgress) => {
    onProgress(1);
    await new Promise(setImmediate);
    onProgress(2);
    return 'whole';
  });
  for await (const event of long) {
    expect(event).toBe(1);
    break;
  }
  expect(await long).toBe('whole');
});
