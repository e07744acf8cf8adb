import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDirectFile } from '../../store/direct-file.ts';
import { allocatePages } from '../../syscalls/index.ts';
import { temporaryDirectory } from '../support/temporary.ts';

function pieceOf(bytes: number, first: number): Buffer {
  const piece = allocatePages(bytes);
  for (let at = 0; at < bytes; at++) piece[at] = (first + at) % 251;
  return piece;
}

test('what is written has the same bytes, whatever its length and wherever it lies in memory', async (context) => {
  const path = join(temporaryDirectory(context), 'file');
  const pieces = [
    pieceOf(1 << 20, 1),
    pieceOf(8192, 2),
    // Not at the begin of a page, then no multiple of a block, and then a multiple behind what was none.
    pieceOf(8192, 3).subarray(8, 8 + 4096),
    pieceOf(4096 + 17, 4),
    pieceOf(4096, 5),
    Buffer.alloc(0),
    Buffer.from('the end'),
  ];
  const file = createDirectFile(path);
  for (const piece of pieces) await file.write(piece);
  file.close();
  expect(readFileSync(path).equals(Buffer.concat(pieces))).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o400);
});

test('a file that is there is not written to', (context) => {
  const path = join(temporaryDirectory(context), 'file');
  createDirectFile(path).close();
  expect(() => createDirectFile(path)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
});
