/**
 * How a supervisor ends its container when it is told to end itself, as when the machine is shut down: by the container's
 * stop signal, and after a grace for good. It ends with the container, which it does not start again.
 */
import { constants } from 'node:os';
import {
  add,
  equal,
  LAUNCH_VARIABLES,
  type Label,
  memory,
  pidfd_send_signal,
  read,
  SFD_CLOEXEC,
  SFD_NONBLOCK,
  type Step,
  signalfd4,
  signalSet,
  variable,
} from '../../syscalls/index.ts';
import { END_SIGNAL, SIGKILL, SIGSET_SIZE, SIGTERM } from './signals.ts';
import { GRACE, SIGNAL, SUPERVISOR } from './supervisor-memory.ts';
import { renumber } from './supervisor-stdio.ts';

/** How a container is to be ended. */
export interface SupervisedStop {
  /** What it is asked to end by. */
  readonly signal: number;
  /** How long it has, in seconds. */
  readonly graceSeconds: number;
  /** Whether its first process is a keeper, which ends the others when it is told to (keeper.ts). */
  readonly kept: boolean;
}

const { SIGCONT } = constants.signals;

const ONLY_TERM = memory(signalSet([SIGTERM]), [], () => '[SIGTERM]');

const { pidfd } = LAUNCH_VARIABLES;

/** Whether the supervisor was told to end. */
export const isEnding = variable('is ending');

/** How long the container is waited for: without end, or what is left of its grace. ppoll(2) counts it down by itself. */
export const patience = variable('patience');

/** Opens the signal, which is blocked, as a descriptor. */
export function openSignal(): Step[] {
  const opened = variable('signal descriptor');
  const flags = SFD_CLOEXEC | SFD_NONBLOCK;
  return [
    signalfd4.step('opening the signal to end', [-1, ONLY_TERM, SIGSET_SIZE, flags], { into: opened }),
    ...renumber(opened, SUPERVISOR.signal),
  ];
}

/** Takes the signal from where it waits. @param none where to go on when there is none */
export function takeSignal(none: Label, options: { readonly label?: Label; readonly next?: Label } = {}): Step {
  const taken = [SUPERVISOR.signal, BigInt(SIGNAL.address), SIGNAL.bytes] as const;
  return read.step('taking the signal to end', taken, { ...options, onError: none });
}

/** Asks the container to end, at the first signal; then goes on at `after`. */
export function beginEnd({ signal, graceSeconds }: SupervisedStop, label: Label, after: Label): Step[] {
  return [
    takeSignal(after, { label }),
    equal(isEnding, 1, { next: after }),
    add(1, 0, isEnding),
    add(graceSeconds, 0, GRACE.seconds),
    add(0, 0, GRACE.nanoseconds),
    add(GRACE.address, 0, patience),
    send('asking the container to end', signal, after),
  ];
}

/** Ends the container for good; then goes on at `after`. */
export function endForGood({ kept }: SupervisedStop, label: Label, after: Label): Step[] {
  return [
    add(0, 0, patience, { label }),
    // Whoever has stopped a keeper could otherwise keep it from ending.
    ...(kept ? [send('ending all', END_SIGNAL, 'next'), send('letting it go on', SIGCONT, after)] : []),
    ...(kept ? [] : [send('ending the container', SIGKILL, after)]),
  ];
}

function send(purpose: string, signal: number, after: Label): Step {
  return pidfd_send_signal.step(purpose, [pidfd, signal, null, 0], { next: after, onError: after });
}
