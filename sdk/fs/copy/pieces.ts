/** The content of an open file, without its holes. */
import fs from 'node:fs';
import { constants } from 'node:os';
import { promisify } from 'node:util';
import { lseek, SEEK_DATA, SEEK_HOLE } from '../../../syscalls/index.ts';
import type { Piece } from './entry.ts';

const read = promisify(fs.read);
const PIECE_BYTES = 0x8_0000;

/** Reads what is data, up to `size`; a file that has become shorter meanwhile ends earlier. */
export async function* readPieces(descriptor: number, size: number, signal?: AbortSignal): AsyncGenerator<Piece> {
  for (let at = 0; at < size; ) {
    const data = size <= PIECE_BYTES ? at : lseek.attempt(descriptor, at, SEEK_DATA);
    if (data === -constants.errno.ENXIO) return;
    // Where the file system cannot tell, all of it is data.
    const start = Math.max(data, at);
    const end = size <= PIECE_BYTES ? size : Math.min(endOfData(descriptor, start, size), size);
    for (at = start; at < end; ) {
      signal?.throwIfAborted();
      const length = Math.min(PIECE_BYTES, end - at);
      const { bytesRead, buffer } = await read(descriptor, Buffer.allocUnsafe(length), 0, length, at);
      if (bytesRead === 0) return;
      yield { offset: at, bytes: buffer.subarray(0, bytesRead) };
      at += bytesRead;
    }
  }
}

function endOfData(descriptor: number, start: number, size: number): number {
  const hole = lseek.attempt(descriptor, start, SEEK_HOLE);
  return hole > start ? hole : size;
}
