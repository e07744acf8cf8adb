/** /dev: a tmpfs of ours, so that paths in it are not the image's. */
import {
  AT_FDCWD,
  fchownat,
  MOVE_MOUNT_F_EMPTY_PATH,
  makedev,
  mkdirat,
  mknodat,
  move_mount,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  open_tree,
  S_IFBLK,
  S_IFCHR,
  S_IFREG,
  type Step,
  symlinkat,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import { hasNamespace, type Spec, type SpecDevice } from '../spec/spec.ts';

const LINKS: readonly (readonly [target: string, path: string])[] = [
  ['/proc/self/fd', '/dev/fd'],
  ['/proc/self/fd/0', '/dev/stdin'],
  ['/proc/self/fd/1', '/dev/stdout'],
  ['/proc/self/fd/2', '/dev/stderr'],
  ['/proc/kcore', '/dev/core'],
  ['pts/ptmx', '/dev/ptmx'],
];

/** A user namespace may not make device nodes (mknod is EPERM), so there the host's are opened to be bound. */
export function openDevices(spec: Spec): Step[] {
  if (!hasNamespace(spec, 'user')) return [];
  // Of a container with ids of its own, those that are asked for are made outside (host-devices.ts).
  const here = spec.linux.devices.filter((device) => spec.root.idmapped === undefined || !isAsked(device));
  return here.flatMap(({ path, source = path }) => {
    const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    return open_tree.step(openingPurpose(source), [AT_FDCWD, source, flags], { into: deviceVariable(path) });
  });
}

/** Whether a device is none of those that every container has. */
export function isAsked({ source }: SpecDevice): boolean {
  return source !== undefined;
}

/** What opening a device of the host is for. */
export function openingPurpose(source: string): string {
  return `opening the host's ${source}`;
}

/** Makes the nodes and links of /dev, on the tmpfs that is mounted there. */
export function makeDevices(spec: Spec): Step[] {
  const make = hasNamespace(spec, 'user') ? bindNode : makeNode;
  const links = LINKS.map(([target, path]) => symlinkat.step(`making ${path}`, [target, AT_FDCWD, path]));
  return [...spec.linux.devices.flatMap((device) => [...makeParents(device), ...make(device)]), ...links];
}

/** Of `/dev/net/tun` and the like. */
function makeParents({ path }: SpecDevice): Step[] {
  const parts = path.split('/').slice(2, -1);
  return parts.map((_, index) => {
    const parent = `/dev/${parts.slice(0, index + 1).join('/')}`;
    return mkdirat.step(`making ${parent}`, [AT_FDCWD, parent, 0o755], { onError: { EEXIST: 'next' } });
  });
}

/** A node of the container's own: what it does to its mode is no concern of the host's. */
function makeNode({ path, type, major, minor, fileMode, uid = 0, gid = 0 }: SpecDevice): Step[] {
  const mode = (type === 'c' ? S_IFCHR : S_IFBLK) | fileMode;
  const isRoots = uid === 0 && gid === 0;
  return [
    mknodat.step(`making ${path}`, [AT_FDCWD, path, mode, makedev(major, minor)]),
    ...(isRoots ? [] : [fchownat.step(`giving ${path} its owner`, [AT_FDCWD, path, uid, gid, 0])]),
  ];
}

function bindNode({ path }: SpecDevice): Step[] {
  return [
    mknodat.step(`making ${path}`, [AT_FDCWD, path, S_IFREG | 0o666, makedev(0, 0)]),
    move_mount.step(`binding ${path}`, [deviceVariable(path), '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH]),
  ];
}

/** An opened device, not attached yet. */
export function deviceVariable(path: string): Variable {
  return variable(`host's ${path}`);
}
