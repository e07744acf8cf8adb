/**
 * A first process that ends while something is done in its container. It gives its namespaces up a moment before anybody is
 * told of its end: until then the container seems to run, and entering it is ESRCH.
 */
import { hasCode, SyscallError } from '../../syscalls/index.ts';
import { readStat } from './processes.ts';

/** It is on its way through exit(2): of its flags (include/linux/sched.h). */
const PF_EXITING = 0x4;

/** How long an end may take that has begun. A process whose first thread alone has ended looks the same, and goes on. */
const PATIENCE_MS = 1000;

/**
 * Whether something failed because a container's first process was ending; resolves when it has ended.
 * @param ended resolves then
 */
export async function failedByEnd(error: unknown, pid: number, ended: Promise<unknown>): Promise<boolean> {
  // KILLED: a process of ours that was in there already went with it.
  if (!(error instanceof SyscallError || hasCode(error, 'KILLED')) || !isEnding(pid)) return false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS, false);
  });
  return Promise.race([ended.then(() => true), late]).finally(() => clearTimeout(timer));
}

function isEnding(pid: number): boolean {
  const stat = readStat(pid);
  return stat === undefined || (stat.flags & PF_EXITING) !== 0;
}
