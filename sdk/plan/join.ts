/** Spec → plan: how a process gets into a running container. */
import {
  addressOf,
  CLONE_ARGS,
  CLONE_PARENT,
  CLONE_VFORK,
  CLONE_VM,
  chdir,
  clone3,
  equal,
  exit_group,
  REPORT_DESCRIPTOR,
  type Step,
  setns,
  variable,
  write,
} from '../../syscalls/index.ts';
import { mayHaveGroups, type Spec, type SpecProcess } from '../spec/spec.ts';
import { enterCommand } from './command.ts';
import { closeEverythingElse } from './descriptors.ts';
import { becomeUser, giveDescriptors, joinKeyring } from './identity.ts';
import { cloneFlags, FIRST_EXTRA_DESCRIPTOR, launchSteps, type Wiring } from './launch.ts';
import { type Plan, planOf } from './plan.ts';
import { closeReportOnExec, dieWithOwner, hideFromContainer } from './prelude.ts';
import { resetSignals } from './signals.ts';
import { openTerminal, startSession } from './terminal.ts';

/** The container's first process, as a pidfd: so never another process's namespaces. */
export const TARGET = variable('container');

const TARGET_DESCRIPTOR = FIRST_EXTRA_DESCRIPTOR + 1;

/**
 * Plans a process in the running container of `spec`.
 *
 *     owner ──clone3──▶ stub: setns ──clone3(CLONE_PARENT)──▶ process: identity, execve
 *       ▲                 └─ writes the process's pid, ends      │
 *       └────────────────── is the parent of both ◀──────────────┘
 *
 * Two processes, because entering a PID namespace is for children only (man 2 setns). The first is in none of the
 * container's PID namespace, so it cannot be seen from there; the second is non-dumpable until its execve.
 */
export function planJoin(spec: Spec, process: SpecProcess, { stdio, extra }: Wiring): Plan {
  const child = variable('pid of the process');
  const flags = cloneFlags(spec.linux.namespaces);
  const args = CLONE_ARGS.encode({ flags: CLONE_VM + CLONE_VFORK + CLONE_PARENT });
  return planOf({
    launch: launchSteps({ namespaces: [], uidMappings: [], gidMappings: [] }, stdio, [...extra, TARGET]),
    stub: [
      ...closeReportOnExec(),
      ...dieWithOwner('join'),
      ...hideFromContainer(),
      setns.step("entering the container's namespaces", [TARGET_DESCRIPTOR, flags]),
      clone3.step('making the process', [args, CLONE_ARGS.size], { into: child }),
      equal(child, 0, { otherwise: 'first' }),
      ...becomeProcess(spec, process, stdio),
      write.step('telling the pid', [REPORT_DESCRIPTOR, addressOf(child), PID_SIZE], { label: 'first' }),
      exit_group.step('leaving the process to its owner', [0]),
    ],
  });
}

/** How many bytes tell the pid, on the report pipe. */
export const PID_SIZE = 8;

/** A container's capabilities, keyring and the like are not inherited by joining it: all is done again. */
function becomeProcess(spec: Spec, process: SpecProcess, stdio: Wiring['stdio']): Step[] {
  return [
    ...dieWithOwner('joined'),
    ...joinKeyring(),
    ...(process.terminal ? openTerminal(process) : []),
    closeEverythingElse(),
    chdir.step('entering the working directory', [process.cwd]),
    ...startSession(process),
    ...giveDescriptors(stdio, process),
    ...becomeUser(process, mayHaveGroups(spec), 'joined user'),
    ...resetSignals(),
    ...enterCommand(process),
  ];
}
