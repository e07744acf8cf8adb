/** Options → the namespaces of a spec. Pure: the containers that are joined were looked up before. */
import { CaissonError } from '../../syscalls/index.ts';
import type { ContainerReference, NamespaceOption, NetworkOption } from './namespace-options.ts';
import type { ContainerOptions } from './options.ts';
import type { NamespaceType, SpecNamespace, SpecTimeOffset } from './spec.ts';

/** A container whose namespaces are joined. */
export interface JoinedContainer {
  readonly id: string;
  /** Whether it is in a user namespace of its own. */
  readonly hasUser: boolean;
}

/** What is known of containers, by what the options call them. */
export type FindJoined = (reference: ContainerReference) => JoinedContainer;

const TYPES = ['mount', 'pid', 'ipc', 'uts', 'cgroup', 'time'] as const;

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
  return [{ type, container: find(option.container).id }];
}

/** Only who is in the user namespace that others belong to may join those. */
function userNamespace(options: ContainerOptions, hasUser: boolean, find: FindJoined): SpecNamespace[] {
  const { userns = 'auto' } = options;
  const joined = referencesIn(options).map(find);
  const owner = joined.find((each) => each.hasUser);
  if (owner === undefined) {
    const isOwn = joined.length === 0 && hasUser;
    if (joined.length > 0 && typeof userns === 'object' && !isOfContainer(userns)) throw conflict(userns, joined[0]);
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

/** Whether an option is somebody else's namespace. */
export function isOfContainer(option: unknown): option is { readonly container: ContainerReference } {
  return typeof option === 'object' && option !== null && 'container' in option;
}
