/** Times as system calls take them. */
import { TIMESPEC, UTIME_OMIT } from '../../../syscalls/index.ts';

const SECOND_NS = 1_000_000_000n;

/** For utimensat(2): this time of modification, and the time of access as it is. */
export function timesOf(mtimeNs: bigint): Uint8Array {
  // The kernel wants nanoseconds from 0, also before 1970.
  const tv_nsec = ((mtimeNs % SECOND_NS) + SECOND_NS) % SECOND_NS;
  return TIMESPEC.array([{ tv_nsec: UTIME_OMIT }, { tv_sec: (mtimeNs - tv_nsec) / SECOND_NS, tv_nsec }]).bytes;
}
