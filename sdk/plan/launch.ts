/** The launching part of every plan: up to the moment the stub has an address space of its own. */

import type { IdMapping } from '../../store/places.ts';
import {
  AT_FDCWD,
  add,
  CLONE_NEWUSER,
  CLONE_PARENT,
  CLONE_PIDFD,
  cloneOnce,
  cloneThread,
  close,
  type Descriptor,
  enterStub,
  equal,
  exit_group,
  kill,
  LAUNCH_VARIABLES,
  O_CLOEXEC,
  O_WRONLY,
  openat,
  P_PID,
  PARENT_LABEL,
  pidfd_open,
  REPORT,
  REPORT_DESCRIPTOR,
  type Step,
  setns,
  type Variable,
  variable,
  WEXITED,
  waitid,
  write,
} from '../../syscalls/index.ts';
import { isJoined, type MappedIds, type SpecLinux } from '../spec/spec.ts';
import { keepCapabilities } from './identity.ts';
import {
  entersNamespace,
  joinAgain,
  joinedOutside,
  joinOne,
  madeFlags,
  namespaceVariable,
  USER_NAMESPACE,
} from './joining.ts';
import { SIGKILL } from './signals.ts';

export {
  cloneFlags,
  entersNamespace,
  JOINING,
  joinedInside,
  joinInside,
  namespaceVariable,
  USER_NAMESPACE,
} from './joining.ts';

/** A process's descriptors: 0, 1 and 2, and those behind the report's. */
export interface Wiring {
  readonly stdio: readonly [Descriptor, Descriptor, Descriptor];
  readonly extra: readonly Descriptor[];
}

/** What a launcher needs to know: the namespaces to make and to join, and the ids to map. */
export type LaunchedNamespaces = Pick<SpecLinux, 'namespaces'> & MappedIds;

/**
 * Clones the launcher, which is this thread or a supervisor, and enters the stub. The launcher waits until the process has
 * entered another program or ended, and has its id and its pidfd then. Until then the two share the launcher's memory.
 *
 * @param linux the namespaces to make and to join, and the ids to map. Those of {@link joinedInside} are left to the stub
 * @param stdio the stub's descriptors 0, 1 and 2
 * @param extra its descriptors behind the report's: 4, 5 …
 * @param outside what has to be done with the launcher's rights, before the user namespace is entered. It is done by a
 * process of its own, whose descriptors the stub gets, and which has its working directory, umask and mounts to itself
 * once it leaves the launcher's
 */
export function launchSteps(
  linux: LaunchedNamespaces,
  stdio: readonly [Descriptor, Descriptor, Descriptor],
  extra: readonly Descriptor[] = [],
  outside: readonly Step[] = [],
): Step[] {
  const child = enterStub([...stdio, LAUNCH_VARIABLES.report, ...extra]);
  const inOwnClone = outside.length > 0 || entersNamespace(linux) || joinedOutside(linux).length > 0;
  if (inOwnClone) return makeThroughHelper(linux, child, outside);
  return cloneThread(CLONE_PIDFD + madeFlags(linux), [...mapIds(linux), ...child]);
}

/**
 * A helper enters the user namespace and those that are joined, and makes the process in there: so what it makes belongs
 * to that user namespace. Then it ends. The process is a child of the launcher like any. The helper shares the
 * launcher's memory, and is in no PID namespace but the launcher's, seen by no container that has one of its own.
 */
function makeThroughHelper(linux: LaunchedNamespaces, child: readonly Step[], outside: readonly Step[]): Step[] {
  const second = variable('pid of the second');
  const entersUser = entersNamespace(linux);
  // Of a user namespace that is root's, or another container's.
  const arrivesWithoutId =
    entersUser && (outside.length > 0 || linux.namespaces.some((each) => each.type === 'user' && isJoined(each)));
  const joined = joinedOutside(linux).map((type) => ({ type, joined: variable(`joined ${type}`) }));
  const made = entersUser ? { namespaces: linux.namespaces.filter(({ type }) => type !== 'user') } : linux;
  const user = setns.step('entering the user namespace', [USER_NAMESPACE, CLONE_NEWUSER]);
  return cloneThread(
    0,
    [
      // It lives on for a moment when the launcher is killed; with this end, the process would believe that the launcher lives.
      close.step('letting go of the report’s other end', [LAUNCH_VARIABLES.reader]),
      ...outside,
      // Namespaces may belong to the machine or to the user namespace. The rights over the former end with entering it,
      // those over the latter may begin with it.
      ...joined.map(({ type, joined }) =>
        joinOne(type, namespaceVariable(type), { into: joined, onError: entersUser ? { EPERM: 'next' } : undefined }),
      ),
      ...(entersUser ? [user, ...joined.flatMap(({ type, joined }) => joinAgain(type, joined))] : []),
      cloneOnce(CLONE_PARENT + madeFlags(made), { into: second, onError: 'no second' }),
      equal(second, 0, { otherwise: 'first' }),
      ...(entersUser ? [] : mapIds(linux)),
      ...(arrivesWithoutId ? keepCapabilities() : []),
      ...child,
      exit_group.step('leaving the second to its parent', [0], { label: 'first' }),
      // An error number must never be taken for a process.
      add(0, 0, second, { label: 'no second', next: REPORT }),
    ],
    takeSecond(second),
  );
}

/** The launcher's part: the second is its child, so its id is its own until it is waited for. */
function takeSecond(second: Variable): Step[] {
  const { pid, pidfd } = LAUNCH_VARIABLES;
  return [
    waitid.step('waiting for the first', [P_PID, pid, null, WEXITED, null], { onError: 'next' }),
    add(second, 0, pid),
    // 0: the first has reported why there is no second. A failure in this thread must go to its end, not to a report.
    equal(second, 0, { next: PARENT_LABEL }),
    pidfd_open.step('holding the process', [second, 0], { into: pidfd, next: PARENT_LABEL, onError: 'next' }),
    kill.step('ending a process that cannot be held', [second, SIGKILL], { onError: 'next' }),
    waitid.step('reaping it', [P_PID, second, null, WEXITED, null], { onError: 'next' }),
    add(pidfd, 0, pid),
  ];
}

/**
 * Maps ids from inside the new user namespace, as an unprivileged process may (man 7 user_namespaces): one id
 * each, and no setgroups. Here and not in the stub, since an execve by an unmapped id loses all capabilities.
 */
function mapIds({ uidMappings, gidMappings }: Pick<SpecLinux, 'uidMappings' | 'gidMappings'>): Step[] {
  if (uidMappings.length === 0) return [];
  return [
    ...writeFile('/proc/self/setgroups', 'deny'),
    ...writeFile('/proc/self/uid_map', formatMappings(uidMappings)),
    ...writeFile('/proc/self/gid_map', formatMappings(gidMappings)),
  ];
}

function formatMappings(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}`).join('\n');
}

/** Writes a file of /proc in one write, as those files want it. */
export function writeFile(path: string, text: string): Step[] {
  const file = variable(`descriptor of ${path}`);
  return [
    openat.step(`opening ${path}`, [AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0], { into: file }),
    write.step(`writing '${text}' to ${path}`, [file, text, Buffer.byteLength(text)]),
    close.step(`closing ${path}`, [file]),
  ];
}

/** The report pipe's place among a stub's descriptors is fixed by what the stub writes to. */
export const FIRST_EXTRA_DESCRIPTOR = REPORT_DESCRIPTOR + 1;
