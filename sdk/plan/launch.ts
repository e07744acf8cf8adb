/** The launching part of every plan: up to the moment the stub has an address space of its own. */

import type { IdMapping } from '../../store/places.ts';
import {
  AT_FDCWD,
  add,
  CLONE_FILES,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_PARENT,
  CLONE_PIDFD,
  cloneOnce,
  cloneThread,
  close,
  type Descriptor,
  enterStub,
  equal,
  exit_group,
  LAUNCH_VARIABLES,
  O_CLOEXEC,
  O_WRONLY,
  openat,
  P_PID,
  REPORT_DESCRIPTOR,
  type Step,
  setns,
  variable,
  WEXITED,
  waitid,
  write,
} from '../../syscalls/index.ts';
import { isSingleId, type NamespaceType, type SpecLinux } from '../spec/spec.ts';

const NAMESPACE_FLAG: Readonly<Record<NamespaceType, number>> = {
  mount: CLONE_NEWNS,
  pid: CLONE_NEWPID,
  ipc: CLONE_NEWIPC,
  uts: CLONE_NEWUTS,
  cgroup: CLONE_NEWCGROUP,
  network: CLONE_NEWNET,
  user: CLONE_NEWUSER,
};

/** The clone(2) flags for these namespaces. */
export function cloneFlags(namespaces: readonly { readonly type: NamespaceType }[]): number {
  return namespaces.reduce((flags, { type }) => flags + NAMESPACE_FLAG[type], 0);
}

/** A process's descriptors: 0, 1 and 2, and those behind the report's. */
export interface Wiring {
  readonly stdio: readonly [Descriptor, Descriptor, Descriptor];
  readonly extra: readonly Descriptor[];
}

/** The user namespace that has this user's subordinate ids, as a descriptor: of plans for {@link entersNamespace}. */
export const USER_NAMESPACE = variable('user namespace');

type Namespaces = Pick<SpecLinux, 'namespaces' | 'uidMappings' | 'gidMappings'>;

/**
 * Clones this thread and enters the stub.
 *
 * @param linux the namespaces to make and the ids to map in them
 * @param stdio the stub's descriptors 0, 1 and 2
 * @param extra its descriptors behind the report's: 4, 5 …
 */
export function launchSteps(
  linux: Namespaces,
  stdio: readonly [Descriptor, Descriptor, Descriptor],
  extra: readonly Descriptor[] = [],
): Step[] {
  const enter = enterStub([...stdio, LAUNCH_VARIABLES.report, ...extra]);
  if (entersNamespace(linux)) return launchInside(linux, enter);
  return cloneThread(CLONE_PIDFD + cloneFlags(linux.namespaces), [...mapIds(linux), ...enter]);
}

/** Whether a process gets its ids by entering {@link USER_NAMESPACE}: it may map no more than one by itself. */
export function entersNamespace(linux: Pick<SpecLinux, 'uidMappings'>): boolean {
  return linux.uidMappings.length > 0 && !isSingleId(linux);
}

/**
 * A clone enters the user namespace and makes, in there, another one with the namespaces, which so belong to that user
 * namespace; then it ends. The second is a child of this thread like any. The first shares this process's descriptors
 * too, so the pidfd of the second is this process's; and it is in no PID namespace but this one, seen by no container.
 */
function launchInside({ namespaces }: Namespaces, enter: readonly Step[]): Step[] {
  const { pid } = LAUNCH_VARIABLES;
  const second = variable('pid of the second');
  const others = cloneFlags(namespaces.filter(({ type }) => type !== 'user'));
  return cloneThread(
    CLONE_FILES,
    [
      setns.step('entering the user namespace', [USER_NAMESPACE, CLONE_NEWUSER]),
      cloneOnce(CLONE_PARENT + CLONE_PIDFD + others, { into: second }),
      equal(second, 0, { otherwise: 'first' }),
      ...enter,
      exit_group.step('leaving the second to its parent', [0], { label: 'first' }),
    ],
    [waitid.step('waiting for the first', [P_PID, pid, null, WEXITED, null]), add(second, 0, pid)],
  );
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
