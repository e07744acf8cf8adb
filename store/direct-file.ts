/**
 * Files that are written from begin to end and read by nobody soon: big blobs. They go past the kernel's cache of files
 * (O_DIRECT), which saves copying them and writing them to the disk later, and on another thread.
 */
import { closeSync, openSync, write } from 'node:fs';
import { F_SETFL, fcntl, hasCode, O_DIRECT } from '../syscalls/index.ts';

/** What is written past the cache must be so many bytes, or a multiple; what is not goes through it. */
const BLOCK_BYTES = 4096;

/** A new file that is open. */
export interface DirectFile {
  /** Appends bytes, which stay as they are until this is done; one call at a time. */
  write(bytes: Uint8Array): Promise<void>;
  close(): void;
}

/** Makes a file. Who wants it to outlive a power cut syncs it, which takes no long time. */
export function createDirectFile(path: string): DirectFile {
  const fd = openSync(path, 'wx', 0o400);
  // Some file systems have no such thing, and say so.
  let isDirect = fcntl.attempt(fd, F_SETFL, O_DIRECT) >= 0;

  function useCache(): void {
    if (isDirect) fcntl(fd, F_SETFL, 0);
    isDirect = false;
  }

  return {
    async write(bytes) {
      for (let done = 0; done < bytes.length; ) {
        if ((bytes.length - done) % BLOCK_BYTES !== 0) useCache();
        try {
          done += await writeSome(fd, bytes.subarray(done));
        } catch (error) {
          // The disk's blocks are bigger, or memory has to begin elsewhere.
          if (!isDirect || !hasCode(error, 'EINVAL')) throw error;
          useCache();
        }
      }
    },
    close: () => closeSync(fd),
  };
}

/** write(2) may write less than it was given, as when a disk is almost full. */
function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, null, (error, count) => (error ? reject(error) : resolve(count)));
  });
}
