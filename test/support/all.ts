/** Everything that an async iterable gives: Array.fromAsync, which Node 20 does not have. */
export async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of iterable) items.push(item);
  return items;
}
