/** What the steps of a health check have in common: its descriptors, its cells, waiting and writing. */
import {
  add,
  addressOf,
  CLOCK_REALTIME,
  clock_gettime,
  close,
  dup3,
  equal,
  exit_group,
  IOVEC,
  kill,
  type Label,
  label,
  memory,
  O_CLOEXEC,
  POLLFD,
  POLLIN,
  ppoll,
  type Step,
  TIMESPEC,
  timerfd_settime,
  type Variable,
  variable,
  writev,
} from '../../syscalls/index.ts';
import { FIRST_EXTRA_DESCRIPTOR } from './launch.ts';

/** How much of a check's output is kept, as by Docker. */
export const OUTPUT_BYTES = 4096;

/** Beyond 4095 a length has bits above these. */
export const OUTPUT_SHIFT = 12;

/** Its descriptors: those that it is launched with, then what it opens, above what the kernel chooses, the lowest free. */
export const HEALTH = {
  /** A pidfd of the container's first process. */
  target: FIRST_EXTRA_DESCRIPTOR,
  /** The container's directory in the store. */
  directory: FIRST_EXTRA_DESCRIPTOR + 1,
  /** The image of what becomes a check. */
  stub: FIRST_EXTRA_DESCRIPTOR + 2,
  file: 32,
  /** Of the interval, and of a check's timeout. */
  timer: 33,
  startPeriod: 34,
  /** What a check prints. */
  output: 35,
  /** A check, as a pidfd. */
  check: 36,
} as const;

const NOW = TIMESPEC.encode({});

/** What is kept from step to step. */
export const cells = {
  /** 0 when there is none. */
  checking: variable('pid of the check'),
  status: variable('wait status'),
  length: variable('length of the output'),
  /** Whether a check has passed. */
  passed: variable('passed'),
  checks: variable('checks in this file'),
};

/** Moves a descriptor to a number of ours. */
export function moveTo(from: Variable, descriptor: number): Step[] {
  return [dup3.step('moving a descriptor', [from, descriptor, O_CLOEXEC]), close.step('closing the original', [from])];
}

/** Once, after so long: `struct itimerspec` is two `timespec`s, of which the first is for timers that go on. */
export function setTimer(
  purpose: string,
  timer: number,
  ms: number,
  options: { next?: Label; label?: Label } = {},
): Step {
  const value = { tv_sec: Math.floor(ms / 1000), tv_nsec: (ms % 1000) * 1_000_000 };
  return timerfd_settime.step(purpose, [timer, 0, TIMESPEC.array([{}, value]), null], options);
}

/** All signals are blocked, so nothing interrupts it. */
export function waitFor(descriptors: readonly number[], options: { label: Label }): Step {
  const fds = POLLFD.array(descriptors.map((fd) => ({ fd, events: POLLIN })));
  return ppoll.step('waiting', [fds, descriptors.length, null, null, 8], options);
}

/** Whether a descriptor is ready, without waiting: 0 or 1. */
export function whether(descriptor: number, into: Variable): Step[] {
  const fds = POLLFD.encode({ fd: descriptor, events: POLLIN });
  return [ppoll.step('looking', [fds, 1, NOW, null, 8], { into })];
}

/** Ends when the container has; a check that has not ended with it, in another PID namespace than its own, is ended. */
export function endWithContainer(where: string, signal: number): Step[] {
  const gone = variable('container has ended');
  const [on, alone] = [`container runs (${where})`, `no check runs (${where})`];
  return [
    ...whether(HEALTH.target, gone),
    equal(gone, 0, { next: on }),
    equal(cells.checking, 0, { next: alone }),
    kill.step('ending the check with the container', [cells.checking, signal], { onError: 'next' }),
    exit_group.step('ending with the container', [0], { label: alone }),
    label(on),
  ];
}

/** Where what a check prints is kept: as much again may be read beyond what is wanted. */
export const OUTPUT_MEMORY = memory(new Uint8Array(2 * OUTPUT_BYTES), [], () => '[…]');

/** Appends a frame to the health file. One that cannot be written, on a disk that is full, keeps no check from the next. */
export function appendFrame(kind: number, value: Variable | 0 = 0, length: Variable | 0 = 0): Step[] {
  const time = TIMESPEC.encode({});
  // In the vector itself, and so at another place than in the header.
  const payload = length === 0 ? 0 : variable('length of the payload');
  const word = (number: number) => memory(new Uint8Array(BigInt64Array.of(BigInt(number)).buffer));
  const cell = (from: Variable | 0) => ({ iov_base: from === 0 ? word(0) : addressOf(from), iov_len: 8 });
  const pieces = [
    { iov_base: word(kind), iov_len: 8 },
    { iov_base: time, iov_len: TIMESPEC.size },
    cell(value),
    cell(length),
    { iov_base: OUTPUT_MEMORY, iov_len: payload },
  ];
  return [
    ...(length === 0 ? [] : [add(length, 0, payload as Variable)]),
    clock_gettime.step('looking at the clock', [CLOCK_REALTIME, time]),
    writev.step('appending to the health file', [HEALTH.file, IOVEC.array(pieces), pieces.length], { onError: 'next' }),
  ];
}
