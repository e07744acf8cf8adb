/** A process that a plan made: its start, its signals, its end. Nothing of it is left when `exited` has resolved. */
import { constants } from 'node:os';
import {
  CaissonError,
  type Compiled,
  close,
  failureIn,
  hasCode,
  launch,
  P_PIDFD,
  pidfd_open,
  pidfd_send_signal,
  read,
  SIGINFO_CHILD,
  type SyscallError,
  type Watch,
  WEXITED,
  WNOHANG,
  waitid,
  watch,
} from '../../syscalls/index.ts';
import type { ReadyPlan } from './compile.ts';

/** How a process ended: by itself, with a code, or by a signal. The other one is null. */
export interface ExitStatus {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running or ended process of a container. */
export interface Child {
  /** Its id on the host. Of an ended process, it may be another's by now. */
  readonly pid: number;
  readonly exited: Promise<ExitStatus>;
  /** Sends a signal; false when the process has ended. Never reaches another process: it goes through a pidfd. */
  kill(signal: NodeJS.Signals): boolean;
  /** Whether waiting for its end keeps this process from ending. @default true */
  holds(isHeld: boolean): void;
}

/** The values of a plan's variables: descriptors that the process gets. */
export type LaunchValues = Readonly<Record<string, number>>;

/** The first process of a container, launched; its command may not run yet. */
export interface LaunchedInit {
  readonly child: Child;
  /**
   * Resolves when the command runs. Either this or {@link LaunchedInit.failure} is to be called, once.
   * @throws SyscallError when a step of the plan failed; then the process is gone
   */
  started(): Promise<void>;
  /** Of a process that has ended: the error of the step that ended it before its command ran. */
  failure(): SyscallError | undefined;
}

const REPORT_BYTES = 64;
const CLD_EXITED = 1;

/**
 * Launches the first process of a container.
 * @throws SyscallError when no process could be made
 */
export function launchInit({ compiled, image, program }: ReadyPlan, values: LaunchValues): LaunchedInit {
  const { pid, pidfd, report } = launch(compiled, values, image);
  const child = superviseChild(pid, pidfd);
  return {
    child,
    async started() {
      const failure = failureIn(await readReport(report), compiled, program());
      if (failure === undefined) return;
      await child.exited;
      throw failure;
    },
    failure() {
      const buffer = Buffer.alloc(REPORT_BYTES);
      const length = read(report, buffer, REPORT_BYTES);
      close(report);
      return length === 0 ? undefined : failureIn(buffer.subarray(0, length), compiled, program());
    },
  };
}

/**
 * Starts a process in a running container: the plan's first process makes it, tells its pid and ends.
 *
 * @throws SyscallError when a step of the plan failed; then neither process is left
 */
export async function startJoined(compiled: Compiled, values: LaunchValues): Promise<Child> {
  const launched = launch(compiled, values);
  const first = superviseChild(launched.pid, launched.pidfd);
  const report = await readReport(launched.report);
  const pid = joinedPid(report);
  // It is a child of ours that nobody has waited for, so its pid is still its own.
  const child = pid === undefined ? undefined : superviseChild(pid, pidfd_open(pid, 0));
  await first.exited;
  const failure = failureIn(report, compiled);
  if (failure === undefined && child !== undefined) return child;
  await child?.exited;
  throw failure ?? new CaissonError('KILLED', 'the process was ended while it entered the container');
}

/** A report is a failure's 16 bytes, a pid's 8, or first the one and then the other. */
function joinedPid(report: Uint8Array): number | undefined {
  const size = 8;
  if (report.length % 16 !== size) return undefined;
  return Number(new DataView(report.buffer, report.byteOffset).getBigInt64(report.length - size, true));
}

/** Reads the report pipe to its end, which is when the command is entered or the process is gone; and closes it. */
function readReport(descriptor: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(REPORT_BYTES);
  let length = 0;
  return new Promise((resolve, reject) => {
    const handle = watch(descriptor, { readable: true }, () => {
      try {
        const count = read(descriptor, buffer.subarray(length), REPORT_BYTES - length);
        length += count;
        if (count > 0) return;
        resolve(buffer.subarray(0, length));
      } catch (error) {
        if (hasCode(error, 'EAGAIN', 'EINTR')) return;
        reject(error);
      }
      handle.close();
      close(descriptor);
    });
  });
}

/** Watches a child of this process to its end; takes ownership of the pidfd. */
function superviseChild(pid: number, pidfd: number): Child {
  let isRunning = true;
  let handle: Watch;
  const exited = new Promise<ExitStatus>((resolve) => {
    handle = watch(pidfd, { readable: true }, () => {
      const info = new Uint8Array(SIGINFO_CHILD.size);
      waitid(P_PIDFD, pidfd, info, WEXITED | WNOHANG, null);
      const { si_pid, si_code, si_status } = SIGINFO_CHILD.decode(info);
      if (si_pid === 0) return;
      isRunning = false;
      handle.close();
      close(pidfd);
      resolve(
        si_code === CLD_EXITED
          ? { exitCode: si_status, signal: null }
          : { exitCode: null, signal: signalName(si_status) },
      );
    });
  });
  return {
    pid,
    exited,
    kill(signal) {
      if (!isRunning) return false;
      try {
        pidfd_send_signal(pidfd, constants.signals[signal], null, 0);
        return true;
      } catch (error) {
        if (hasCode(error, 'ESRCH')) return false;
        throw error;
      }
    },
    holds(isHeld) {
      if (!isRunning) return;
      if (isHeld) handle.ref();
      else handle.unref();
    },
  };
}

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}
