/** A supervisor's hand at the terminal of its container. */
import { constants } from 'node:os';
import {
  add,
  and,
  equal,
  jump,
  label,
  POLLIN,
  POLLOUT,
  read,
  type Step,
  shift,
  variable,
  write,
} from '../../syscalls/index.ts';
import { POLLED, SUPERVISOR, TYPED } from './supervisor-memory.ts';
import { pollWord } from './supervisor-start.ts';

/** What is waited for of no descriptor. */
export const NOBODY = -1;

const { EAGAIN } = constants.errno;
const events = variable('typing events');

/**
 * Types what the fifo holds. What the terminal does not take is typed byte by byte, as far as it goes, and the rest once
 * it takes more; meanwhile nothing is read from the fifo, so that its writers wait.
 */
export function typeInput(): Step[] {
  const typedAt = variable('typed at');
  const typedEnd = variable('typed end');
  const typed = variable('typed');
  const watch = (input: number, output: number) => [
    add(pollWord(input, POLLIN), 0, POLLED.typed),
    add(pollWord(SUPERVISOR.stdout, output), 0, POLLED.stdout),
  ];
  return [
    shift(POLLED.stdout, 48, events),
    and(events, POLLOUT, events),
    equal(events, 0, { otherwise: 'type on' }),
    shift(POLLED.typed, 48, events),
    equal(events, 0, { next: 'ended?' }),
    read.step('reading what is typed', [SUPERVISOR.stdin, BigInt(TYPED.address), TYPED.bytes], {
      into: typed,
      onError: 'ended?',
    }),
    add(TYPED.address, 0, typedAt),
    add(TYPED.address, typed, typedEnd),
    write.step('typing', [SUPERVISOR.stdout, BigInt(TYPED.address), typed], { into: typed, onError: 'type on' }),
    add(typedAt, typed, typedAt),
    equal(typedAt, typedEnd, { label: 'type on', next: 'all typed' }),
    write.step('typing on', [SUPERVISOR.stdout, typedAt, 1], { into: typed, onError: 'type later' }),
    add(typedAt, 1, typedAt, { next: 'type on' }),
    // Any other error: there is no terminal any more.
    equal(typed, -EAGAIN, { label: 'type later', otherwise: 'all typed' }),
    ...watch(NOBODY, POLLIN | POLLOUT),
    jump('ended?'),
    label('all typed'),
    ...watch(SUPERVISOR.stdin, POLLIN),
  ];
}
