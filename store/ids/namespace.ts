/**
 * User namespaces with ids mapped in them. The kernel lets a user map one id alone, his own; for more there are
 * newuidmap(1) and newgidmap(1), which have the privilege and look into /etc/subuid and /etc/subgid. Root maps any.
 *
 *     this thread                        stub                      newuidmap, newgidmap
 *     ───────────                        ────                      ────────────────────
 *     clone3(CLONE_NEWUSER) ───────────▶ wait for the owner's end
 *     spawn ─────────────────────────────────────────────────────▶ write /proc/PID/uid_map, gid_map
 *     open /proc/PID/ns/user             │
 *     close ───────────────────────────▶ exit_group
 *
 * The namespace lives for as long as that descriptor is open.
 */
import { openSync, writeFileSync } from 'node:fs';
import {
  CaissonError,
  CLONE_NEWUSER,
  CLONE_PIDFD,
  type Compiled,
  cloneThread,
  close,
  compile,
  enterStub,
  exit_group,
  LAUNCH_VARIABLES,
  launch,
  P_PIDFD,
  POLLFD,
  ppoll,
  REPORT_DESCRIPTOR,
  type Step,
  WEXITED,
  waitid,
} from '../../syscalls/index.ts';
import type { IdMapping, IdMappings } from './mapping.ts';

/** The programs that map ids. */
export interface MappingPrograms {
  readonly newuidmap: string;
  readonly newgidmap: string;
}

/**
 * Makes a user namespace with these ids mapped.
 *
 * @param by who maps them: this process the one id that is the user's own, or any as root
 * @returns its descriptor, which is the caller's; Node closes it when the thread ends
 * @throws CaissonError IDS_NOT_MAPPED when one of the programs refuses
 * @throws SyscallError when no user namespace can be made
 */
export function makeUserNamespace({ uid, gid }: IdMappings, by: MappingPrograms | 'self' | 'root' = 'self'): number {
  holding ??= compileHolder();
  const holder = launch(holding);
  try {
    if (typeof by === 'string') {
      // Who may not change groups may map one (man 7 user_namespaces).
      if (by === 'self') writeFileSync(`/proc/${holder.pid}/setgroups`, 'deny');
      writeFileSync(`/proc/${holder.pid}/uid_map`, linesOf(uid));
      writeFileSync(`/proc/${holder.pid}/gid_map`, linesOf(gid));
    } else {
      runProgram(by.newuidmap, holder.pid, uid);
      runProgram(by.newgidmap, holder.pid, gid);
    }
    return openSync(`/proc/${holder.pid}/ns/user`, 'r');
  } finally {
    close(holder.report);
    waitid(P_PIDFD, holder.pidfd, null, WEXITED, null);
    close(holder.pidfd);
  }
}

/** It is the same for all. */
let holding: Compiled | undefined;

function compileHolder(): Compiled {
  const enter = enterStub(['null', 'null', 'null', LAUNCH_VARIABLES.report]);
  return compile({ launch: cloneThread(CLONE_NEWUSER + CLONE_PIDFD, enter), stub: waitForOwner() });
}

/** The other end of the report pipe closes when the owner wants it, or dies. */
function waitForOwner(): Step[] {
  const fds = POLLFD.encode({ fd: REPORT_DESCRIPTOR, events: 0 });
  return [ppoll.step('waiting for the owner', [fds, 1, null, null, 8]), exit_group.step('ending with the owner', [0])];
}

/** As the kernel takes them, in one write. */
function linesOf(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`).join('\n');
}

function rangesOf(mappings: readonly IdMapping[]): number[] {
  return mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size]);
}

function runProgram(program: string, pid: number, mappings: readonly IdMapping[]): void {
  // Loaded when it is needed: importing it costs as much as running it.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const result = spawnSync(program, [pid, ...rangesOf(mappings)].map(String), {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (result.status === 0) return;
  const reason = result.stderr?.trim() || result.error?.message || `it ended with ${result.status ?? result.signal}`;
  throw new CaissonError('IDS_NOT_MAPPED', `'${program}' maps no ids: ${reason}`, { cause: result.error });
}
