/** Spec → plan: how a process gets into a running container. */
import { chdir, type Step, setns, variable } from '../../syscalls/index.ts';
import { idOutside } from '../spec/id-maps.ts';
import { makesNamespace, mayHaveGroups, type NamespaceType, type Spec, type SpecProcess } from '../spec/spec.ts';
import { enterCommand } from './command.ts';
import { closeEverythingElse } from './descriptors.ts';
import { becomeRoot, becomeUser, giveDescriptors, isPipe, joinKeyring } from './identity.ts';
import { arrivesWithoutId, giveDescriptor } from './idmap.ts';
import { keep } from './keeper.ts';
import { numberProc, openProc, PROC_DESCRIPTOR } from './keeper-proc.ts';
import { cloneFlags, FIRST_EXTRA_DESCRIPTOR, launchSteps, type Wiring } from './launch.ts';
import { type Plan, planOf } from './plan.ts';
import { closeReportOnExec, dieWithOwner, hideFromContainer } from './prelude.ts';
import { inSecond } from './second.ts';
import { resetSignals } from './signals.ts';
import { openTerminal, startSession, terminalDevice } from './terminal.ts';

/** The container's first process, as a pidfd: so never another process's namespaces. */
export const TARGET = variable('container');

const TARGET_DESCRIPTOR = FIRST_EXTRA_DESCRIPTOR + 1;

/**
 * Plans a process in the running container of `spec`. It enters exactly what the container is in.
 *
 *     owner ──clone3──▶ stub: setns ──clone3(CLONE_PARENT)──▶ process: identity, execve
 *       ▲                 └─ writes the process's pid, ends      │
 *       └────────────────── is the parent of both ◀──────────────┘
 *
 * Two processes, because entering a PID namespace is for children only (man 2 setns). The first is in none of the
 * container's PID namespace, so it cannot be seen from there; the second is non-dumpable until its execve.
 *
 * Where the PID namespace is not the container's own, the process is kept: what it leaves ends with it, and all of it
 * with the container (keeper.ts).
 */
export function planJoin(spec: Spec, process: SpecProcess, { stdio, extra }: Wiring): Plan {
  return planOf({
    launch: launchSteps({ namespaces: [], uidMappings: [], gidMappings: [] }, stdio, [...extra, TARGET]),
    stub: [
      ...closeReportOnExec(),
      ...dieWithOwner('join'),
      ...hideFromContainer(),
      ...giveBefore(spec, process, stdio),
      ...(makesNamespace(spec, 'pid')
        ? [
            ...enterContainer(spec, TARGET_DESCRIPTOR),
            ...arrive(spec),
            ...inSecond(becomeProcess(spec, process, stdio), true),
          ]
        : enterKept(spec, process, stdio)),
    ],
  });
}

/** Enters what the container is in, by a pidfd of its first process: so never another process's namespaces. */
function enterContainer(
  { linux }: Spec,
  descriptor: number,
  only: (type: NamespaceType) => boolean = () => true,
): Step[] {
  const flags = cloneFlags(linux.namespaces.filter(({ type }) => only(type)));
  return flags === 0 ? [] : [setns.step("entering the container's namespaces", [descriptor, flags])];
}

/** Pipes are made by the host's root: once in the container's user namespace, nobody may give them away. */
function giveBefore({ root, linux }: Spec, { user }: SpecProcess, stdio: Wiring['stdio']): Step[] {
  const hostUser = idOutside(user.uid, linux.uidMappings);
  if (root.idmapped === undefined || hostUser === undefined) return [];
  return stdio.flatMap((descriptor, number) => (isPipe(descriptor) ? [giveDescriptor(number, number, hostUser)] : []));
}

/** The host's root is nobody in a user namespace that does not map it, and what he makes there is nobody's. */
function arrive(spec: Spec): Step[] {
  return arrivesWithoutId(spec) ? becomeRoot() : [];
}

/** The keeper's /proc must be there before the host's files are out of sight, and is that of who mounts it. */
function enterKept(spec: Spec, process: SpecProcess, stdio: Wiring['stdio']): Step[] {
  const proc = variable('/proc');
  const options = { proc: PROC_DESCRIPTOR, exitsWithCode: false, until: TARGET_DESCRIPTOR };
  const terminal = openOwnTerminal(spec, process);
  const command = becomeCommand(spec, process, stdio);
  return [
    ...enterContainer(spec, TARGET_DESCRIPTOR, (type) => type !== 'mount'),
    ...arrive(spec),
    ...inSecond(
      [
        ...dieWithOwner('second'),
        ...openProc(spec, proc, false),
        ...enterContainer(spec, TARGET_DESCRIPTOR, (type) => type === 'mount'),
        ...joinKeyring(),
        ...terminal,
        ...numberProc(proc, options),
        ...keep(command, options),
      ],
      false,
    ),
  ];
}

/** A container's capabilities, keyring and the like are not inherited by joining it: all is done again. */
function becomeProcess(spec: Spec, process: SpecProcess, stdio: Wiring['stdio']): Step[] {
  return [
    ...dieWithOwner('joined'),
    ...joinKeyring(),
    ...openOwnTerminal(spec, process),
    ...becomeCommand(spec, process, stdio),
  ];
}

function openOwnTerminal(spec: Spec, process: SpecProcess): Step[] {
  return process.terminal ? openTerminal(process, terminalDevice(spec)) : [];
}

function becomeCommand(spec: Spec, process: SpecProcess, stdio: Wiring['stdio']): Step[] {
  return [
    closeEverythingElse(),
    chdir.step('entering the working directory', [process.cwd]),
    ...startSession(process),
    ...giveDescriptors(stdio, process),
    ...becomeUser(process, mayHaveGroups(spec), 'joined user'),
    ...resetSignals(),
    ...enterCommand(process),
  ];
}
