/** Refuses options about namespaces that cannot be meant. */
import { type Check, checkAll, describe, isObject, isOneOf, isString } from './checks.ts';
import { isUserNamespace } from './id-maps.ts';
import type { ContainerOptions } from './options.ts';

/** A container: an object that has an id, or a text that names one. */
const isContainerReference: Check = (value) => {
  if (typeof value === 'string') return value === '' ? 'a container, its name or its id' : isString(value);
  const hasId = typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string';
  return hasId ? undefined : 'a container, its name or its id';
};

/** One of some words, `{ container }` or `{ path }`. */
const isNamespace = (...words: readonly string[]): Check => {
  const expected = [...words.map((word) => `'${word}'`), '{ container }', '{ path }'].join(' or ');
  return (value) => {
    if (typeof value === 'string') return words.includes(value) ? undefined : expected;
    if (!isObject(value)) return expected;
    const [[name, member] = [], ...others] = Object.entries(value);
    if (others.length > 0) return expected;
    if (name === 'container') return isContainerReference(member);
    return name === 'path' && typeof member === 'string' && member !== '' ? isString(member) : expected;
  };
};

const isSeconds: Check = (value) => {
  // The kernel counts in 64 bits of nanoseconds, and refuses what is beyond half of that (KTIME_SEC_MAX / 2).
  const isValid = typeof value === 'number' && Math.abs(value) < 4_611_686_018;
  return isValid ? undefined : 'a number of seconds between -4611686018 and 4611686018';
};

const TYPES = ['mount', 'pid', 'ipc', 'uts', 'cgroup', 'time'];

/** Checks of the options about namespaces, by name. */
export const NAMESPACE_CHECKS: Readonly<Record<string, Check>> = {
  network: isNamespace('none', 'host'),
  userns: (value) => {
    const isJoined = isObject(value) && ('container' in value || 'path' in value);
    return isJoined ? isNamespace('auto', 'host')(value) : isUserNamespace(value);
  },
  namespaces: (value) => {
    if (isObject(value)) return undefined;
    return `an object with one of ${TYPES.join(', ')}`;
  },
  timeOffsets: (value) => (isObject(value) ? undefined : 'an object with monotonic and boottime, in seconds'),
  propagation: isOneOf('private', 'slave', 'shared', 'unchanged'),
};

/** What takes a mount namespace of one's own. */
const OF_MOUNTS = ['mounts', 'devices', 'hosts', 'dns', 'readOnly', 'upper', 'propagation'] as const;

/**
 * Checks the members of these options, and whether they go together.
 * @throws TypeError that names the option, what was given, and what was expected
 */
export function checkNamespaces(options: ContainerOptions): void {
  const { namespaces = {}, timeOffsets } = options;
  checkAll('namespaces.', namespaces, Object.fromEntries(TYPES.map((type) => [type, isNamespace('private', 'host')])));
  if (timeOffsets !== undefined) {
    checkAll('timeOffsets.', timeOffsets, { monotonic: isSeconds, boottime: isSeconds });
    refuse('timeOffsets', namespaces.time, 'time');
  }
  if (options.hostname !== undefined) refuse('hostname', namespaces.uts, 'uts');
  for (const name of OF_MOUNTS) {
    const isAsked = options[name] !== undefined && options[name] !== false;
    if (isAsked) refuse(name, namespaces.mount, 'mount');
  }
}

function refuse(option: string, value: unknown, type: string): void {
  if (value === undefined || value === 'private') return;
  const message = `option '${option}' takes a ${type} namespace of the container's own, but namespaces.${type} is`;
  throw new TypeError(`${message} ${describe(value)}`);
}
