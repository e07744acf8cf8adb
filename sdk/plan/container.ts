/** Spec → plan: how a container is made. Pure; ARCHITECTURE.md has the reasons for the order. */
import {
  AT_FDCWD,
  chdir,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  pivot_root,
  type Step,
  sethostname,
  umask,
  umount2,
} from '../../syscalls/index.ts';
import { mayHaveGroups, type Spec } from '../spec/spec.ts';
import { enterCommand } from './command.ts';
import { closeEverythingElse } from './descriptors.ts';
import { setAttributes } from './detached.ts';
import { makeDevices, openDevices } from './devices.ts';
import { becomeUser, giveDescriptors, joinKeyring } from './identity.ts';
import { launchSteps, type Wiring } from './launch.ts';
import { maskPaths } from './masks.ts';
import { attachAt, attachInside, attachStandard, makeDirectories, type OpenedMount, openMounts } from './mounts.ts';
import { raiseLoopback } from './network.ts';
import { mountRoot, openViews } from './overlay.ts';
import { type Plan, planOf } from './plan.ts';
import { closeReportOnExec, dieWithOwner } from './prelude.ts';
import { reapFor } from './reaper.ts';
import { resetSignals } from './signals.ts';
import { bindConsole, openTerminal, startSession } from './terminal.ts';

/** Plans a container from its spec. */
export function planContainer(spec: Spec, { stdio, extra }: Wiring): Plan {
  const views = openViews(spec);
  const mounts = openMounts(spec);
  return planOf({
    launch: launchSteps(spec.linux, stdio, extra),
    stub: [
      ...closeReportOnExec(),
      ...dieWithOwner('start'),
      ...joinKeyring(),
      // Else the modes of devices and directories would be what the owner's umask leaves of them.
      umask.step('giving files the modes they are made with', [0]),

      // With the host's files in sight, nothing of the image is resolved.
      ...mountRoot(spec),
      ...views.steps,
      ...mounts.steps,
      ...openDevices(spec),
      ...enterRoot(spec),

      // From here on there is only the container.
      ...views.views.flatMap(({ target, mount }) => attachStandard(target, mount)),
      ...attachMounts(spec, mounts.opened),
      ...raiseLoopback(spec),
      sethostname.step('setting the hostname', [spec.hostname, Buffer.byteLength(spec.hostname)]),
      ...makeDirectories(spec.process.cwd),
      ...protectRoot(spec),
      closeEverythingElse(),
      chdir.step('entering the working directory', [spec.process.cwd]),
      ...giveDescriptors(stdio, spec.process),
      ...becomeProcess(spec),
    ],
  });
}

/** The old root is gone before any path of the image is resolved: not even `..` leads back to it. */
export function enterRoot({ root }: Spec): Step[] {
  return [
    chdir.step('entering the root', [root.path]),
    pivot_root.step('making it the root', ['.', '.']),
    umount2.step("letting go of the host's files", ['.', MNT_DETACH]),
    chdir.step('entering the new root', ['/']),
  ];
}

/** The standard set, then devices and masks on it while /dev is ours alone, then what the user asked for. */
function attachMounts(spec: Spec, opened: readonly OpenedMount[]): Step[] {
  const isStandard = ({ specMount }: OpenedMount) => specMount.standard === true;
  const attach = ({ specMount: { destination }, mount }: OpenedMount) => {
    return destination.startsWith('/dev/') ? attachInside(destination, mount) : attachStandard(destination, mount);
  };
  return [
    ...opened.filter(isStandard).flatMap(attach),
    ...makeDevices(spec),
    ...(spec.process.terminal ? [...openTerminal(spec.process), ...bindConsole()] : []),
    ...maskPaths(spec),
    ...opened.filter((mount) => !isStandard(mount)).flatMap(attachAt),
  ];
}

/** Makes a root read-only that is to be. */
export function protectRoot({ root }: Spec): Step[] {
  return root.readonly ? [setAttributes('making the root read-only', AT_FDCWD, '/', MOUNT_ATTR_RDONLY, 0)] : [];
}

function becomeProcess(spec: Spec): Step[] {
  const { process } = spec;
  const become = becomeUser(process, mayHaveGroups(spec), 'user');
  const command = [...resetSignals(), ...enterCommand(process)];
  if (process.init) return [...become, ...reapFor([...startSession(process), ...command])];
  return [...startSession(process), ...become, ...command];
}
