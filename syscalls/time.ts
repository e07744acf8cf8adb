/** man 2 clock_gettime, timerfd_create: clocks and timers. */
import { define } from './define.ts';
import { O_CLOEXEC, O_NONBLOCK } from './files.ts';
import type { Bytes } from './memory.ts';
import { oneOf } from './names.ts';

// include/uapi/linux/time.h
/** Seconds since 1970; it can be set. */
export const CLOCK_REALTIME = 0;
/** Never goes back, and stands still while the machine sleeps. */
export const CLOCK_MONOTONIC = 1;
/** As CLOCK_MONOTONIC, but goes on while the machine sleeps. */
export const CLOCK_BOOTTIME = 7;

// include/linux/timerfd.h
export const TFD_CLOEXEC = O_CLOEXEC;
export const TFD_NONBLOCK = O_NONBLOCK;
/** The time is one of the clock, not a duration. */
export const TFD_TIMER_ABSTIME = 0x1;

const CLOCKS = oneOf({ CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME });

/** Writes what a clock shows, as a TIMESPEC. man 2 clock_gettime. */
export const clock_gettime = define<[clockid: number, tp: Bytes]>(
  'int clock_gettime(clockid_t clockid, struct timespec *tp)',
  { x64: 228, arm64: 113 },
  { clockid: CLOCKS },
);

/** A timer as a descriptor: it is readable when the time has come. man 2 timerfd_create. */
export const timerfd_create = define<[clockid: number, flags: number]>(
  'int timerfd_create(int clockid, int flags)',
  { x64: 283, arm64: 85 },
  { clockid: CLOCKS, flags: { TFD_CLOEXEC, TFD_NONBLOCK } },
);

/** Sets a timer, with two `timespec`s: between expirations, until the first. What it was set to goes to `old_value`. man 2 timerfd_settime. */
export const timerfd_settime = define<[fd: number, flags: number, new_value: Bytes, old_value: Bytes | null]>(
  'int timerfd_settime(int fd, int flags, const struct itimerspec *new_value, struct itimerspec *old_value)',
  { x64: 286, arm64: 86 },
  { flags: { TFD_TIMER_ABSTIME } },
);
