/** Where a guard has what the kernel reads and writes as structs (guard.ts). */
import { cellAt, rightsLength } from '../../syscalls/index.ts';

/** One page. */
export const GUARD_MEMORY = { address: 0x2000_0000, bytes: 0x1000 } as const;

const cell = (name: string, offset: number) => cellAt(name, GUARD_MEMORY.address + offset);

/** A `struct msghdr`, and the one `struct iovec` of it. */
export const HEADER = {
  address: GUARD_MEMORY.address,
  iov: cell('msg_iov', 16),
  iovlen: cell('msg_iovlen', 24),
  control: cell('msg_control', 32),
  controllen: cell('msg_controllen', 40),
  iovec: {
    address: GUARD_MEMORY.address + 0x40,
    base: cell('iov_base', 0x40),
    length: cell('iov_len', 0x48),
  },
} as const;

/** What an owner sends: the slot, and the number behind the last slot it has ever used. */
export const MESSAGE = {
  address: GUARD_MEMORY.address + 0x50,
  bytes: 16,
  slot: cell('slot of a message', 0x50),
  end: cell('end of the slots', 0x58),
} as const;

/** The control message that a pidfd arrives in. */
export const CONTROL_MESSAGE = {
  address: GUARD_MEMORY.address + 0x60,
  bytes: rightsLength(1),
  descriptor: cell('received descriptor', 0x60 + 16),
} as const;

/** As many `struct signalfd_siginfo` as are read at once: one. */
export const SIGNALS = { address: GUARD_MEMORY.address + 0x100, bytes: 128 } as const;
