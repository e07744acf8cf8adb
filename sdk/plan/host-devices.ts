/**
 * Devices that are asked for, of a container with ids of its own: nodes that belong to those ids, made by the helper with
 * the host's rights. The host's own nodes cannot be idmapped, and its root's would be closed to the container's.
 */
import {
  AT_FDCWD,
  close,
  FSCONFIG_CMD_CREATE,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  fchownat,
  fsconfig,
  fsmount,
  fsopen,
  jump,
  label,
  MNT_DETACH,
  MOVE_MOUNT_F_EMPTY_PATH,
  makedev,
  mknodat,
  move_mount,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  open_tree,
  S_IFBLK,
  S_IFCHR,
  type Step,
  umount2,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import type { Spec, SpecDevice } from '../spec/spec.ts';
import { deviceVariable, isAsked, openingPurpose } from './devices.ts';
import { shareIds } from './show-ids.ts';

/** Where to go on with the host's own nodes: where this machine's root may make none, or memory cannot be idmapped. */
const PLAIN = 'devices of the host';
const DONE = 'devices are open';

/**
 * Opens the devices that are asked for.
 * @param at a directory to mount on meanwhile, in mounts of the helper's own
 */
export function openOwnDevices({ linux }: Spec, at: string): { steps: Step[]; opened: Variable[] } {
  const asked = linux.devices.filter(isAsked);
  if (asked.length === 0) return { steps: [], opened: [] };
  const [context, room] = [variable('file system of devices'), variable('devices')];
  const purpose = 'making nodes of devices';
  const steps = [
    fsopen.step(purpose, ['tmpfs', FSOPEN_CLOEXEC], { into: context }),
    fsconfig.step(purpose, [context, FSCONFIG_CMD_CREATE, null, null, 0]),
    fsmount.step(purpose, [context, FSMOUNT_CLOEXEC, 0], { into: room }),
    close.step(purpose, [context]),
    ...asked.flatMap((device, index) => makeNode(device, room, `${index}`)),
    shareIds(purpose, room, PLAIN),
    move_mount.step(purpose, [room, '', AT_FDCWD, at, MOVE_MOUNT_F_EMPTY_PATH]),
    ...asked.map((device, index) => openNode(device, `${at}/${index}`)),
    umount2.step(purpose, [at, MNT_DETACH]),
    jump(DONE),
    label(PLAIN),
    ...asked.map((device) => openNode(device, device.source ?? device.path)),
    label(DONE),
  ];
  return { steps, opened: asked.map(({ path }) => deviceVariable(path)) };
}

function makeNode(
  { path, type, major, minor, fileMode, uid = 0, gid = 0 }: SpecDevice,
  room: Variable,
  name: string,
): Step[] {
  const mode = (type === 'c' ? S_IFCHR : S_IFBLK) | fileMode;
  const making = `making a node of ${path}`;
  return [
    mknodat.step(making, [room, name, mode, makedev(major, minor)], { onError: { EPERM: PLAIN } }),
    ...(uid === 0 && gid === 0 ? [] : [fchownat.step(making, [room, name, uid, gid, 0])]),
  ];
}

function openNode({ path, source = path }: SpecDevice, node: string): Step {
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  return open_tree.step(openingPurpose(source), [AT_FDCWD, node, flags], { into: deviceVariable(path) });
}
