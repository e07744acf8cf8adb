import { expect, test } from 'vitest';
import { loadKoffi } from '../../syscalls/libc.ts';
import { allocatePages } from '../../syscalls/pages.ts';

test('memory begins at a page and is as long as was asked for', () => {
  for (const bytes of [1, 4096, 100_000, 1 << 20]) {
    const pages = allocatePages(bytes);
    expect(pages.length).toBe(bytes);
    expect(loadKoffi().address(pages) % 4096n).toBe(0n);
  }
});
