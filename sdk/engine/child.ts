/** A process that a plan made: its start, its signals, its end. Nothing of it is left when `exited` has resolved. */
import {
  CaissonError,
  type Compiled,
  close,
  failureIn,
  type Launched,
  launch,
  P_PIDFD,
  pidfd_open,
  SIGINFO_CHILD,
  type SyscallError,
  type Watch,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  waitid,
  watch,
} from '../../syscalls/index.ts';
import type { Signal } from '../spec/signals.ts';
import type { ReadyPlan } from './compile.ts';
import { endGroup, signalProcess } from './end-signal.ts';
import { type ExitStatus, exitStatusOf } from './exit-status.ts';
import { awaitReport, parseReport, readReport, readRest } from './report.ts';

/** A running or ended process of a container. */
export interface Child {
  /** Its id on the host. Of an ended process, it may be another's by now. */
  readonly pid: number;
  readonly exited: Promise<ExitStatus>;
  /** Sends a signal; false when the process has ended. Never reaches another process: it goes through a pidfd. */
  kill(signal: Signal): boolean;
  /** Ends it with SIGKILL, and with it what it has started in its session; false when it has ended. */
  end(): boolean;
  /** Whether waiting for its end keeps this process from ending. @default true */
  holds(isHeld: boolean): void;
}

/** The values of a plan's variables: descriptors that the process gets. */
export type LaunchValues = Readonly<Record<string, number>>;

/** The first process of a container, launched; its command may not run yet. */
export interface LaunchedInit {
  readonly child: Child;
  /** The child's; open until its `exited` has resolved. */
  readonly pidfd: number;
  /**
   * Resolves when the command runs. Either this or {@link LaunchedInit.failure} is to be called, once.
   * @throws SyscallError when a step of the plan failed; then the process is gone
   */
  started(): Promise<void>;
  /** Of a process that has ended: the error of the step that ended it before its command ran. */
  failure(): SyscallError | undefined;
}

/** Is told how a process ended, as wait4(2) says it, before it is reaped: until then its id is nobody else's. */
export type EndListener = (waitStatus: number) => void;

const CLD_EXITED = 1;
const CLD_DUMPED = 3;
/** Of a wait status: the process left a core (man 2 wait). */
const WCOREFLAG = 0x80;

/** How a process is watched, and ended. */
export interface Keeping {
  readonly onEnd?: EndListener | undefined;
  /** Whether it keeps others, which are to end with it (end-signal.ts). @default false */
  readonly kept?: boolean | undefined;
  /** Whether it is to lead a process group, which {@link Child.end} ends as well. @default false */
  readonly leads?: boolean | undefined;
  /** Whether the plan's first process makes the container's, and ends (plan/second.ts). @default false */
  readonly hasSecond?: boolean | undefined;
}

/**
 * Launches the first process of a container.
 * @throws SyscallError when no process could be made
 */
export function launchInit(plan: ReadyPlan, values: LaunchValues, keeping: Keeping = {}): LaunchedInit {
  const { compiled, image, launcherBytes, program } = plan;
  const launched = launch(compiled, values, { image, program, ...(launcherBytes && { launcherBytes }) });
  return superviseInit(launched, plan, keeping);
}

/** Watches the first process of a container that a launch of this plan has made. */
export function superviseInit(
  launched: Launched,
  { compiled, program }: Pick<ReadyPlan, 'compiled' | 'program'>,
  keeping: Keeping = {},
): LaunchedInit {
  const explain = (report: Uint8Array) => failureIn(parseReport(report).failure, compiled, program());
  const { pid, pidfd, told } =
    keeping.hasSecond === true ? takeSecond(launched, explain) : { ...launched, told: NOTHING };
  const child = superviseChild(pid, pidfd, keeping);
  return {
    child,
    pidfd,
    async started() {
      const failure = explain(Buffer.concat([told, await readReport(launched.report)]));
      if (failure === undefined) return;
      await child.exited;
      throw failure;
    },
    failure() {
      const report = Buffer.concat([told, readRest(launched.report)]);
      return report.length === 0 ? undefined : explain(report);
    },
  };
}

const NOTHING = new Uint8Array();

/**
 * Waits for the process that the launched one makes. It is a child of ours that nobody has waited for, so its pid is
 * still its own.
 * @throws SyscallError when there is none; then nothing is left
 */
function takeSecond({ pidfd, report }: Launched, explain: (report: Uint8Array) => SyscallError | undefined) {
  const told = awaitReport(report);
  const { pid } = parseReport(told);
  waitid(P_PIDFD, pidfd, null, WEXITED, null);
  close(pidfd);
  if (pid !== undefined) return { pid, pidfd: pidfd_open(pid, 0), told };
  close(report);
  throw explain(told) ?? new CaissonError('KILLED', 'the process was ended while it entered the PID namespace');
}

/**
 * Starts a process in a running container: the plan's first process makes it, tells its pid and ends.
 *
 * @throws SyscallError when a step of the plan failed; then neither process is left
 */
export async function startJoined(compiled: Compiled, values: LaunchValues, kept = false): Promise<Child> {
  const launched = launch(compiled, values);
  const first = superviseChild(launched.pid, launched.pidfd);
  const report = await readReport(launched.report);
  const { pid, failure: failed } = parseReport(report);
  // It is a child of ours that nobody has waited for, so its pid is still its own.
  const child = pid === undefined ? undefined : superviseChild(pid, pidfd_open(pid, 0), { kept, leads: !kept });
  await first.exited;
  const failure = failureIn(failed, compiled);
  if (failure === undefined && child !== undefined) return child;
  await child?.exited;
  throw failure ?? new CaissonError('KILLED', 'the process was ended while it entered the container');
}

/** Watches a child of this process to its end; takes ownership of the pidfd. */
export function superviseChild(pid: number, pidfd: number, keeping: Keeping = {}): Child {
  const { onEnd, kept = false, leads = false } = keeping;
  let isRunning = true;
  let handle: Watch;
  const exited = new Promise<ExitStatus>((resolve) => {
    handle = watch(pidfd, { readable: true }, () => {
      const status = readEnd(pidfd, onEnd);
      if (status === undefined) return;
      isRunning = false;
      handle.close();
      close(pidfd);
      resolve(exitStatusOf(status));
    });
  });
  return {
    pid,
    exited,
    kill(signal) {
      return isRunning && signalProcess(pidfd, signal, kept);
    },
    end() {
      return isRunning && (leads ? endGroup(pid, pidfd) : signalProcess(pidfd, 'SIGKILL', kept));
    },
    holds(isHeld) {
      if (!isRunning) return;
      if (isHeld) handle.ref();
      else handle.unref();
    },
  };
}

/** Reaps a process that has ended; undefined when it has not. */
function readEnd(pidfd: number, onEnd: EndListener | undefined): number | undefined {
  const info = new Uint8Array(SIGINFO_CHILD.size);
  const leave = onEnd === undefined ? 0 : WNOWAIT;
  waitid(P_PIDFD, pidfd, info, WEXITED | WNOHANG | leave, null);
  const { si_pid, si_code, si_status } = SIGINFO_CHILD.decode(info);
  if (si_pid === 0) return undefined;
  const status = si_code === CLD_EXITED ? si_status << 8 : si_status | (si_code === CLD_DUMPED ? WCOREFLAG : 0);
  if (onEnd !== undefined) {
    onEnd(status);
    waitid(P_PIDFD, pidfd, info, WEXITED | WNOHANG, null);
  }
  return status;
}
