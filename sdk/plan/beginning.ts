/**
 * How a container's plan begins: what the stub does before anything depends on more than the container's namespaces and the
 * file systems that every container has. Such a stub can be launched while all else is still being decided, and gets the
 * rest of its plan then.
 */
import { type Program, type Step, takeRest, umask, variable } from '../../syscalls/index.ts';
import { isJoined, type SpecLinux } from '../spec/spec.ts';
import { joinKeyring } from './identity.ts';
import {
  entersNamespace,
  FIRST_EXTRA_DESCRIPTOR,
  type LaunchedNamespaces,
  launchSteps,
  type Wiring,
} from './launch.ts';
import { type OwnFileSystems, openFileSystems } from './mounts.ts';
import { makeNetwork } from './network.ts';
import { closeReportOnExec, dieWithOwner } from './prelude.ts';

/** The read end of the pipe that the rest comes through, as a descriptor: of plans that are launched ahead. */
export const REST = variable('rest');

/** What of a spec its plan begins with. */
export interface Foreseen extends OwnFileSystems {
  readonly linux: LaunchedNamespaces;
}

/** Whether a container's process can be made with nothing looked up: it enters no namespace that is there already. */
export function canBeLaunchedAhead(linux: LaunchedNamespaces): boolean {
  return !entersNamespace(linux) && !linux.namespaces.some(isJoined);
}

/** The beginning of a container's plan as a program, up to where it waits for the rest. */
export function planAhead(foreseen: Foreseen, { stdio, extra }: Wiring): Program {
  const { linux } = foreseen;
  const stub = [...beginStub(linux), ...openFileSystems(foreseen), ...takeRest(FIRST_EXTRA_DESCRIPTOR + extra.length)];
  return { launch: launchSteps(linux, stdio, [...extra, REST]), stub, ahead: stub.length };
}

/** @param become what makes the process the root of its user namespace, where it does not come as that */
export function beginStub(linux: Pick<SpecLinux, 'namespaces'>, become: readonly Step[] = []): Step[] {
  return [
    ...closeReportOnExec(),
    ...become,
    ...dieWithOwner('start'),
    ...joinKeyring(),
    // Else the modes of devices and directories would be what the owner's umask leaves of them.
    umask.step('giving files the modes they are made with', [0]),
    ...makeNetwork(linux),
  ];
}
