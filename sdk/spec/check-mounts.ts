/** Refuses mounts, devices and addresses that cannot be meant. */
import { posix } from 'node:path';
import {
  type Check,
  type Checks,
  checkAll,
  describe,
  isBoolean,
  isImage,
  isMode,
  isMountTarget,
  isObject,
  isOneOf,
  isPositiveInteger,
  isSource,
  isString,
  isTarget,
  own,
} from './checks.ts';
import { plainPath } from './mounts.ts';

/** The most that a file given by its content may hold: it is part of the plan. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** The most that all of a container's may: they lie in the memory of its /dev. */
const MAX_FILES_BYTES = 32 * 1024 * 1024;

/** What a volume may be called. */
export const isVolumeName: Check = (value) => {
  const isName = typeof value === 'string' && /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(value);
  return isName ? undefined : 'at most 128 letters, digits, _ . - and a letter or digit first';
};

/** A path that leads nowhere but down. The kernel makes sure of it (RESOLVE_BENEATH); this says so earlier. */
const isSubpath: Check = (value) => {
  const isBelow = isString(value) === undefined && value !== '' && !/^\/|(^|\/)\.\.(\/|$)/.test(value as string);
  return isBelow ? undefined : "a relative path without '..'";
};

const isVolumeSource: Check = (value) => isVolumeName(isObject(value) ? value.name : value);

const isText = (value: unknown) => typeof value === 'string' || value instanceof Uint8Array;

const isContent: Check = Object.assign(
  (value: unknown) => {
    if (!isText(value)) return 'a string or bytes';
    return Buffer.byteLength(value) <= MAX_FILE_BYTES ? undefined : `of at most ${MAX_FILE_BYTES} bytes`;
  },
  { describe: (value: unknown) => (isText(value) ? `${Buffer.byteLength(value)} bytes` : describe(value)) },
);

const COMMON: Checks = { type: isString, target: isMountTarget, readOnly: isBoolean };

const MOUNT_CHECKS: Readonly<Record<string, Checks>> = {
  bind: {
    ...COMMON,
    source: isSource,
    recursive: (value) => (value === 'writable' ? undefined : isBoolean(value) && "a boolean or 'writable'"),
    propagation: isOneOf('private', 'slave', 'shared'),
    idmap: isBoolean,
  },
  tmpfs: { ...COMMON, sizeBytes: isPositiveInteger, mode: isMode },
  volume: { ...COMMON, source: isVolumeSource, subpath: isSubpath, noCopy: isBoolean },
  image: {
    ...COMMON,
    image: isImage,
    subpath: isSubpath,
  },
  overlay: { ...COMMON, source: isSource },
  file: { ...COMMON, content: isContent, mode: isMode },
};

/** What a mount of each type cannot do without, besides its target. */
const REQUIRED: Readonly<Record<string, string>> = {
  bind: 'source',
  overlay: 'source',
  image: 'image',
  file: 'content',
};

const DEVICE_CHECKS: Checks = {
  path: (value) => isString(value) ?? ((value as string).startsWith('/') ? undefined : 'an absolute path'),
  target: (value) => isTarget(value) ?? (isBelowDev(value as string) ? undefined : 'a path below /dev'),
  mode: isMode,
};

/**
 * @param mounts the option
 * @throws TypeError that names the mount and what is wrong with it
 */
export function checkMounts({ mounts = [] }: { mounts?: readonly unknown[] | undefined }): void {
  for (const [index, mount] of mounts.entries()) checkMount(mount, `mounts[${index}]`);
  checkTargets(mounts as readonly { readonly target: string }[]);
  const files = mounts.map((mount) => (mount as { content?: string | Uint8Array }).content ?? '');
  const total = files.reduce((sum: number, content) => sum + Buffer.byteLength(content), 0);
  if (total <= MAX_FILES_BYTES) return;
  throw new TypeError(`files given by their content must be of at most ${MAX_FILES_BYTES} bytes, got ${total}`);
}

/** Of two mounts at one place, the first could not be seen. */
function checkTargets(mounts: readonly { readonly target: string }[]): void {
  const targets = mounts.map(({ target }) => plainPath(target));
  for (const [index, target] of targets.entries()) {
    const first = targets.indexOf(target);
    if (first === index) continue;
    throw new TypeError(`mounts[${index}].target '${mounts[index]?.target}' is that of mounts[${first}], too`);
  }
}

/**
 * @param what what an error calls it
 * @throws TypeError as {@link checkMounts}
 */
export function checkMount(mount: unknown, what = 'mount'): void {
  const checks = isObject(mount) ? own(MOUNT_CHECKS, String(mount.type)) : undefined;
  if (checks === undefined || !isObject(mount)) {
    const types = Object.keys(MOUNT_CHECKS).map((type) => `'${type}'`);
    throw new TypeError(`${what} must have a type of ${types.join(' or ')}, got ${describe(mount)}`);
  }
  for (const name of [REQUIRED[String(mount.type)], 'target']) {
    if (name === undefined || mount[name] !== undefined) continue;
    throw new TypeError(`${what} of type '${mount.type}' must have a ${name}, got ${describe(mount)}`);
  }
  checkAll(`${what}.`, mount, checks);
  if (mount.recursive !== 'writable' || mount.readOnly === true) return;
  throw new TypeError(`${what}.recursive 'writable' takes readOnly: true, got ${describe(mount.readOnly)}`);
}

/** @throws TypeError unless something may be mounted there */
export function checkUnmount(target: unknown): void {
  const expected = isTarget(target);
  if (expected !== undefined) throw new TypeError(`what is unmounted must be ${expected}, got ${describe(target)}`);
}

/** A list of devices. */
export const isDevices: Check = (value) => {
  if (!Array.isArray(value)) return 'an array of devices';
  for (const [index, device] of value.entries()) {
    checkAll(`devices[${index}].`, device, DEVICE_CHECKS);
    if (device.path === undefined) return 'devices with a path';
    if (device.target === undefined && !isBelowDev(device.path)) return 'devices with a target below /dev';
  }
  return undefined;
};

/** The root file system has no devices (`nodev`), whatever images say. */
function isBelowDev(path: string): boolean {
  return posix.normalize(path).startsWith('/dev/');
}

/** Addresses by name. */
export const isHosts: Check = (value) => {
  const isEntry = ([name, address]: [string, unknown]) => /^[^\s#]+$/.test(name) && isAddress(address);
  return isObject(value) && Object.entries(value).every(isEntry) ? undefined : 'an object of IP addresses by name';
};

/** A list of addresses. */
export const isAddresses: Check = (value) => {
  return Array.isArray(value) && value.every(isAddress) ? undefined : 'an array of IP addresses';
};

function isAddress(value: unknown): boolean {
  return typeof value === 'string' && process.getBuiltinModule('node:net').isIP(value) !== 0;
}
