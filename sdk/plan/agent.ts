/**
 * The agent: a stub that has entered some namespaces and then makes the system calls that its owner sends it
 * (agent-loop.ts). These are the ways in; engine/agent.ts is the owner's side.
 */
import {
  AT_FDCWD,
  AT_RECURSIVE,
  type Capability,
  CLONE_NEWNS,
  chdir,
  close_range,
  MOUNT_ATTR_NODEV,
  memory,
  PR_SET_NAME,
  prctl,
  type Step,
  setns,
  umask,
  unshare,
  variable,
} from '../../syscalls/index.ts';
import type { Spec, SpecMount } from '../spec/spec.ts';
import { AGENT_DESCRIPTOR, serveRequests } from './agent-loop.ts';
import { attachAt, attachStandard } from './attach.ts';
import { enterRoot, protectRoot } from './container.ts';
import { setAttributes } from './detached.ts';
import { becomeRoot, setCapabilities } from './identity.ts';
import { cloneFlags, launchSteps } from './launch.ts';
import { openMounts } from './mounts.ts';
import { mountRoot, openViews } from './overlay.ts';
import { type Plan, planOf } from './plan.ts';
import { dieWithOwner, hideFromContainer } from './prelude.ts';

/** Of the launch: the agent's end of the socket. */
export const AGENT_SOCKET = variable('agent socket');

/** Of the launch: whose files the agent enters, as a pidfd. */
export const AGENT_TARGET = variable('what the agent enters');

const TARGET_DESCRIPTOR = AGENT_DESCRIPTOR + 1;

/** What an agent among a container's files keeps of root's capabilities: to be the owner of all of them, and no more. */
const CAPABILITIES_OVER_FILES: readonly Capability[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_SETFCAP',
];

/** What ps(1) calls it. */
const NAME = memory(Buffer.from('caisson-agent\0'), [], () => '"caisson-agent"');

const NOTHING_NEW = { namespaces: [], uidMappings: [], gidMappings: [] };

/** What an agent in a running container enters, as far as that is not the host's. */
export const ENTERED_BY_AGENTS = ['user', 'mount', 'network'] as const;

/**
 * Plans an agent in the files of a running container, whose first process is {@link AGENT_TARGET}, and in its network. It
 * enters the mount namespace and not the PID namespace: no process of the container can see it.
 */
export function planAgentInContainer(spec: Spec): Plan {
  const entered = spec.linux.namespaces.filter(({ type }) => ENTERED_BY_AGENTS.some((each) => each === type));
  const flags = cloneFlags(entered);
  return planOf({
    launch: launchSteps(NOTHING_NEW, ['null', 'null', 'null'], [AGENT_SOCKET, AGENT_TARGET]),
    stub: [
      ...beginAgent(),
      ...(flags === 0 ? [] : [setns.step("entering the container's files", [TARGET_DESCRIPTOR, flags])]),
      unshare.step('having mounts of its own', [CLONE_NEWNS]),
      ...confineToFiles(),
      ...serveRequests(),
    ],
  });
}

/**
 * Plans an agent in the files of a container that does not run: it mounts the root as a start would, and the user's
 * mounts. What would be gone with the agent, memory, is read-only.
 */
export function planAgentOfRoot(spec: Spec): Plan {
  const namespaces = spec.linux.namespaces.filter(({ type }) => type === 'mount' || type === 'user');
  const views = openViews(spec);
  const mounts = openMounts({ ...spec, mounts: spec.mounts.filter(isOfDisk).map(keepable) });
  return planOf({
    launch: launchSteps({ ...spec.linux, namespaces }, ['null', 'null', 'null'], [AGENT_SOCKET]),
    stub: [
      ...beginAgent(),
      umask.step('giving directories the modes they are made with', [0]),
      ...mounts.beforeCut,
      ...mountRoot(spec),
      ...views.steps,
      ...mounts.steps,
      ...enterRoot(spec),
      ...views.views.flatMap(({ target, mount }) => attachStandard(target, mount)),
      ...mounts.opened.flatMap(attachAt),
      ...protectRoot(spec),
      ...confineToFiles(),
      ...serveRequests(),
    ],
  });
}

function beginAgent(): Step[] {
  return [
    ...dieWithOwner('agent'),
    ...hideFromContainer(),
    prctl.step('naming the agent', [PR_SET_NAME, NAME, 0, 0, 0]),
    close_range.step('closing all other descriptors', [TARGET_DESCRIPTOR + 1, 0xffff_ffff, 0]),
  ];
}

/**
 * From here on no device can be opened, whatever a container puts where a file was: not because each file is looked at
 * before it is opened, which a swap in between defeats, but because the agent's own mounts have no devices.
 */
function confineToFiles(): Step[] {
  return [
    chdir.step('entering the root', ['/']),
    setAttributes('leaving devices out', AT_FDCWD, '/', MOUNT_ATTR_NODEV, AT_RECURSIVE),
    ...becomeRoot(),
    // Entering a user namespace and changing ids clear the wish (man 2 PR_SET_PDEATHSIG).
    ...dieWithOwner('agent as root'),
    setCapabilities(CAPABILITIES_OVER_FILES),
    umask.step('making files with the modes that are asked for', [0]),
  ];
}

/** Files that are given by their content are made anew with each start. */
function isOfDisk({ standard, type }: SpecMount): boolean {
  return standard !== true && type !== 'file';
}

function keepable(mount: SpecMount): SpecMount {
  return mount.type === 'tmpfs' ? { ...mount, options: [...mount.options, 'ro'] } : mount;
}
