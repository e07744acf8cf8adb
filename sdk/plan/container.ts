/** Spec → plan: how a container is made. Pure; ARCHITECTURE.md has the reasons for the order. */
import {
  AT_FDCWD,
  chdir,
  MNT_DETACH,
  MOUNT_ATTR_RDONLY,
  MS_REC,
  MS_SHARED,
  mount,
  pivot_root,
  type Step,
  sethostname,
  umount2,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import { joinsNamespace, makesNamespace, mayHaveGroups, type NamespaceType, type Spec } from '../spec/spec.ts';
import { attachAt, attachInside, attachOwnFile, attachStandard, makeFiles } from './attach.ts';
import { beginStub, planAhead } from './beginning.ts';
import { enterCommand } from './command.ts';
import { closeEverythingElse } from './descriptors.ts';
import { setAttributes } from './detached.ts';
import { makeDevices, openDevices } from './devices.ts';
import { FILES_ROOM } from './files.ts';
import { becomeRoot, becomeUser, giveDescriptors } from './identity.ts';
import { arrivesWithoutId, enterOpenedRoot, mountOutside, takeDescriptors } from './idmap.ts';
import { keep } from './keeper.ts';
import { numberProc, openProc, PROC_DESCRIPTOR } from './keeper-proc.ts';
import {
  FIRST_EXTRA_DESCRIPTOR,
  joinedInside,
  joinInside,
  launchSteps,
  namespaceVariable,
  type Wiring,
} from './launch.ts';
import { maskPaths } from './masks.ts';
import { type OpenedMount, openMounts } from './mounts.ts';
import { otherMounts } from './other-mounts.ts';
import { mountRoot, openViews } from './overlay.ts';
import { pause } from './pause.ts';
import { makeDirectories } from './place.ts';
import { type Plan, planOf } from './plan.ts';
import { dieWithOwner, hideFromContainer } from './prelude.ts';
import { reapFor } from './reaper.ts';
import { inSecond } from './second.ts';
import { resetSignals } from './signals.ts';
import { bindConsole, openTerminal, startSession, terminalDevice } from './terminal.ts';
import { makeTime } from './time.ts';

/**
 * Plans a container from its spec.
 * @param isAhead whether it is launched before the spec is decided (beginning.ts)
 */
export function planContainer(spec: Spec, wiring: Wiring, isAhead = false): Plan {
  const { stdio, extra } = wiring;
  const joined = joinedInside(spec.linux);
  const descriptors = new Map(joined.map((type, index) => [type, FIRST_EXTRA_DESCRIPTOR + extra.length + index]));
  const join = (type: NamespaceType) => {
    const descriptor = descriptors.get(type);
    return descriptor === undefined ? [] : [joinInside(type, descriptor)];
  };
  const root = makeRoot(spec, stdio, isAhead);
  const given = [...extra, ...joined.map(namespaceVariable)];
  const taken = [...otherMounts(spec), ...root.opened];
  const making = [
    ...join('time'),
    ...makeTime(spec),
    ...(makesNamespace(spec, 'pid') ? [] : openProc(spec, PROC, makesNamespace(spec, 'mount'))),
    ...takeDescriptors(taken, FIRST_EXTRA_DESCRIPTOR + given.length),
    ...(makesNamespace(spec, 'mount') ? root.inside : [...join('mount'), ...openOtherTerminal(spec)]),
    ...nameHost(spec),
    ...(makesNamespace(spec, 'pid') ? becomeFirst(spec, stdio) : becomeKept(spec, stdio)),
  ];
  if (isAhead) {
    const { launch, stub, ahead } = planAhead(spec, wiring);
    return planOf({ launch, stub: [...stub, ...making], ahead });
  }
  return planOf({
    launch: launchSteps(spec.linux, stdio, [...given, ...taken], root.outside),
    stub: [
      ...beginStub(spec.linux, arrivesWithoutId(spec) ? becomeRoot() : []),
      ...(joinsNamespace(spec, 'pid') ? inJoinedPid(join('pid'), making) : making),
    ],
  });
}

/**
 * A /proc shows the PID namespace of who mounts it, so all is made by a process that is in there. It can be seen by
 * others in there, but not be looked into.
 */
function inJoinedPid(join: readonly Step[], making: readonly Step[]): Step[] {
  return [...hideFromContainer(), ...join, ...inSecond([...dieWithOwner('second'), ...making], false)];
}

/** The /proc of a container whose PID namespace is not its own. */
const PROC = variable('/proc');

/** Makes the container's files, and is among nothing else. */
function makeRoot(spec: Spec, stdio: Wiring['stdio'], isAhead: boolean): RootMaking {
  if (!makesNamespace(spec, 'mount')) return { outside: [], opened: [], inside: [] };
  const views = openViews(spec);
  const mounts = openMounts(spec, isAhead);
  const { steps, opened } = spec.root.idmapped ? mountOutside(spec, views, mounts, stdio) : { steps: [], opened: [] };
  const isMounted = opened.length > 0;
  const inside = [
    // With the host's files in sight, nothing of the image is resolved.
    ...mounts.beforeCut,
    ...(isMounted ? [] : [...mountRoot(spec), ...views.steps]),
    ...mounts.steps,
    ...openDevices(spec),
    ...(isMounted ? [...enterOpenedRoot(), ...leaveHost()] : enterRoot(spec)),

    // From here on there is only the container.
    ...views.views.flatMap(({ target, mount }) => attachStandard(target, mount)),
    ...attachMounts(spec, mounts.opened),
    ...makeDirectories(spec.process.cwd),
    ...protectRoot(spec),
    ...propagate(spec),
  ];
  return { outside: steps, opened, inside };
}

/** How the root is made: by a helper with the host's rights, which opens some of it, and by the stub. */
interface RootMaking {
  readonly outside: readonly Step[];
  readonly opened: readonly Variable[];
  readonly inside: readonly Step[];
}

/** Of a container that makes no files of its own. */
function openOtherTerminal(spec: Spec): Step[] {
  return spec.process.terminal ? openTerminal(spec.process, terminalDevice(spec)) : [];
}

/** Lets mount namespaces that are made from this one have the mounts that are made here, and the other way round. */
function propagate({ linux }: Spec): Step[] {
  if (linux.rootfsPropagation !== 'shared') return [];
  return [mount.step('sharing the mounts', [null, '/', null, MS_REC | MS_SHARED, null])];
}

function nameHost(spec: Spec): Step[] {
  if (!makesNamespace(spec, 'uts')) return [];
  return [sethostname.step('setting the hostname', [spec.hostname, Buffer.byteLength(spec.hostname)])];
}

/** The old root is gone before any path of the image is resolved: not even `..` leads back to it. */
export function enterRoot({ root }: Spec): Step[] {
  return [chdir.step('entering the root', [root.path]), ...leaveHost()];
}

/** Makes the working directory the root. */
function leaveHost(): Step[] {
  return [
    pivot_root.step('making it the root', ['.', '.']),
    umount2.step("letting go of the host's files", ['.', MNT_DETACH]),
    chdir.step('entering the new root', ['/']),
  ];
}

/** The standard set, then devices, masks and files while /dev is ours alone, then what the user asked for. */
function attachMounts(spec: Spec, opened: readonly OpenedMount[]): Step[] {
  const isOwn = ({ specMount }: OpenedMount) => specMount.standard === true;
  const isFile = ({ specMount }: OpenedMount) => specMount.type === 'file';
  const attach = ({ specMount: { destination }, mount }: OpenedMount) => {
    const beneath = destination === FILES_ROOM ? makeFiles(opened, FILES_ROOM) : [];
    return destination.startsWith('/dev/')
      ? attachInside(destination, mount, beneath)
      : attachStandard(destination, mount);
  };
  const own = opened.filter(isOwn);
  return [
    ...own.filter((each) => !isFile(each)).flatMap(attach),
    ...makeDevices(spec),
    ...(spec.process.terminal ? [...openTerminal(spec.process), ...bindConsole()] : []),
    ...maskPaths(spec),
    ...own.filter(isFile).flatMap(attachOwnFile),
    ...opened.filter((each) => !isOwn(each)).flatMap(attachAt),
  ];
}

/** Makes a root read-only that is to be. */
export function protectRoot({ root }: Spec): Step[] {
  return root.readonly ? [setAttributes('making the root read-only', AT_FDCWD, '/', MOUNT_ATTR_RDONLY, 0)] : [];
}

/** Becomes process 1, or has a reaper be that. */
function becomeFirst(spec: Spec, stdio: Wiring['stdio']): Step[] {
  const { process } = spec;
  const become = becomeUser(process, mayHaveGroups(spec), 'user');
  const command = [...resetSignals(), ...enterCommand(process)];
  return [
    closeEverythingElse(),
    ...(process.pauses === true ? pause() : []),
    enterWorkdir(spec),
    ...giveDescriptors(stdio, process),
    ...(process.init
      ? [...become, ...reapFor([...startSession(process), ...command])]
      : [...startSession(process), ...become, ...command]),
  ];
}

/** Has a keeper be the first process: it keeps the rights that ending the others takes. */
function becomeKept(spec: Spec, stdio: Wiring['stdio']): Step[] {
  const { process } = spec;
  const options = { proc: PROC_DESCRIPTOR, exitsWithCode: process.init };
  const command = [
    closeEverythingElse(),
    enterWorkdir(spec),
    ...giveDescriptors(stdio, process),
    ...startSession(process),
    ...becomeUser(process, mayHaveGroups(spec), 'user'),
    ...resetSignals(),
    ...enterCommand(process),
  ];
  return [...numberProc(PROC, options), ...keep(command, options)];
}

function enterWorkdir({ process }: Spec): Step {
  return chdir.step('entering the working directory', [process.cwd]);
}
