/** One health check: the making of its process, its output, its end. */
import {
  add,
  addressOf,
  and,
  close,
  dup3,
  equal,
  F_SETFL,
  fcntl,
  kill,
  LAUNCH_VARIABLES,
  type Label,
  label,
  memory,
  O_CLOEXEC,
  O_NONBLOCK,
  PIDFD_SIGNAL_PROCESS_GROUP,
  pidfd_open,
  pidfd_send_signal,
  pipe2,
  read,
  type Step,
  shift,
  type Variable,
  variable,
  WNOHANG,
  wait4,
} from '../../syscalls/index.ts';
import { HEALTH_FRAME, type SpecHealth } from '../spec/health.ts';
import { makesNamespace, type Spec } from '../spec/spec.ts';
import {
  appendFrame,
  cells,
  endWithContainer,
  HEALTH,
  moveTo,
  OUTPUT_BYTES,
  OUTPUT_MEMORY,
  OUTPUT_SHIFT,
  setTimer,
  waitFor,
  whether,
} from './health-parts.ts';
import { planJoin, TARGET } from './join.ts';
import type { Plan } from './plan.ts';
import { END_SIGNAL, SIGKILL } from './signals.ts';

/** What ends a check with all that it has started (keeper.ts). Else its PID namespace does, with the container. */
function endSignalOf(spec: Spec): number {
  return makesNamespace(spec, 'pid') ? SIGKILL : END_SIGNAL;
}

const EXIT_126 = 126 << 8;
const TIMED_OUT = 0xffff_ffff_ffff_ffffn;

/** No pid has more bits (PID_MAX_LIMIT, include/linux/threads.h), and no address of a step has fewer. */
const PID_BITS = 22;

/** Where a check writes, for its launch. */
const CHECK_OUTPUT = variable('output of the check');

/** Plans what becomes a check: a process that joins the container, as one that is executed in it does. */
export function planCheck(spec: Spec, { args }: SpecHealth): Plan {
  const process = { ...spec.process, args, terminal: false, init: false };
  return planJoin(spec, process, { stdio: ['null', CHECK_OUTPUT, CHECK_OUTPUT], extra: ['null'] });
}

/** Makes a check, from the image of its stub: a child of this process. */
export function startCheck(spec: Spec, health: SpecHealth): Step[] {
  const { checking, status, length } = cells;
  const { image, pid, pidfd, report: reportEnd } = LAUNCH_VARIABLES;
  const [output, report, held] = [
    variable('read end'),
    variable('report of the check'),
    variable('pidfd of the check'),
  ];
  const sign = variable('sign of the pid');
  return [
    ...appendFrame(HEALTH_FRAME.began),
    ...[checking, status, length].map((cell) => add(0, 0, cell)),
    ...openPipe(output, CHECK_OUTPUT),
    ...moveTo(output, HEALTH.output),
    fcntl.step('reading without waiting', [HEALTH.output, F_SETFL, O_NONBLOCK]),
    ...openPipe(report, reportEnd),
    setTimer('setting the timeout', HEALTH.timer, health.timeoutMs),
    add(HEALTH.stub, 0, image),
    add(HEALTH.target, 0, TARGET),
    ...planCheck(spec, health).launch,
    close.step('letting go of its output', [CHECK_OUTPUT]),
    close.step('letting go of its report', [reportEnd]),
    shift(pid, 63, sign),
    equal(sign, 0, { next: 'made' }),
    close.step('closing the report pipe', [report]),
    add(0, EXIT_126, status, { next: 'told of output' }),

    label('made'),
    ...readReport(report),
    wait4.step('waiting for the first', [pid, addressOf(status), 0, null]),
    close.step('letting go of the first', [pidfd]),
    // It could not enter: its own status says so.
    equal(checking, 0, { next: 'told of output' }),
    add(0, 0, status),
    pidfd_open.step('holding the check', [checking, 0], { into: held }),
    ...moveTo(held, HEALTH.check),
  ];
}

/** The id of the check is among what is reported, which ends when it runs, or has failed to (engine/report.ts). */
function readReport(report: Variable): Step[] {
  const [word, count, high] = [variable('reported'), variable('bytes of the report'), variable('more than a pid')];
  const reading = { label: 'read report', into: count, onError: 'reported' };
  return [
    read.step('waiting for the check to run', [report, addressOf(word), 8], reading),
    equal(count, 0, { next: 'reported' }),
    shift(word, PID_BITS, high),
    equal(high, 0, { otherwise: 'read report' }),
    add(word, 0, cells.checking, { next: 'read report' }),
    close.step('closing the report pipe', [report], { label: 'reported' }),
  ];
}

function openPipe(ours: Variable, theirs: Variable): Step[] {
  const pair = variable('pipe');
  return [
    pipe2.step('making a pipe', [addressOf(pair), O_CLOEXEC]),
    and(pair, 0xffff_ffff, ours),
    shift(pair, 32, theirs),
  ];
}

/** Reads and waits: all output is read, of which the first 4096 bytes are kept. */
export function attendCheck(spec: Spec): Step[] {
  const { checking, status, length } = cells;
  const [reaped, due, over] = [variable('reaped pid'), variable('timeout is over'), variable('beyond what is kept')];
  const [count, at] = [variable('bytes read'), variable('where output goes')];
  const reading = 'reading the output';
  const signal = endSignalOf(spec);
  return [
    waitFor([HEALTH.output, HEALTH.check, HEALTH.timer, HEALTH.target], { label: 'attend' }),
    shift(length, OUTPUT_SHIFT, over),
    equal(over, 0, { otherwise: 'drop output' }),
    add(OUTPUT_MEMORY, length, at),
    read.step(reading, [HEALTH.output, at, OUTPUT_BYTES], { into: count, onError: 'look' }),
    equal(count, 0, { next: 'output has ended' }),
    add(length, count, length, { next: 'look' }),
    read.step(reading, [HEALTH.output, OUTPUT_DROPPED, OUTPUT_BYTES], {
      label: 'drop output',
      into: count,
      onError: 'look',
    }),
    equal(count, 0, { otherwise: 'look' }),
    // A pipe without writers is always ready. From here on this is what becomes ready at the end of the check.
    dup3.step('waiting for the end only', [HEALTH.check, HEALTH.output, O_CLOEXEC], { label: 'output has ended' }),

    wait4.step('looking whether it has ended', [checking, addressOf(status), WNOHANG, null], {
      label: 'look',
      into: reaped,
    }),
    equal(reaped, checking, { next: 'ended' }),
    ...endWithContainer('attending', signal),
    ...whether(HEALTH.timer, due),
    equal(due, 0, { next: 'attend' }),
    // It is the first of a group of its own: what it has started is ended with it (Linux ≥ 6.9).
    ...(signal === SIGKILL ? [endGroup('check ended')] : []),
    kill.step('ending a check that takes too long', [checking, signal], { onError: 'next' }),
    label('check ended'),
    wait4.step('reaping it', [checking, addressOf(status), 0, null]),
    add(0, TIMED_OUT, status),

    add(0, 0, checking, { label: 'ended' }),
    label('read the rest'),
    shift(length, OUTPUT_SHIFT, over),
    equal(over, 0, { otherwise: 'told of output' }),
    add(OUTPUT_MEMORY, length, at),
    read.step(reading, [HEALTH.output, at, OUTPUT_BYTES], { into: count, onError: 'told of output' }),
    equal(count, 0, { next: 'told of output' }),
    add(length, count, length, { next: 'read the rest' }),
  ];
}

function endGroup(next: Label): Step {
  const args = [HEALTH.check, SIGKILL, null, PIDFD_SIGNAL_PROCESS_GROUP] as const;
  return pidfd_send_signal.step('ending a check that takes too long, and its group', args, { next, onError: 'next' });
}

const OUTPUT_DROPPED = memory(new Uint8Array(OUTPUT_BYTES), [], () => '[…]');
