/** The launching part of every plan: up to the moment the stub has an address space of its own. */
import {
  type Argument,
  AT_EMPTY_PATH,
  AT_FDCWD,
  addressOf,
  CLONE_ARGS,
  CLONE_CLEAR_SIGHAND,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_PIDFD,
  CLONE_VFORK,
  CLONE_VM,
  clone3,
  close,
  dup3,
  equal,
  execveat,
  F_DUPFD_CLOEXEC,
  fcntl,
  LAUNCH_VARIABLES,
  memory,
  O_CLOEXEC,
  O_RDWR,
  O_WRONLY,
  openat,
  PARENT_LABEL,
  REPORT_DESCRIPTOR,
  rt_sigprocmask,
  SIG_SETMASK,
  type Step,
  stringArray,
  variable,
  write,
} from '../../syscalls/index.ts';
import type { IdMapping, NamespaceType, SpecLinux } from '../spec/spec.ts';
import { ALL_SIGNALS, SIGCHLD, SIGSET_SIZE } from './signals.ts';

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

/** What each of a stub's descriptors is: a variable of the launch, or `/dev/null`. From descriptor 0 on. */
export type Descriptor = 'null' | Argument;

/** A process's descriptors: 0, 1 and 2, and those behind the report's. */
export interface Wiring {
  readonly stdio: readonly [Descriptor, Descriptor, Descriptor];
  readonly extra: readonly Descriptor[];
}

/** Descriptors below this are where the stub's own go, so what is to be moved is moved above it first. */
const HIGH_DESCRIPTOR = 64;

/**
 * Clones this thread and enters the stub.
 *
 * @param linux the namespaces to make and the ids to map in them
 * @param stdio the stub's descriptors 0, 1 and 2
 * @param extra its descriptors behind the report's: 4, 5 …
 */
export function launchSteps(
  linux: Pick<SpecLinux, 'namespaces' | 'uidMappings' | 'gidMappings'>,
  stdio: readonly [Descriptor, Descriptor, Descriptor],
  extra: readonly Descriptor[] = [],
): Step[] {
  const { pid, pidfd, image, report } = LAUNCH_VARIABLES;
  const saved = memory(new Uint8Array(SIGSET_SIZE), [], () => '[…]');
  const flags = CLONE_VM + CLONE_VFORK + CLONE_PIDFD + CLONE_CLEAR_SIGHAND + cloneFlags(linux.namespaces);
  const args = CLONE_ARGS.encode({ flags, pidfd: addressOf(pidfd), exit_signal: SIGCHLD });
  return [
    // A handler of Node's must not run in the clone, on Node's memory.
    rt_sigprocmask.step('blocking signals', [SIG_SETMASK, ALL_SIGNALS, saved, SIGSET_SIZE]),
    clone3.step('making the process', [args, CLONE_ARGS.size], { into: pid, onError: PARENT_LABEL }),
    equal(pid, 0, { otherwise: PARENT_LABEL }),
    ...mapIds(linux),
    ...wireDescriptors([...stdio, report, ...extra]),
    execveat.step('entering the stub', [image, '', stringArray(['caisson']), stringArray([]), AT_EMPTY_PATH]),
    rt_sigprocmask.step('restoring signals', [SIG_SETMASK, saved, null, SIGSET_SIZE], { label: PARENT_LABEL }),
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

/** First everything up, then everything down: so no descriptor is overwritten before it was moved. */
function wireDescriptors(descriptors: readonly Descriptor[]): Step[] {
  const nowhere = variable('/dev/null');
  const opened: Step[] = descriptors.includes('null')
    ? [openat.step('opening /dev/null', [AT_FDCWD, '/dev/null', O_RDWR | O_CLOEXEC, 0], { into: nowhere })]
    : [];
  const sources = descriptors.map((descriptor) => (descriptor === 'null' ? nowhere : descriptor));
  const moved = sources.map((_, target) => variable(`descriptor ${target}`));
  const up = sources.map((source, target) => {
    const args = [source, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR] as const;
    return fcntl.step(`moving descriptor ${target} aside`, args, { into: moved[target] });
  });
  const down = moved.map((source, target) => dup3.step(`setting descriptor ${target}`, [source, target, 0]));
  return [...opened, ...moveImage(), ...up, ...down];
}

/** The image itself could stand in the way, in a process with few descriptors. */
function moveImage(): Step[] {
  const { image } = LAUNCH_VARIABLES;
  return [fcntl.step('moving the stub aside', [image, F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR], { into: image })];
}

/** The report pipe's place among a stub's descriptors is fixed by what the stub writes to. */
export const FIRST_EXTRA_DESCRIPTOR = REPORT_DESCRIPTOR + 1;
