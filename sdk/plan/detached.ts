/**
 * Mounts that are made while the host's files are in sight and attached when only the container's are. In between
 * they hang on nothing but a descriptor, so no path of the image is ever resolved where the host can be reached.
 */
import {
  type Argument,
  FSCONFIG_CMD_CREATE,
  FSCONFIG_SET_FLAG,
  FSCONFIG_SET_STRING,
  FSMOUNT_CLOEXEC,
  FSOPEN_CLOEXEC,
  fsconfig,
  fsmount,
  fsopen,
  MOUNT_ATTR,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_STRICTATIME,
  mount_setattr,
  type Step,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import type { SpecMount } from '../spec/spec.ts';

/** Options of mount(8) that are attributes of the mount; the others are the file system's own. */
const ATTRIBUTES: Readonly<Record<string, number>> = {
  ro: MOUNT_ATTR_RDONLY,
  rro: MOUNT_ATTR_RDONLY,
  nosuid: MOUNT_ATTR_NOSUID,
  nodev: MOUNT_ATTR_NODEV,
  noexec: MOUNT_ATTR_NOEXEC,
  strictatime: MOUNT_ATTR_STRICTATIME,
};

/** The attributes that an OCI mount's options ask for. */
export function attributesOf(options: readonly string[]): number {
  return options.reduce((attributes, option) => attributes | (ATTRIBUTES[option] ?? 0), 0);
}

/** A new file system, attached nowhere; its descriptor goes into `into`. */
export function openMount({ type, destination, options }: SpecMount, into: Variable): Step[] {
  const purpose = `preparing ${type} for ${destination}`;
  const context = variable('file system');
  return [
    fsopen.step(purpose, [type, FSOPEN_CLOEXEC], { into: context }),
    // What /proc/mounts shows as its source.
    configure(purpose, context, `source=${type}`),
    ...options.filter((option) => !(option in ATTRIBUTES)).map((option) => configure(purpose, context, option)),
    fsconfig.step(purpose, [context, FSCONFIG_CMD_CREATE, null, null, 0]),
    fsmount.step(purpose, [context, FSMOUNT_CLOEXEC, attributesOf(options)], { into }),
  ];
}

/** Adds attributes to a mount. */
export function setAttributes(
  purpose: string,
  directory: Argument,
  path: string,
  attributes: number,
  flags: number,
): Step {
  const attr = MOUNT_ATTR.encode({ attr_set: attributes });
  return mount_setattr.step(purpose, [directory, path, flags, attr, MOUNT_ATTR.size]);
}

function configure(purpose: string, context: Variable, option: string): Step {
  const [key = '', value] = option.split('=');
  const command = value === undefined ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
  return fsconfig.step(purpose, [context, command, key, value ?? null, 0]);
}
