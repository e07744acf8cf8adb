/**
 * The health check of a container: a stub of its own, which needs nobody. It runs the check as `exec` would, again and
 * again, appends what it came to to the container's `health` file, and ends when the container does.
 *
 *     wait for the interval ──▶ make the process ──▶ read its output, wait for it or for the timeout ──▶ append ──▶ wait
 *            └─ the container has ended: end ◀──────────────┘
 *
 * Who starts the container starts it: an attached container's owner, with whom it dies (engine/health.ts). Frames are
 * those of store/frames.ts; sdk/health-status.ts says what they come to.
 */
import {
  add,
  CLOCK_MONOTONIC,
  CLOSE_RANGE_CLOEXEC,
  close,
  close_range,
  dup3,
  equal,
  jump,
  label,
  memory,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_WRONLY,
  openat,
  PR_SET_NAME,
  prctl,
  REPORT_DESCRIPTOR,
  renameat2,
  type Step,
  shift,
  TFD_CLOEXEC,
  timerfd_create,
  variable,
} from '../../syscalls/index.ts';
import { HEALTH_FRAME, type SpecHealth } from '../spec/health.ts';
import type { Spec } from '../spec/spec.ts';
import { attendCheck, startCheck } from './health-check.ts';
import {
  appendFrame,
  cells,
  endWithContainer,
  HEALTH,
  moveTo,
  OUTPUT_BYTES,
  OUTPUT_SHIFT,
  setTimer,
  waitFor,
  whether,
} from './health-parts.ts';
import { launchSteps } from './launch.ts';
import { type Plan, planOf } from './plan.ts';
import { dieWithOwner, hideFromContainer } from './prelude.ts';
import { SIGKILL } from './signals.ts';

/** Of the launch: a pidfd of the container's first process. */
export const HEALTH_TARGET = variable('container to be checked');

/** Of the launch: the container's directory in the store. */
export const HEALTH_DIRECTORY = variable('directory of the container');

/** Of the launch: the image of the stub that becomes a check ({@link planCheck}). */
export const HEALTH_STUB = variable('stub of a check');

/** After so many checks the file is renamed to `health.1` and another one is begun. */
const CHECKS_PER_FILE = 32;

/** How long a container is waited for whose check was killed: it may be that all of its processes are. */
const SETTLING_MS = 1_000;

const NAME = memory(Buffer.from('caisson-health\0'), [], () => '"caisson-health"');

/** Plans the stub that checks a container's health. */
export function planHealth(spec: Spec, health: SpecHealth): Plan {
  const nothing = { namespaces: [], uidMappings: [], gidMappings: [] };
  return planOf({
    launch: launchSteps(nothing, ['null', 'null', 'null'], [HEALTH_TARGET, HEALTH_DIRECTORY, HEALTH_STUB]),
    stub: [
      ...begin(health),
      ...waitForNext(health),
      ...startCheck(spec, health),
      ...attendCheck(spec),
      ...tellResult(),
    ],
  });
}

function begin({ startPeriodMs }: SpecHealth): Step[] {
  return [
    ...dieWithOwner('health'),
    ...hideFromContainer(),
    prctl.step('naming the health check', [PR_SET_NAME, NAME, 0, 0, 0]),
    close_range.step('closing all other descriptors', [HEALTH.stub + 1, 0xffff_ffff, 0]),
    close_range.step('keeping its own', [REPORT_DESCRIPTOR, 0xffff_ffff, CLOSE_RANGE_CLOEXEC]),
    ...openFile(),
    ...openTimer('timer', HEALTH.timer),
    ...openTimer('start period', HEALTH.startPeriod),
    ...(startPeriodMs === 0 ? [] : [setTimer('beginning the start period', HEALTH.startPeriod, startPeriodMs)]),
    ...appendFrame(HEALTH_FRAME.started),
    // From here on nobody listens.
    dup3.step('telling that it runs', [0, REPORT_DESCRIPTOR, O_CLOEXEC]),
  ];
}

/** Docker's rule: the start interval until a check has passed, but not beyond the start period. */
function waitForNext(health: SpecHealth): Step[] {
  const inPeriod = variable('start period is over');
  const shorter = [
    equal(cells.passed, 0, { otherwise: 'regular interval' }),
    ...whether(HEALTH.startPeriod, inPeriod),
    equal(inPeriod, 0, { otherwise: 'regular interval' }),
    setTimer('waiting for the start interval', HEALTH.timer, health.startIntervalMs, { next: 'sleep' }),
  ];
  return [
    label('wait'),
    ...(health.startPeriodMs === 0 ? [] : shorter),
    setTimer('waiting for the interval', HEALTH.timer, health.intervalMs, { label: 'regular interval' }),
    waitFor([HEALTH.target, HEALTH.timer], { label: 'sleep' }),
    ...endWithContainer('asleep', SIGKILL),
  ];
}

function tellResult(): Step[] {
  const { status, length, passed, checks } = cells;
  const over = variable('beyond what is kept');
  return [
    close.step('letting go of the output', [HEALTH.output], { label: 'told of output' }),
    close.step('letting go of the check', [HEALTH.check], { onError: 'next' }),
    // What the container's end has ended says nothing of its health; and the first process of a PID namespace ends last.
    equal(status, SIGKILL, { otherwise: 'settled' }),
    setTimer('waiting for the end of the container', HEALTH.timer, SETTLING_MS),
    waitFor([HEALTH.target, HEALTH.timer], { label: 'settling' }),
    label('settled'),
    ...endWithContainer('done', SIGKILL),
    shift(length, OUTPUT_SHIFT, over),
    equal(over, 0, { next: 'append' }),
    add(0, OUTPUT_BYTES, length),
    label('append'),
    ...appendFrame(HEALTH_FRAME.ended, status, length),
    equal(status, 0, { otherwise: 'counted' }),
    add(0, 1, passed),
    add(checks, 1, checks, { label: 'counted' }),
    equal(checks, CHECKS_PER_FILE, { otherwise: 'wait' }),
    add(0, 0, checks),
    renameat2.step('beginning another file', [HEALTH.directory, 'health', HEALTH.directory, 'health.1', 0], {
      onError: 'next',
    }),
    ...openFile(),
    jump('wait'),
  ];
}

function openFile(): Step[] {
  const opened = variable('health file');
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC;
  return [
    openat.step('opening the health file', [HEALTH.directory, 'health', flags, 0o600], { into: opened }),
    ...moveTo(opened, HEALTH.file),
  ];
}

function openTimer(name: string, descriptor: number): Step[] {
  const opened = variable(name);
  return [
    timerfd_create.step(`making the ${name}`, [CLOCK_MONOTONIC, TFD_CLOEXEC], { into: opened }),
    ...moveTo(opened, descriptor),
  ];
}
