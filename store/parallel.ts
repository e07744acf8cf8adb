/**
 * Does something for all items, a few at a time, until it fails for one: then the others are told by their signal to
 * stop, and the first error is thrown when all have.
 *
 * @param signal stops all of them
 */
export async function inParallel<T>(
  items: Iterable<T>,
  limit: number,
  signal: AbortSignal | undefined,
  action: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const queue = items[Symbol.iterator]();
  const work = async () => {
    for (let next = queue.next(); next.done !== true && !stop.signal.aborted; next = queue.next()) {
      await action(next.value, either).catch((error: unknown) => stop.abort(error));
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  stop.signal.throwIfAborted();
}
