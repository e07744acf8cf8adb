/** The time namespace: how far the clocks of a container are from the host's (man 7 time_namespaces). */
import {
  AT_FDCWD,
  CLONE_NEWTIME,
  close,
  O_CLOEXEC,
  O_RDONLY,
  openat,
  type Step,
  setns,
  unshare,
  variable,
} from '../../syscalls/index.ts';
import { makesNamespace, type Spec } from '../spec/spec.ts';
import { writeFile } from './launch.ts';

/**
 * Makes a time namespace and gets into it. unshare(2) makes it for children; entering it by the file that stands for it
 * takes effect at once, so that who joins the container finds its first process in it, and that an execve does it too
 * (Linux 6.1) need not be waited for. Only a process that has its memory to itself may (EUSERS), as a stub has. Linux 5.6.
 */
export function makeTime(spec: Spec): Step[] {
  if (!makesNamespace(spec, 'time')) return [];
  const made = variable('time namespace');
  const { timeOffsets = {} } = spec.linux;
  const lines = Object.entries(timeOffsets).map(([clock, { secs, nanosecs }]) => `${clock} ${secs} ${nanosecs}`);
  return [
    unshare.step('making a time namespace', [CLONE_NEWTIME]),
    // In one write, and before anybody is in there: then it is fixed.
    ...(lines.length === 0 ? [] : writeFile(TIME_OFFSETS, lines.join('\n'))),
    openat.step('opening the time namespace', [AT_FDCWD, '/proc/self/ns/time_for_children', O_RDONLY | O_CLOEXEC, 0], {
      into: made,
    }),
    setns.step('entering the time namespace', [made, CLONE_NEWTIME]),
    close.step('closing the time namespace', [made]),
  ];
}

/** Where the clocks of a namespace without processes are set (man 7 time_namespaces). */
export const TIME_OFFSETS = '/proc/self/timens_offsets';
