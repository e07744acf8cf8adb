/** A supervisor's part in a start: the container's descriptors, the launch that an owner would make, and what came of it. */
import {
  add,
  close,
  equal,
  LAUNCH_VARIABLES,
  type Label,
  O_CLOEXEC,
  POLLIN,
  PR_SET_DUMPABLE,
  pidfd_open,
  pipe2,
  prctl,
  REPORT_DESCRIPTOR,
  read,
  type Step,
  shift,
  variable,
  wait4,
  write,
} from '../../syscalls/index.ts';
import { FAILED_PART, PAIR, POLLED, REPORT, STATE, SUPERVISOR } from './supervisor-memory.ts';
import { openPair, openStdio, receiveTerminal, type SupervisedStdio, THEIRS } from './supervisor-stdio.ts';

/** How a container's process is made. */
export interface ContainerLaunch {
  /** The launching part of the container's plan. */
  readonly steps: readonly Step[];
  /** The variables of it that are descriptors, besides those of the container's own streams: given to the supervisor. */
  readonly descriptors: readonly string[];
  /** The variables of it that are numbers. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Whether the plan's first process makes the container's, and ends (second.ts). */
  readonly hasSecond: boolean;
}

/** Where a start goes on. */
export interface AfterStart {
  readonly entered: Label;
  /** Nothing runs; {@link STATE.status} says how it ended. */
  readonly failed: Label;
}

const { pid, pidfd } = LAUNCH_VARIABLES;
const report = variable('start report');
const reported = variable('reported bytes');

/** Whether the container has run: then nobody waits for a report any more. */
export const hasRun = variable('has run');

/**
 * Starts the container's first process as a child of the supervisor.
 */
export function startContainer(launch: ContainerLaunch, stdio: SupervisedStdio, after: AfterStart): Step[] {
  const theirs = [...Object.values(THEIRS), LAUNCH_VARIABLES.report];
  return [
    // The launch before this one has changed them.
    ...theirs.map((each) => add(-1, 0, each)),
    add(SUPERVISOR.stub, 0, LAUNCH_VARIABLES.image),
    ...launch.descriptors.map((name, index) => add(SUPERVISOR.firstValue + index, 0, variable(name))),
    ...Object.entries(launch.numbers).map(([name, value]) => add(value, 0, variable(name))),
    ...openPair(
      pipe2.step('opening the report pipe', [BigInt(PAIR.address), O_CLOEXEC]),
      report,
      LAUNCH_VARIABLES.report,
    ),
    add(report, 0, LAUNCH_VARIABLES.reader),
    ...openStdio(stdio),
    // The ids of a new user namespace are written to files of /proc, which belong to root unless this is set.
    prctl.step('letting the process map its ids', [PR_SET_DUMPABLE, 1, 0, 0, 0]),
    ...launch.steps,
    prctl.step('becoming non-dumpable again', [PR_SET_DUMPABLE, 0, 0, 0, 0]),
    ...theirs.map((each) => close.step("closing the container's end", [each], { onError: 'next' })),
    ...(stdio.terminal ? receiveTerminal() : []),
    ...awaitCommand(launch.hasSecond, after),
  ];
}

/** The report pipe ends when the command is entered; else it says which step failed. */
function awaitCommand(hasSecond: boolean, { entered, failed }: AfterStart): Step[] {
  const sign = variable('sign of the pid');
  return [
    add(0, 0, STATE.status),
    equal(pid, 0, { next: 'nothing made' }),
    shift(pid, 63, sign),
    equal(sign, 1, { next: 'nothing made' }),
    ...(hasSecond ? awaitSecond() : []),
    read.step('waiting for the command', [report, BigInt(REPORT.stub), REPORT.stubBytes], {
      label: 'read report',
      into: reported,
      onError: { EINTR: 'read report' },
    }),
    close.step('closing the report pipe', [report]),
    add(pidfd, pollWord(0, POLLIN), POLLED.process),
    equal(reported, 0, { next: entered }),

    wait4.step('reaping what failed', [pid, BigInt(STATE.statusAddress), 0, null], {
      label: 'start failed',
      onError: 'next',
    }),
    close.step('closing its pidfd', [pidfd], { onError: 'next' }),
    add(FAILED_PART.stub, 0, REPORT.part),
    equal(hasRun, 1, { next: failed, otherwise: 'tell' }),

    close.step('closing the report pipe', [report], { label: 'nothing made' }),
    add(127 << 8, 0, STATE.status),
    equal(hasRun, 1, { next: failed }),
    add(FAILED_PART.process, 0, REPORT.part),
    add(pid, 0, REPORT.error),
    write.step('telling what failed', [REPORT_DESCRIPTOR, BigInt(REPORT.address), REPORT.bytes], {
      label: 'tell',
      next: failed,
      onError: failed,
    }),
  ];
}

/** No pid has more bits (PID_MAX_LIMIT, include/linux/threads.h), and no address of a record has fewer. */
const PID_BITS = 22;

/** The first process tells the id of the second, a child of the supervisor like itself; or which of its steps failed. */
function awaitSecond(): Step[] {
  const address = variable('high part of what was told');
  const half = REPORT.stubBytes / 2;
  return [
    read.step('waiting for the second process', [report, BigInt(REPORT.stub), half], {
      label: 'read second',
      into: reported,
      onError: { EINTR: 'read second' },
    }),
    equal(reported, 0, { next: 'start failed' }),
    shift(REPORT.record, PID_BITS, address),
    equal(address, 0, { next: 'second told' }),
    read.step('reading what failed', [report, BigInt(REPORT.stub + half), half], { next: 'start failed' }),

    wait4.step('reaping the first process', [pid, null, 0, null], { label: 'second told', onError: 'next' }),
    close.step('closing its pidfd', [pidfd], { onError: 'next' }),
    add(REPORT.record, 0, pid),
    pidfd_open.step('holding the second process', [pid, 0], { into: pidfd }),
  ];
}

/** A `struct pollfd` as one word. */
export function pollWord(descriptor: number, events: number): bigint {
  return BigInt(events) * 2n ** 32n + BigInt.asUintN(32, BigInt(descriptor));
}
