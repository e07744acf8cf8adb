/** Copies a file's content as cheaply as the file system can, holes as holes. */
import { fstatSync, readSync } from 'node:fs';
import {
  copy_file_range,
  errnoNumber,
  FICLONE,
  ftruncate,
  ioctl,
  lseek,
  SEEK_DATA,
  SEEK_HOLE,
  SEEK_SET,
} from '../../syscalls/index.ts';
import { writeAll } from '../blobs.ts';

/** How much is copied before other work of this thread gets its turn. */
const PIECE_BYTES = 8 * 1024 * 1024;

/** What a file system was found to be unable to do, so that it is not asked for each file. */
export interface CopyAbilities {
  canClone: boolean;
  canCopyInKernel: boolean;
}

/**
 * Copies the content of an open file into an empty one. It pauses, by yielding, after every few megabytes.
 *
 * By sharing its data (btrfs, XFS: then nothing is copied), else within the kernel, else through this process.
 */
export function* copyContent(from: number, to: number, abilities: CopyAbilities): Generator<void> {
  if (abilities.canClone) {
    const result = ioctl.attempt(to, FICLONE, BigInt(from));
    if (result === 0) return;
    abilities.canClone = false;
  }
  const { size } = fstatSync(from);
  ftruncate(to, size);
  for (let at = 0; at < size; ) {
    const data = lseek.attempt(from, at, SEEK_DATA);
    // ENXIO: from here on, there is only a hole.
    if (data === -errnoNumber('ENXIO')) return;
    const start = data < 0 ? at : data;
    const hole = data < 0 ? size : lseek(from, start, SEEK_HOLE);
    yield* copyRange(from, to, start, hole, abilities);
    at = hole;
  }
}

function* copyRange(from: number, to: number, start: number, end: number, abilities: CopyAbilities): Generator<void> {
  lseek(from, start, SEEK_SET);
  lseek(to, start, SEEK_SET);
  for (let at = start; at < end; yield) {
    const copied = copyPiece(from, to, Math.min(end - at, PIECE_BYTES), abilities);
    // Somebody has made it shorter.
    if (copied === 0) return;
    at += copied;
  }
}

function copyPiece(from: number, to: number, length: number, abilities: CopyAbilities): number {
  if (abilities.canCopyInKernel) {
    const copied = copy_file_range.attempt(from, null, to, null, length, 0);
    if (copied >= 0) return copied;
    // Where the reason is another than that it cannot, writing meets it again.
    abilities.canCopyInKernel = false;
  }
  const piece = Buffer.allocUnsafe(Math.min(length, 1024 * 1024));
  const read = readSync(from, piece, 0, piece.length, null);
  writeAll(to, piece.subarray(0, read));
  return read;
}
