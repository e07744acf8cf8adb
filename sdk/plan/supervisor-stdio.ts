/** A supervised container's descriptors: the supervisor opens them for each run, and keeps the other ends. */
import {
  AF_UNIX,
  and,
  close,
  dup3,
  equal,
  F_SETFL,
  fcntl,
  IOVEC,
  label,
  MSG_CMSG_CLOEXEC,
  MSGHDR,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  openat,
  pipe2,
  recvmsg,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
  type Step,
  shift,
  socketpair,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import { PAIR, RIGHTS, SUPERVISOR } from './supervisor-memory.ts';

/** What a supervised container's descriptors are: those of a wiring, decided. */
export interface SupervisedStdio {
  /** Whether it reads from the fifo `stdin`. */
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly terminal: boolean;
}

/** What the container is told by, and what it tells: of the container's wiring (engine/stdio.ts). */
export const THEIRS = {
  stdin: variable('stdin'),
  stdout: variable('stdout'),
  stderr: variable('stderr'),
  terminal: variable('terminal socket'),
} as const;
const terminalSocket = variable('our end of the terminal socket');

/** Two descriptors, which the kernel writes as two halves of one word. */
export function openPair(made: Step, ours: Variable, theirs: Variable): Step[] {
  return [made, and(PAIR.both, 0xffff_ffff, ours), shift(PAIR.both, 32, theirs)];
}

/** Opens what the container reads and writes, for one run. */
export function openStdio({ stdin, stdout, stderr, terminal }: SupervisedStdio): Step[] {
  return [
    ...(terminal ? openPair(makeSocketPair(), terminalSocket, THEIRS.terminal) : []),
    ...(stdout ? openOutput(THEIRS.stdout, SUPERVISOR.stdout) : []),
    ...(stderr ? openOutput(THEIRS.stderr, SUPERVISOR.stderr) : []),
    ...(stdin || terminal ? openInput(terminal) : []),
  ];
}

function makeSocketPair(): Step {
  return socketpair.step('opening the terminal socket', [
    AF_UNIX,
    SOCK_SEQPACKET | SOCK_CLOEXEC,
    0,
    BigInt(PAIR.address),
  ]);
}

/** A pipe of its own for each run: what a program sets on it is gone with that. */
function openOutput(theirs: Variable, number: number): Step[] {
  const ours = variable('read end');
  return [
    ...openPair(pipe2.step('opening a pipe for output', [BigInt(PAIR.address), O_CLOEXEC]), ours, theirs),
    fcntl.step('reading without waiting', [ours, F_SETFL, O_NONBLOCK]),
    ...renumber(ours, number),
  ];
}

/** The fifo is open for writing here, so that writers may come and go, and the container reads no end. */
function openInput(terminal: boolean): Step[] {
  const opened = variable('input');
  const open = (flags: number, into: Variable) => {
    return openat.step('opening the input', [SUPERVISOR.directory, 'stdin', flags | O_CLOEXEC, 0], { into });
  };
  return [
    open(O_RDWR | O_NONBLOCK, opened),
    ...renumber(opened, SUPERVISOR.stdin),
    ...(terminal ? [] : [open(O_RDONLY, THEIRS.stdin)]),
  ];
}

/** Gives a descriptor its number. */
export function renumber(descriptor: Variable, number: number): Step[] {
  return [
    dup3.step('numbering a descriptor', [descriptor, number, O_CLOEXEC]),
    close.step('closing a descriptor', [descriptor]),
  ];
}

/** The socket ends without a message when the process has failed before it could open a terminal. */
export function receiveTerminal(): Step[] {
  const received = variable('received');
  const master = variable('master');
  const message = MSGHDR.encode({
    msg_iov: IOVEC.encode({ iov_base: BigInt(RIGHTS.byte), iov_len: 1 }),
    msg_iovlen: 1,
    msg_control: BigInt(RIGHTS.control),
    msg_controllen: RIGHTS.controlBytes,
  });
  return [
    recvmsg.step('waiting for the terminal', [terminalSocket, message, MSG_CMSG_CLOEXEC], {
      label: 'receive terminal',
      into: received,
      onError: { EINTR: 'receive terminal' },
    }),
    close.step('closing the terminal socket', [terminalSocket]),
    equal(received, 0, { next: 'terminal received' }),
    and(RIGHTS.descriptor, 0xffff_ffff, master),
    fcntl.step('reading without waiting', [master, F_SETFL, O_NONBLOCK]),
    ...renumber(master, SUPERVISOR.stdout),
    label('terminal received'),
  ];
}
