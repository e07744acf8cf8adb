/** What a supervisor does while its container runs: notes what it writes, and hands on what it is sent. */
import { constants } from 'node:os';
import {
  add,
  and,
  close,
  equal,
  ioctl,
  type Label,
  label,
  POLLERR,
  POLLHUP,
  POLLIN,
  ppoll,
  read,
  type Step,
  shift,
  TIOCSWINSZ,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import { count, draining, kind, LOG_KIND, type LogLimits, note } from './supervisor-log.ts';
import { CONTROL, CONTROL_BYTES, OUTPUT, POLLED, REQUEST, SUPERVISOR } from './supervisor-memory.ts';
import { pollWord } from './supervisor-start.ts';
import type { SupervisedStdio } from './supervisor-stdio.ts';
import { beginEnd, endForGood, patience, type SupervisedStop } from './supervisor-stop.ts';
import { NOBODY, typeInput } from './supervisor-typing.ts';

const { EAGAIN, EINTR } = constants.errno;
const events = variable('events');

/** What the waiting depends on. */
export interface Served {
  readonly logs: LogLimits;
  readonly stdio: SupervisedStdio;
  readonly stop: SupervisedStop;
}

/** Begins to wait for these. */
export function beginWaiting({ stdout, stderr, terminal }: SupervisedStdio): Step[] {
  const polled = (isThere: boolean, descriptor: number, into: Variable) => {
    return add(pollWord(isThere ? descriptor : NOBODY, POLLIN), 0, into);
  };
  return [
    polled(stdout || terminal, SUPERVISOR.stdout, POLLED.stdout),
    polled(stderr, SUPERVISOR.stderr, POLLED.stderr),
    polled(true, SUPERVISOR.control, POLLED.control),
    polled(terminal, SUPERVISOR.stdin, POLLED.typed),
    polled(true, SUPERVISOR.signal, POLLED.signal),
    add(0, 0, draining),
    add(0, 0, patience),
  ];
}

/**
 * Waits and serves until the process has ended.
 *
 *     wait ─▶ to end? ─▶ stdout? ─▶ stderr? ─▶ request? ─▶ typed? ─▶ ended? ─▶ wait
 *                          │ read, note: and when the process has ended, again until nothing is left
 *
 * @param to where to go on when it has ended, and when nothing is left to be read
 */
export function serveContainer(
  { logs, stdio: { terminal }, stop }: Served,
  to: { readonly drained: Label; readonly ended: Label },
): Step[] {
  const ready = variable('ready descriptors');
  return [
    ppoll.step('waiting for the container', [BigInt(POLLED.address), POLLED.count, patience, null, 8], {
      label: 'wait',
      into: ready,
      onError: 'wait',
    }),
    equal(ready, 0, { next: 'grace is over' }),
    shift(POLLED.signal, 48, events),
    equal(events, 0, { next: 'stdout?', otherwise: 'told to end' }),
    shift(POLLED.stdout, 48, events, { label: 'stdout?' }),
    and(events, POLLIN | POLLHUP | POLLERR, events),
    equal(events, 0, { next: 'stderr?', otherwise: 'read stdout' }),
    shift(POLLED.stderr, 48, events, { label: 'stderr?' }),
    equal(events, 0, { next: 'request?', otherwise: 'read stderr' }),
    shift(POLLED.control, 48, events, { label: 'request?' }),
    equal(events, 0, { next: 'typed?', otherwise: 'read request' }),
    label('typed?'),
    ...(terminal ? typeInput() : []),
    shift(POLLED.process, 48, events, { label: 'ended?' }),
    equal(events, 0, { next: 'wait', otherwise: to.ended }),

    ...readStream('stdout', SUPERVISOR.stdout, POLLED.stdout, { waiting: 'stderr?', draining: 'read stderr' }),
    ...readStream('stderr', SUPERVISOR.stderr, POLLED.stderr, { waiting: 'request?', draining: to.drained }),
    ...note(logs),
    ...serveRequest(terminal),
    ...beginEnd(stop, 'told to end', 'stdout?'),
    ...endForGood(stop, 'grace is over', 'wait'),
  ];
}

/** @param empty where to go on when there is nothing */
function readStream(
  name: keyof typeof LOG_KIND,
  descriptor: number,
  polled: Variable,
  empty: { readonly waiting: Label; readonly draining: Label },
): Step[] {
  const nothing = `nothing of ${name}`;
  return [
    read.step(`reading ${name}`, [descriptor, BigInt(OUTPUT.data), OUTPUT.dataBytes], {
      label: `read ${name}`,
      into: count,
      onError: nothing,
    }),
    add(LOG_KIND[name], 0, kind),
    equal(count, 0, { next: `end of ${name}`, otherwise: 'note' }),
    equal(count, -EAGAIN, { label: nothing, next: `after ${name}` }),
    equal(count, -EINTR, { next: `after ${name}` }),
    add(pollWord(NOBODY, 0), 0, polled, { label: `end of ${name}` }),
    equal(draining, 1, { label: `after ${name}`, next: empty.draining, otherwise: empty.waiting }),
  ];
}

function serveRequest(terminal: boolean): Step[] {
  const request = [SUPERVISOR.control, BigInt(REQUEST.address), CONTROL_BYTES] as const;
  const size = [SUPERVISOR.stdout, TIOCSWINSZ, BigInt(REQUEST.argument)] as const;
  const done = { next: 'typed?', onError: 'typed?' };
  return [
    read.step('reading a request', request, { label: 'read request', onError: 'typed?' }),
    ...(terminal
      ? [
          equal(REQUEST.operation, CONTROL.resize, { otherwise: 'typed?' }),
          ioctl.step('sizing the terminal', size, done),
        ]
      : [
          equal(REQUEST.operation, CONTROL.endInput, { otherwise: 'typed?' }),
          close.step('letting the input end', [SUPERVISOR.stdin], done),
        ]),
  ];
}
