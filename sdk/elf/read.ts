import fs, { constants } from 'node:fs';
import { CaissonError } from '../../syscalls/index.ts';
import { type Elf, parseElf } from './parse.ts';

/** An ELF file on disk. */
export interface ElfFile extends Elf {
  /** The same for two paths that lead to one file. */
  readonly identity: string;
}

/**
 * Reads what the dynamic loader reads of the ELF file at `path`: a few kilobytes, however large the file is.
 *
 * @throws CaissonError NOT_AN_ELF, UNSUPPORTED_ELF or INVALID_ELF as {@link parseElf}; errors of `fs` as they are.
 */
export async function readElf(path: string): Promise<ElfFile> {
  // Asked before opening, because to open a device can be to start it: a hostile file may need '/dev/watchdog'.
  const found = await fs.promises.stat(path, { bigint: true });
  if (!found.isFile()) throw new CaissonError('NOT_AN_ELF', `'${path}' is not a regular file`);
  // Without O_NONBLOCK, opening a FIFO waits for its other end.
  const file = await fs.promises.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const elf = await parseElf(path, (offset, length) => readAt(file, offset, length));
    return { ...elf, identity: `${found.dev}:${found.ino}` };
  } finally {
    await file.close();
  }
}

async function readAt(file: fs.promises.FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await file.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}
