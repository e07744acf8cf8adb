/** Pipes and other pairs of descriptors whose one end goes to a process. */
import {
  AF_UNIX,
  F_SETFL,
  fcntl,
  O_CLOEXEC,
  O_NONBLOCK,
  POLLFD,
  POLLIN,
  pipe2,
  ppoll,
  SIGSET_SIZE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  socketpair,
  TIMESPEC,
} from '../../syscalls/index.ts';

/** Two ends; both belong to the caller. */
export interface Pair {
  readonly ours: number;
  readonly theirs: number;
}

/** A pipe that the process reads from (`'in'`) or writes to (`'out'`). Our end does not block. */
export function openPipe(direction: 'in' | 'out'): Pair {
  const pair = openBlockingPipe(direction);
  fcntl(pair.ours, F_SETFL, O_NONBLOCK);
  return pair;
}

/** The same, but who uses our end waits for the process. */
export function openBlockingPipe(direction: 'in' | 'out'): Pair {
  const ends = new Uint32Array(2);
  pipe2(new Uint8Array(ends.buffer), O_CLOEXEC);
  const [readEnd, writeEnd] = ends as unknown as [number, number];
  return direction === 'in' ? { ours: writeEnd, theirs: readEnd } : { ours: readEnd, theirs: writeEnd };
}

/** What a descriptor is ready for now: POLLIN when there is something to read, POLLHUP when a pipe has no writer any more. */
export function pollNow(descriptor: number): number {
  const fds = POLLFD.encode({ fd: descriptor, events: POLLIN });
  ppoll(fds, 1, TIMESPEC.encode({}), null, SIGSET_SIZE);
  return POLLFD.decode(fds.bytes).revents;
}

/** A socket that a process sends a descriptor through. */
export function openDescriptorSocket(): Pair {
  const ends = new Uint32Array(2);
  socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, new Uint8Array(ends.buffer));
  const [ours, theirs] = ends as unknown as [number, number];
  return { ours, theirs };
}
