/** Tries what no setting tells for certain: as a container of a user without root would be made, and to no effect. */
import { singleMappings } from '../../store/index.ts';
import {
  close,
  compile,
  exit_group,
  failureIn,
  isError,
  launch,
  P_PIDFD,
  read,
  type Step,
  type SyscallError,
  WEXITED,
  waitid,
} from '../../syscalls/index.ts';
import { launchSteps } from '../plan/launch.ts';
import type { NamespaceType } from '../spec/spec.ts';

/** More than a report has. */
const REPORT_ROOM = 64;

/**
 * Makes these system calls in new namespaces, among them one of users with one id, in a process of their own. What they
 * mount goes with it.
 *
 * @returns what the first of them that failed, or the making of the namespaces, failed with
 */
export function tryInNamespaces(types: readonly NamespaceType[], steps: readonly Step[]): SyscallError | undefined {
  const { uid, gid } = singleMappings();
  const namespaces = (['user', ...types] as const).map((type) => ({ type }));
  const launching = launchSteps({ namespaces, uidMappings: uid, gidMappings: gid }, ['null', 'null', 'null']);
  const compiled = compile({ launch: launching, stub: [...steps, exit_group.step('ending', [0])] });
  const { pidfd, report } = launch(compiled);
  try {
    // It neither waits for anything nor goes far: a few hundred microseconds.
    waitid(P_PIDFD, pidfd, null, WEXITED, null);
    const room = new Uint8Array(REPORT_ROOM);
    const length = read.attempt(report, room, room.length);
    return length > 0 ? failureIn(room.subarray(0, length), compiled) : undefined;
  } finally {
    close(report);
    close(pidfd);
  }
}

/** What an attempt threw, where it threw; an error of any kind is an answer here. */
export function refusalOf(attempt: () => Error | undefined): Error | undefined {
  try {
    return attempt();
  } catch (error) {
    return isError(error) ? error : new Error(String(error));
  }
}
