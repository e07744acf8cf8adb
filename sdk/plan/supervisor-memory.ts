/** Where a supervisor has what: its descriptors, and the memory that the kernel reads and writes as structs. */
import { cellAt, type Variable } from '../../syscalls/index.ts';
import { FIRST_EXTRA_DESCRIPTOR } from './launch.ts';

/** The descriptors that a supervisor is launched with, in this order, behind the report's. */
export const SUPERVISOR_DESCRIPTORS = ['directory', 'store', 'lock', 'control', 'state', 'stub'] as const;

/** Their numbers in the supervisor, and those of what it opens itself: below where launches move theirs out of the way. */
export const SUPERVISOR = {
  /** The container's directory. */
  directory: FIRST_EXTRA_DESCRIPTOR,
  /** The store's, for the journal. */
  store: FIRST_EXTRA_DESCRIPTOR + 1,
  /** Held for as long as the supervisor lives, and not used. */
  lock: FIRST_EXTRA_DESCRIPTOR + 2,
  /** The fifo that requests come through ({@link CONTROL}). */
  control: FIRST_EXTRA_DESCRIPTOR + 3,
  /** The state cell. */
  state: FIRST_EXTRA_DESCRIPTOR + 4,
  /** The image of the container's stub. */
  stub: FIRST_EXTRA_DESCRIPTOR + 5,
  /** The first of those that the launch of the container needs: namespaces. */
  firstValue: FIRST_EXTRA_DESCRIPTOR + 6,
  log: 40,
  timer: 41,
  /** What the container writes; of one with a terminal, its master. */
  stdout: 42,
  stderr: 43,
  /** What is to be typed, or the end of its input that keeps it open. */
  stdin: 44,
  /** Can be read while there is a SIGTERM that was not taken yet. */
  signal: 45,
} as const;

/** What a supervisor is asked through its control fifo: two words, of which this is the first. */
export const CONTROL = {
  /** To look whether it is still to start the container again. */
  look: 1,
  /** To tell the terminal its size: the second word is a `struct winsize`. */
  resize: 2,
  /** To let what the container reads come to its end, once nobody else has it open. */
  endInput: 3,
} as const;

/** How long a request is. Shorter than PIPE_BUF, so that requests do not mix. */
export const CONTROL_BYTES = 16;

/** The memory: one page of cells, then a frame's header and as much output as is read at once. */
export const MEMORY_ADDRESS = 0x2000_0000;
const FRAME_ADDRESS = MEMORY_ADDRESS + 0x1000;
const FRAME_HEADER_BYTES = 40;

/** As long as a frame of output is at most. */
const FRAME_BYTES = 32 * 1024;

export const MEMORY_BYTES = 0x1000 + FRAME_BYTES;

/** A header of a frame, and where it is (store/frames.ts). */
export interface FrameHeader {
  readonly address: number;
  readonly kind: Variable;
  /** Where the time goes, as a `timespec`. */
  readonly time: number;
  readonly value: Variable;
  readonly length: Variable;
}

function frameHeader(name: string, address: number): FrameHeader {
  return {
    address,
    kind: cellAt(`kind of ${name}`, address),
    time: address + 8,
    value: cellAt(`value of ${name}`, address + 24),
    length: cellAt(`length of ${name}`, address + 32),
  };
}

/** A frame of output: its header, and behind it what is read. */
export const OUTPUT = {
  header: frameHeader('output', FRAME_ADDRESS),
  headerBytes: FRAME_HEADER_BYTES,
  data: FRAME_ADDRESS + FRAME_HEADER_BYTES,
  dataBytes: FRAME_BYTES - FRAME_HEADER_BYTES,
} as const;

/** A frame of the journal: its payload is elsewhere. */
export const EVENT = frameHeader('event', MEMORY_ADDRESS + 0x100);

const cell = (name: string, offset: number) => cellAt(name, MEMORY_ADDRESS + offset);

/** The state cell, as it is on disk (store/containers/state-cell.ts). */
export const STATE = {
  address: MEMORY_ADDRESS,
  bytes: 80,
  seq: cell('seq', 0),
  phase: cell('phase', 8),
  pid: cell('state pid', 16),
  startedAt: MEMORY_ADDRESS + 24,
  status: cell('status', 40),
  statusAddress: MEMORY_ADDRESS + 40,
  restarts: cell('restarts', 48),
  finishedAt: MEMORY_ADDRESS + 56,
  seqAgain: cell('seq again', 72),
} as const;

/** The phases of a container, as numbers. */
export const PHASE = { running: 1, ending: 2, exited: 3, waiting: 4 } as const;

/** A pair of descriptors, as pipe2(2) and socketpair(2) write it. */
export const PAIR = { address: MEMORY_ADDRESS + 0x80, both: cell('pair', 0x80) } as const;

/** What is told to the owner of a failure: which part failed, the record, the error number. */
export const REPORT = {
  address: MEMORY_ADDRESS + 0x90,
  bytes: 24,
  part: cell('failed part', 0x90),
  /** What the container's stub reports. */
  stub: MEMORY_ADDRESS + 0x98,
  stubBytes: 16,
  record: cell('failed record', 0x98),
  error: cell('error', 0xa0),
} as const;

/** Which part of a start failed: the container's stub, or the making of its process. */
export const FAILED_PART = { stub: 1, process: 2 } as const;

/** A request that was read. */
export const REQUEST = {
  address: MEMORY_ADDRESS + 0xb0,
  operation: cell('request', 0xb0),
  argument: MEMORY_ADDRESS + 0xb8,
} as const;

/** The message that a terminal's master arrives in: the byte, and the control message with the descriptor. */
export const RIGHTS = {
  byte: MEMORY_ADDRESS + 0xc0,
  control: MEMORY_ADDRESS + 0xc8,
  controlBytes: 24,
  descriptor: cell('received descriptor', 0xc8 + 16),
} as const;

/** What is left of the time in which the container is to end, as a `timespec`. */
export const GRACE = {
  address: MEMORY_ADDRESS + 0xe0,
  seconds: cell('grace seconds', 0xe0),
  nanoseconds: cell('grace nanoseconds', 0xe8),
} as const;

/** A `struct signalfd_siginfo`, which is read where output is. */
export const SIGNAL = { address: OUTPUT.data, bytes: 128 } as const;

/** What is waited for, as an array of `struct pollfd`, one word each. */
export const POLLED = {
  address: MEMORY_ADDRESS + 0x180,
  stdout: cell('poll stdout', 0x180),
  stderr: cell('poll stderr', 0x188),
  control: cell('poll control', 0x190),
  process: cell('poll process', 0x198),
  typed: cell('poll typed', 0x1a0),
  signal: cell('poll signal', 0x1a8),
  count: 6,
} as const;

/** What was typed and is on its way to the terminal. */
export const TYPED = { address: MEMORY_ADDRESS + 0x200, bytes: 0xe00 } as const;
