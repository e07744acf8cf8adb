/** Namespaces as the steps of a launch name them: flags, descriptors, and which is joined when. */
import {
  type Argument,
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  equal,
  label,
  type Step,
  type StepOptions,
  setns,
  type Variable,
  variable,
} from '../../syscalls/index.ts';
import { isJoined, isSingleId, type MappedIds, type NamespaceType, type SpecLinux } from '../spec/spec.ts';

const NAMESPACE_FLAG: Readonly<Record<NamespaceType, number>> = {
  mount: CLONE_NEWNS,
  pid: CLONE_NEWPID,
  ipc: CLONE_NEWIPC,
  uts: CLONE_NEWUTS,
  cgroup: CLONE_NEWCGROUP,
  network: CLONE_NEWNET,
  user: CLONE_NEWUSER,
  time: CLONE_NEWTIME,
};

/** The clone(2) flags for these namespaces. */
export function cloneFlags(namespaces: readonly { readonly type: NamespaceType }[]): number {
  return namespaces.reduce((flags, { type }) => flags + NAMESPACE_FLAG[type], 0);
}

/** The user namespace that a process enters, as a descriptor: of plans for {@link entersNamespace}. */
export const USER_NAMESPACE = variable('user namespace');

/** A namespace that is joined, as a descriptor: of plans whose spec has such a one. */
export function namespaceVariable(type: NamespaceType): Variable {
  return type === 'user' ? USER_NAMESPACE : variable(`${type} namespace`);
}

/** Whether a process gets its ids by entering {@link USER_NAMESPACE}: it may map no more than one by itself. */
export function entersNamespace(linux: Pick<SpecLinux, 'namespaces'> & MappedIds): boolean {
  const user = linux.namespaces.find(({ type }) => type === 'user');
  return (linux.uidMappings.length > 0 && !isSingleId(linux)) || (user !== undefined && isJoined(user));
}

/**
 * The namespaces that the stub joins, in this order: what a process sees of the machine is another with them (mount),
 * they are for its children (pid), or the kernel wants to see it alone in its memory (time).
 */
export function joinedInside({ namespaces }: Pick<SpecLinux, 'namespaces'>): NamespaceType[] {
  return INSIDE.filter((type) => namespaces.some((each) => each.type === type && isJoined(each)));
}

const INSIDE = ['pid', 'time', 'mount'] as const;

/** The namespaces that are joined before there is a stub, but for the user's. */
export function joinedOutside({ namespaces }: Pick<SpecLinux, 'namespaces'>): NamespaceType[] {
  const isInside = (type: NamespaceType) => INSIDE.some((each) => each === type);
  return namespaces
    .filter((each) => isJoined(each) && !isInside(each.type) && each.type !== 'user')
    .map((each) => each.type);
}

/** The flags for what is made by the clone itself. */
export function madeFlags({ namespaces }: Pick<SpecLinux, 'namespaces'>): number {
  return cloneFlags(namespaces.filter((each) => !isJoined(each) && !MADE_INSIDE.some((type) => type === each.type)));
}

/**
 * What the stub makes. A time namespace is for those who do not share memory; a network namespace takes three times as
 * long as all others together, for which this thread would wait.
 */
const MADE_INSIDE: readonly NamespaceType[] = ['time', 'network'];

/** Joins one. */
export function joinOne(type: NamespaceType, descriptor: Argument, options: StepOptions): Step {
  return setns.step(`${JOINING} ${type} namespace`, [descriptor, NAMESPACE_FLAG[type]], options);
}

/** Joins what could not be joined before. */
export function joinAgain(type: NamespaceType, joined: Variable): Step[] {
  const done = `in the ${type} namespace`;
  return [equal(joined, 0, { next: done }), joinOne(type, namespaceVariable(type), {}), label(done)];
}

/** How the purpose of a step begins that joins a namespace. */
export const JOINING = 'joining the';

/** The stub's part of joining, for one namespace, by its descriptor in the stub. */
export function joinInside(type: NamespaceType, descriptor: Argument): Step {
  return joinOne(type, descriptor, {});
}
