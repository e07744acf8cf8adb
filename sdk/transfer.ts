/** What takes a while and tells how far it is: a promise of the result that can also be iterated. */

/**
 * A transfer under way: `await` it for the result, or iterate it for what happens, or both.
 *
 * @example
 * const pull = Image.pull('alpine');
 * for await (const event of pull) console.log(event);
 * const image = await pull;
 */
export interface Transfer<Result, Event> extends Promise<Result>, AsyncIterable<Event> {}

/** Events that nobody iterates for are kept up to so many; then the oldest go. */
const MAX_KEPT = 4096;

/** Begins a transfer, which reports its events as it goes on. Its iteration ends, or throws, as the transfer does. */
export function transfer<Result, Event>(
  run: (onProgress: (event: Event) => void) => Promise<Result>,
): Transfer<Result, Event> {
  const kept: Event[] = [];
  let wake = () => {};
  const result = run((event) => {
    if (kept.push(event) > MAX_KEPT) kept.shift();
    wake();
  });
  let isOver = false;
  const over = () => {
    isOver = true;
    wake();
  };

  async function* iterate(): AsyncGenerator<Event> {
    // Who iterates gets the failure from here, and may leave the promise alone.
    result.then(over, over);
    for (;;) {
      while (kept.length > 0) yield kept.shift() as Event;
      if (isOver) break;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    await result;
  }
  return Object.assign(result, { [Symbol.asyncIterator]: iterate });
}
