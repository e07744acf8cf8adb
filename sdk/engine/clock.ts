/** The clocks of this machine. */
import { clock_gettime, TIMESPEC } from '../../syscalls/index.ts';

/** Reads a clock. @param clock `CLOCK_BOOTTIME` … @returns milliseconds */
export function readMs(clock: number): number {
  const bytes = new Uint8Array(TIMESPEC.size);
  clock_gettime(clock, bytes);
  const { tv_sec, tv_nsec } = TIMESPEC.decode(bytes);
  return Number(tv_sec) * 1000 + Number(tv_nsec) / 1e6;
}
