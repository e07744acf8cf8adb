/** The least a launch needs, in the calls of this folder alone; and a wait for its end. */
import {
  AT_EMPTY_PATH,
  addressOf,
  CLD_EXITED,
  CLONE_ARGS,
  CLONE_CLEAR_SIGHAND,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  clone3,
  close,
  compile,
  dup3,
  equal,
  execveat,
  failureIn,
  LAUNCH_VARIABLES,
  type Launched,
  launch,
  memory,
  O_CLOEXEC,
  P_PIDFD,
  PARENT_LABEL,
  POLLFD,
  POLLIN,
  type Program,
  pipe2,
  ppoll,
  REPORT_DESCRIPTOR,
  read,
  rt_sigprocmask,
  SIG_SETMASK,
  SIGINFO_CHILD,
  SIGSET_SIZE,
  type Step,
  type SyscallError,
  stringArray,
  WEXITED,
  waitid,
} from '../../../syscalls/index.ts';

const SIGCHLD = 17;
const variables = LAUNCH_VARIABLES;

/** The launch part of a program: clones this thread, makes `steps` in the clone, and enters the stub. */
export function launchPart(steps: readonly Step[] = [], cloneFlags = 0): Step[] {
  const saved = memory(new Uint8Array(SIGSET_SIZE));
  const all = new Uint8Array(SIGSET_SIZE).fill(0xff);
  const flags = CLONE_VM + CLONE_VFORK + CLONE_PIDFD + CLONE_CLEAR_SIGHAND + cloneFlags;
  const args = CLONE_ARGS.encode({ flags, pidfd: addressOf(variables.pidfd), exit_signal: SIGCHLD });
  return [
    rt_sigprocmask.step('blocking signals', [SIG_SETMASK, all, saved, SIGSET_SIZE]),
    clone3.step('making the process', [args, CLONE_ARGS.size], { into: variables.pid, onError: PARENT_LABEL }),
    equal(variables.pid, 0, { otherwise: PARENT_LABEL }),
    ...steps,
    dup3.step('setting the report descriptor', [variables.report, REPORT_DESCRIPTOR, 0]),
    execveat.step('entering the stub', [variables.image, '', stringArray(['stub']), stringArray([]), AT_EMPTY_PATH]),
    rt_sigprocmask.step('restoring signals', [SIG_SETMASK, saved, null, SIGSET_SIZE], { label: PARENT_LABEL }),
  ];
}

/** How a launched process ended. */
export interface Ended {
  readonly pid: number;
  /** The exit code, or the number of the signal that ended it. */
  readonly status: number;
  readonly isKilled: boolean;
  readonly failure: SyscallError | undefined;
}

/** A process that was launched, and how to read its report. Its descriptors are closed by {@link wait}. */
export interface Started extends Launched {
  failure(report: Uint8Array): SyscallError | undefined;
}

/** Launches a program. */
export function start(program: Program, values?: Readonly<Record<string, number>>): Started {
  const compiled = compile(program);
  return { ...launch(compiled, values), failure: (report) => failureIn(report, compiled) };
}

/** Launches a program and waits for its end. */
export function startAndWait(program: Program, values?: Readonly<Record<string, number>>): Ended {
  return wait(start(program, values));
}

/** Waits for the end of what was launched, and closes its descriptors. */
export function wait({ pidfd, report, failure }: Started): Ended {
  try {
    const bytes = readToEnd(report);
    const info = new Uint8Array(SIGINFO_CHILD.size);
    waitid(P_PIDFD, pidfd, info, WEXITED, null);
    const { si_pid, si_code, si_status } = SIGINFO_CHILD.decode(info);
    return { pid: si_pid, status: si_status, isKilled: si_code !== CLD_EXITED, failure: failure(bytes) };
  } finally {
    close(report);
    close(pidfd);
  }
}

/** A pipe that no other process is given by itself. */
export function openPipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = new Uint32Array(2);
  pipe2(new Uint8Array(ends.buffer), O_CLOEXEC);
  const [readEnd, writeEnd] = ends as unknown as [number, number];
  return { readEnd, writeEnd };
}

/** Reads a pipe, be it non-blocking or not, until its last writer is gone. */
export function readToEnd(descriptor: number): Buffer {
  const chunks: Buffer[] = [];
  for (;;) {
    const buffer = Buffer.alloc(4096);
    ppoll(POLLFD.encode({ fd: descriptor, events: POLLIN }), 1, null, null, 0);
    const count = read(descriptor, buffer, buffer.length);
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(buffer.subarray(0, count));
  }
}
