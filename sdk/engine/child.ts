/** A process that a plan made: its start, its signals, its end. Nothing of it is left when `exited` has resolved. */
import { constants } from 'node:os';
import {
  close,
  hasCode,
  type Launched,
  launch,
  P_PIDFD,
  type Program,
  pidfd_open,
  pidfd_send_signal,
  read,
  SIGINFO_CHILD,
  WEXITED,
  WNOHANG,
  waitid,
  watch,
} from '../../syscalls/index.ts';

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
}

/** The values of a plan's variables: descriptors that the process gets. */
export type LaunchValues = Readonly<Record<string, number>>;

const REPORT_BYTES = 64;
const CLD_EXITED = 1;

/**
 * Starts the first process of a container, and waits until its command runs.
 *
 * @param onLaunched is called with the process as soon as there is one: from then on it can be ended
 * @throws SyscallError when a step of the plan failed; then the process is gone
 */
export async function startInit(program: Program, values: LaunchValues, onLaunched: (child: Child) => void): Promise<Child> {
  const launched = launch(program, values);
  const child = superviseChild(launched.pid, launched.pidfd);
  onLaunched(child);
  await commandStarted(launched, child);
  return child;
}

/**
 * Starts a process in a running container: the plan's first process makes it, tells its pid and ends.
 *
 * @throws SyscallError when a step of the plan failed; then neither process is left
 */
export async function startJoined(program: Program, values: LaunchValues): Promise<Child> {
  const launched = launch(program, values);
  const first = superviseChild(launched.pid, launched.pidfd);
  const report = await readReport(launched.report);
  await first.exited;
  const pid = joinedPid(report);
  // It is a child of ours that nobody has waited for, so its pid is still its own.
  const child = pid === undefined ? undefined : superviseChild(pid, pidfd_open(pid, 0));
  const failure = launched.failure(report);
  if (failure === undefined && child !== undefined) return child;
  await child?.exited;
  throw failure ?? new Error(`bug in caisson: a joining process ended without a report (${report.length} bytes)`);
}

async function commandStarted(launched: Launched, child: Child): Promise<void> {
  const failure = launched.failure(await readReport(launched.report));
  if (failure === undefined) return;
  await child.exited;
  throw failure;
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
  const exited = new Promise<ExitStatus>((resolve) => {
    const handle = watch(pidfd, { readable: true }, () => {
      const info = new Uint8Array(SIGINFO_CHILD.size);
      waitid(P_PIDFD, pidfd, info, WEXITED | WNOHANG, null);
      const { si_pid, si_code, si_status } = SIGINFO_CHILD.decode(info);
      if (si_pid === 0) return;
      isRunning = false;
      handle.close();
      close(pidfd);
      resolve(si_code === CLD_EXITED ? { exitCode: si_status, signal: null } : { exitCode: null, signal: signalName(si_status) });
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
  };
}

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}
