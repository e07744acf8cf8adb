/** Options → the namespaces of a spec. Pure: the containers that are joined were looked up before. */
import { CaissonError } from '../../syscalls/common.ts';
import type { ContainerReference, NamespaceOfPath, NamespaceOption, NetworkOption } from './namespace-options.ts';
import type { ContainerOptions } from './options.ts';
import type { NamespaceType, SpecNamespace, SpecTimeOffset } from './spec.ts';

/** A container whose namespaces are joined. */
export interface JoinedContainer {
  readonly id: string;
  /** Whether it is in a user namespace of its own. */
  readonly hasUser: boolean;
  /** Whether it has other mounts than the host. */
  readonly hasMounts: boolean;
  /** Whether it is in another time namespace than the host. @default true */
  readonly hasTime?: boolean;
}

/** What is known of containers, by what the options call them. */
export type FindJoined = (reference: ContainerReference) => JoinedContainer;

const TYPES = ['mount', 'pid', 'ipc', 'uts', 'cgroup', 'time'] as const;

/**
 * The same options, with the host's instead of namespaces by path that this process is in anyway: the kernel lets nobody
 * join his own user namespace, nor without rights over the machine his own time namespace (man 2 setns).
 *
 * @param isOwn whether a path stands for this process's namespace of a type
 */
export function withoutOwn(options: ContainerOptions, isOwn: IsOwnNamespace): ContainerOptions {
  const { namespaces, userns } = options;
  const isOwnTime = isOfPath(namespaces?.time) && isOwn(namespaces.time.path, 'time');
  const isOwnUser = isOfPath(userns) && isOwn(userns.path, 'user');
  if (!isOwnTime && !isOwnUser) return options;
  return {
    ...options,
    ...(isOwnTime ? { namespaces: { ...namespaces, time: 'host' } } : {}),
    ...(isOwnUser ? { userns: 'host' } : {}),
  };
}

/** Whether a path stands for this process's namespace of a type. */
export type IsOwnNamespace = (path: string, type: 'time' | 'user') => boolean;

/** Which containers' namespaces options ask for, each once. */
export function referencesIn({ namespaces = {}, network, userns }: ContainerOptions): ContainerReference[] {
  const all: readonly unknown[] = [...Object.values(namespaces), network, userns];
  const references = all.flatMap((each) => (isOfContainer(each) ? [each.container] : []));
  return [...new Set(references)];
}

/**
 * Decides the namespaces of a container that are not the host's.
 * @param hasUser whether it has a user namespace of its own, where it joins nobody's
 */
export function decideNamespaces(options: ContainerOptions, hasUser: boolean, find: FindJoined): SpecNamespace[] {
  const { namespaces = {}, network = 'none', timeOffsets } = options;
  const time: NamespaceOption = namespaces.time ?? (timeOffsets === undefined ? 'host' : 'private');
  const asked = TYPES.map((type) => [type, type === 'time' ? time : (namespaces[type] ?? 'private')] as const);
  return [
    ...userNamespace(options, hasUser, find),
    ...asked.flatMap(([type, option]) => entry(type, option, find)),
    ...entry('network', network, find),
  ];
}

function entry(type: NamespaceType, option: NamespaceOption | NetworkOption, find: FindJoined): SpecNamespace[] {
  if (option === 'host') return [];
  if (option === 'private' || option === 'none') return [{ type }];
  if ('path' in option) return [{ type, path: option.path }];
  const { id, hasTime } = find(option.container);
  // One's own time namespace cannot be joined without rights over the machine, and need not be.
  return type === 'time' && hasTime === false ? [] : [{ type, container: id }];
}

/** Only who is in the user namespace that others belong to may join those. */
function userNamespace(options: ContainerOptions, hasUser: boolean, find: FindJoined): SpecNamespace[] {
  const { userns = 'auto' } = options;
  const joined = referencesIn(options).map(find);
  const owner = joined.find((each) => each.hasUser);
  if (owner === undefined) {
    const isOwn = joined.length === 0 && hasUser;
    if (joined.length > 0 && typeof userns === 'object' && !isOfContainer(userns)) throw conflict(userns, joined[0]);
    if (isOfPath(userns)) return [{ type: 'user', path: userns.path }];
    return isOwn ? [{ type: 'user' }] : [];
  }
  const other = joined.find((each) => each.id !== owner.id && !each.hasUser);
  if (other !== undefined) throw conflict({ container: other.id }, owner);
  if (userns !== 'auto' && !isOfContainer(userns)) throw conflict(userns, owner);
  return [{ type: 'user', container: owner.id }];
}

function conflict(asked: unknown, joined: JoinedContainer | undefined): CaissonError {
  const message = `userns cannot be ${JSON.stringify(asked)} while namespaces of container ${joined?.id} are joined`;
  const hint = "a container whose namespaces belong to a user namespace is joined there: leave option 'userns' out";
  return new CaissonError('NAMESPACE_CONFLICT', message, { hint });
}

/** Seconds as the kernel wants them: nanoseconds count forwards from a whole second. */
export function timeOffset(seconds: number): SpecTimeOffset {
  const whole = Math.floor(seconds);
  const nanosecs = Math.round((seconds - whole) * 1e9);
  return nanosecs === 1e9 ? { secs: whole + 1, nanosecs: 0 } : { secs: whole, nanosecs };
}

/** Whether an option is a namespace by its path. */
export function isOfPath(option: unknown): option is NamespaceOfPath {
  return typeof option === 'object' && option !== null && 'path' in option;
}

/** Whether an option is somebody else's namespace. */
export function isOfContainer(option: unknown): option is { readonly container: ContainerReference } {
  return typeof option === 'object' && option !== null && 'container' in option;
}
