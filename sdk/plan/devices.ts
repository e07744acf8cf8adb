/** /dev: a tmpfs of ours, so that paths in it are not the image's. */
import {
  AT_FDCWD,
  MOVE_MOUNT_F_EMPTY_PATH,
  makedev,
  mknodat,
  move_mount,
  S_IFCHR,
  S_IFREG,
  type Step,
  symlinkat,
  variable,
} from '../../syscalls/index.ts';
import { hasNamespace, type Spec, type SpecDevice } from '../spec/spec.ts';
import { openBind } from './detached.ts';

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
  return spec.linux.devices.flatMap(({ path }) => {
    return openBind(`opening the host's ${path}`, path, 0, deviceVariable(path));
  });
}

/** Makes the nodes and links of /dev, on the tmpfs that is mounted there. */
export function makeDevices(spec: Spec): Step[] {
  const make = hasNamespace(spec, 'user') ? bindNode : makeNode;
  const links = LINKS.map(([target, path]) => symlinkat.step(`making ${path}`, [target, AT_FDCWD, path]));
  return [...spec.linux.devices.flatMap(make), ...links];
}

function makeNode({ path, major, minor, fileMode }: SpecDevice): Step[] {
  return [mknodat.step(`making ${path}`, [AT_FDCWD, path, S_IFCHR | fileMode, makedev(major, minor)])];
}

function bindNode({ path, fileMode }: SpecDevice): Step[] {
  return [
    mknodat.step(`making ${path}`, [AT_FDCWD, path, S_IFREG | fileMode, makedev(0, 0)]),
    move_mount.step(`binding ${path}`, [deviceVariable(path), '', AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH]),
  ];
}

function deviceVariable(path: string) {
  return variable(`host's ${path}`);
}
