/** What a supervisor tells of a start. */
import { CaissonError, type Compiled, failureIn, type Launched, SyscallError } from '../../syscalls/index.ts';
import { FAILED_PART } from '../plan/supervisor-memory.ts';
import { endOnAbort } from './abort.ts';
import { superviseChild } from './child.ts';
import type { ReadyPlan } from './compile.ts';
import { readReport } from './report.ts';

/** The two programs of a start: what failed is a step of one of them. */
export interface Programs {
  readonly supervisor: Compiled;
  readonly container: ReadyPlan;
}

/**
 * Waits until a supervisor tells that its container's command runs.
 * @returns the first process's id
 */
export async function awaitStart(
  { pid, pidfd, report }: Launched,
  programs: Programs,
  signal: AbortSignal | undefined,
): Promise<number> {
  // It is a child of this thread as long as that lives, which has to wait for it when it ends.
  const child = superviseChild(pid, pidfd);
  const guard = endOnAbort(child, signal);
  try {
    const told = await readReport(report);
    const view = new DataView(told.buffer, told.byteOffset, told.byteLength);
    if (told.length === 8 && !guard.hasEnded) return Number(view.getBigInt64(0, true));
    child.kill('SIGKILL');
    await child.exited;
    if (guard.hasEnded) throw signal?.reason;
    throw (
      failureOf(told, programs) ?? new CaissonError('KILLED', 'the supervisor was ended while it started the container')
    );
  } finally {
    guard.release();
    child.holds(false);
  }
}

/** A report is the failure of a step of the supervisor's own (16 bytes), or a part that failed and 16 bytes about it. */
function failureOf(told: Uint8Array, { supervisor, container }: Programs): SyscallError | undefined {
  const partial = told.length % 24;
  if (partial === 16) return failureIn(told, supervisor);
  if (told.length < 24) return undefined;
  const view = new DataView(told.buffer, told.byteOffset, told.byteLength);
  if (view.getBigInt64(0, true) === BigInt(FAILED_PART.stub)) {
    return failureIn(told.subarray(8, 24), container.compiled, container.program());
  }
  const errno = -Number(view.getBigInt64(16, true));
  return new SyscallError({ errno, syscall: 'clone3', purpose: 'making the process' });
}
