/** Memory as the kernel wants it where it copies nothing. */
import { loadKoffi } from './libc.ts';

/** Of memory and of disks, in bytes: no machine or disk that caisson knows asks for more in one piece. */
const PAGE_BYTES = 4096;

/** Memory that begins at a page, as writes to a file with O_DIRECT ask for. It has any content. man 2 open. */
export function allocatePages(bytes: number): Buffer {
  const memory = Buffer.allocUnsafeSlow(bytes + PAGE_BYTES);
  const begin = -Number(loadKoffi().address(memory) % BigInt(PAGE_BYTES)) + PAGE_BYTES;
  return memory.subarray(begin, begin + bytes);
}
