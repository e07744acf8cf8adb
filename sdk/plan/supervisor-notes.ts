/** What a supervisor writes down for others: how far its container is, and what happened. */
import {
  add,
  CLOCK_REALTIME,
  clock_gettime,
  close,
  IOVEC,
  type Label,
  memory,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_WRONLY,
  openat,
  pwrite64,
  type Step,
  type Variable,
  variable,
  writev,
} from '../../syscalls/index.ts';
import { EVENT, STATE, SUPERVISOR } from './supervisor-memory.ts';

/** What is told in the store's journal. */
export interface Journal {
  /** The number of each event. */
  readonly kinds: Readonly<Record<'start' | 'die', number>>;
  readonly payload: Uint8Array;
}

/** Writes the state cell in one go. */
export function writeState(phase: number, label?: Label): Step[] {
  const { address, bytes, seq, seqAgain } = STATE;
  return [
    add(phase, 0, STATE.phase, { label }),
    add(seq, 1, seq),
    add(seq, 0, seqAgain),
    pwrite64.step('noting the state', [SUPERVISOR.state, BigInt(address), bytes, 0], { onError: 'next' }),
  ];
}

/** Has the time written somewhere. */
export function look(at: number): Step {
  return clock_gettime.step('looking at the clock', [CLOCK_REALTIME, BigInt(at)]);
}

/** Appends an event to the journal, which may be another file by now. */
export function tell(
  { kinds, payload }: Journal,
  event: keyof Journal['kinds'],
  value: Variable,
  next?: Label,
): Step[] {
  const journal = variable('journal');
  const skip = next ?? `told ${event}`;
  const parts = [
    { iov_base: BigInt(EVENT.address), iov_len: 40 },
    { iov_base: memory(payload), iov_len: payload.length },
  ];
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
  return [
    openat.step('opening the journal', [SUPERVISOR.store, 'events', flags, 0o600], { into: journal, onError: skip }),
    add(kinds[event], 0, EVENT.kind),
    look(EVENT.time),
    add(value, 0, EVENT.value),
    add(payload.length, 0, EVENT.length),
    writev.step(`telling the event '${event}'`, [journal, IOVEC.array(parts), parts.length], { onError: 'next' }),
    close.step('closing the journal', [journal], { next, onError: 'next' }),
    ...(next === undefined ? [add(0, 0, journal, { label: skip })] : []),
  ];
}
