/** The first steps of every stub: it dies with its owner, and nobody else may look into it. */
import {
  equal,
  exit_group,
  F_SETFD,
  FD_CLOEXEC,
  fcntl,
  label,
  POLLFD,
  PR_SET_DUMPABLE,
  PR_SET_PDEATHSIG,
  ppoll,
  prctl,
  REPORT_DESCRIPTOR,
  type Step,
  TIMESPEC,
  variable,
} from '../../syscalls/index.ts';
import { SIGKILL } from './signals.ts';

/** The report descriptor must close when the command is entered: that is how the owner knows. */
export function closeReportOnExec(): Step[] {
  return [fcntl.step('marking the report pipe close-on-exec', [REPORT_DESCRIPTOR, F_SETFD, FD_CLOEXEC])];
}

/**
 * Ends this process when the owner's thread ends. The owner may have ended before the call, which nothing would
 * tell (in a PID namespace getppid is 0 either way), except that the report pipe has no reader any more.
 *
 * @param where makes the labels of one use distinct from another's
 * @param signal what it gets when the owner ends
 */
export function dieWithOwner(where: string, signal: number = SIGKILL): Step[] {
  const readers = variable(`owner alive, ${where}`);
  const alive = `alive (${where})`;
  const fds = POLLFD.encode({ fd: REPORT_DESCRIPTOR, events: 0 });
  const now = TIMESPEC.encode({});
  return [
    prctl.step('asking to die with the owner', [PR_SET_PDEATHSIG, signal, 0, 0, 0]),
    ppoll.step('looking whether the owner lives', [fds, 1, now, null, 8], { into: readers }),
    equal(readers, 0, { next: alive }),
    exit_group.step('ending without an owner', [1]),
    label(alive),
  ];
}

/** Hides this process from ptrace(2) and /proc/PID/mem of those it is about to join (CVE-2016-9962). */
export function hideFromContainer(): Step[] {
  return [prctl.step('making the joining process non-dumpable', [PR_SET_DUMPABLE, 0, 0, 0, 0])];
}
