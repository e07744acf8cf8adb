/**
 * How a container's plan begins: what the stub does before anything depends on more than the container's namespaces and the
 * file systems that every container has. Such a stub can be launched while all else is still being decided, and gets the
 * rest of its plan then.
 */
import { type Program, type Step, takeRest, umask, variable } from '../../syscalls/index.ts';
import type { Spec, SpecLinux } from '../spec/spec.ts';
import { joinKeyring } from './identity.ts';
import { FIRST_EXTRA_DESCRIPTOR, type LaunchedNamespaces, launchSteps, type Wiring } from './launch.ts';
import { isOwnFileSystem, type OwnFileSystems, openFileSystems } from './mounts.ts';
import { makeNetwork } from './network.ts';
import { closeReportOnExec, dieWithOwner } from './prelude.ts';

/** The read end of the pipe that the rest comes through, as a descriptor: of plans that are launched ahead. */
export const REST = variable('rest');

/** What of a spec its plan begins with. */
export interface Foreseen extends OwnFileSystems {
  readonly linux: LaunchedNamespaces;
}

/** Whether a spec begins so. Without root's idmapped mounts, that is, which are made before there is a stub. */
export function beginsAs(
  { linux, mounts, root }: Pick<Spec, 'linux' | 'mounts' | 'root'>,
  foreseen: Foreseen,
): boolean {
  return root.idmapped === undefined && beginningKey({ linux, mounts }) === beginningKey(foreseen);
}

/** All that a beginning depends on, besides its descriptors. */
export function beginningKey({ linux: { namespaces, uidMappings, gidMappings }, mounts }: Foreseen): string {
  const own = mounts.filter((specMount) => isOwnFileSystem({ specMount }));
  return JSON.stringify([namespaces, uidMappings, gidMappings, own]);
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
