/** What is known of the containers whose namespaces a container joins, and what follows for its spec. */
import { hostname } from 'node:os';
import type { IdMappings, Store } from '../../store/places.ts';
import type { ContainerReference } from '../spec/namespace-options.ts';
import { type JoinedContainer, referencesIn } from '../spec/namespaces.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { hasNamespace, type NamespaceType, type Spec } from '../spec/spec.ts';
import { readFileInside, readUserFiles, type UserFiles } from '../spec/user-files.ts';

/** What was found out about the containers whose namespaces a container is to join. */
export interface Joined {
  find(reference: ContainerReference): JoinedContainer;
  /** The ids of their user namespace, none where they are in the host's; undefined where nobody is joined. */
  readonly mappings: IdMappings | undefined;
  /** What the machine is called in the UTS namespace, where that is not the container's own. */
  readonly hostname: string | undefined;
  /** Reads who the users are where the container's files are not its image's. */
  readonly files: (() => UserFiles) | undefined;
  /** Reads a file of the container whose network is joined; undefined where none is. */
  readonly networkFile: ((path: string) => string | undefined) | undefined;
}

/** Who is to join, and where containers are looked for. */
export interface Joiner {
  readonly id: string;
  readonly store: Store;
  /** With `'describe'`, what does not run is no error. */
  readonly effect: 'prepare' | 'describe';
}

/** Finds out about the containers that options refer to. */
export type LookUp = (options: ContainerOptions, joiner: Joiner) => Joined;

/** Of the containers that options refer to, by what they are called there. */
export interface Known {
  readonly containers: ReadonlyMap<string, JoinedContainer>;
  /** Of those that run: their first processes. */
  readonly pids: ReadonlyMap<string, number>;
  readonly hostnames: ReadonlyMap<string, string>;
  readonly mappings: IdMappings | undefined;
}

/** What follows from what is known. */
export function joinedOf(options: ContainerOptions, { containers, pids, hostnames, mappings }: Known): Joined {
  return {
    mappings,
    files: userFilesOf(options, pids),
    hostname: hostnameOf(options, hostnames),
    networkFile: networkFileOf(options, pids),
    find(reference) {
      const joined = containers.get(nameOf(reference));
      if (joined === undefined) throw new Error(`bug in caisson: '${nameOf(reference)}' was not looked up`);
      return joined;
    },
  };
}

/** For who only wants to see the plan: nothing is looked up that this process does not know already. */
export const describeJoined: LookUp = (options) => {
  const containers = referencesIn(options).map((reference) => {
    const name = nameOf(reference);
    const spec = knownSpec(reference);
    const has = (type: NamespaceType) => (spec === null ? undefined : hasNamespace(spec, type));
    const found = { hasUser: has('user') ?? false, hasMounts: has('mount') ?? true, hasTime: has('time') ?? true };
    return [name, { id: name, ...found }] as const;
  });
  return joinedOf(options, {
    containers: new Map(containers),
    pids: new Map(),
    hostnames: new Map(),
    mappings: undefined,
  });
};

function knownSpec(reference: ContainerReference): Spec | null {
  if (typeof reference === 'string' || !('inspect' in reference)) return null;
  return (reference as { inspect(): { spec: Spec | null } }).inspect().spec;
}

/** As far as it is known without entering the namespace: who joins a path is told nothing. */
function hostnameOf({ namespaces }: ContainerOptions, names: ReadonlyMap<string, string>): string | undefined {
  const { uts = 'private' } = namespaces ?? {};
  if (uts === 'host') return hostname();
  return typeof uts === 'object' && 'container' in uts ? names.get(nameOf(uts.container)) : undefined;
}

/** Of a mount namespace without a process that is known, there are only numbers. */
function userFilesOf({ namespaces }: ContainerOptions, pids: ReadonlyMap<string, number>): Joined['files'] {
  const { mount = 'private' } = namespaces ?? {};
  if (mount === 'private') return undefined;
  if (mount === 'host') return () => readUserFiles(['/']);
  const pid = 'container' in mount ? pids.get(nameOf(mount.container)) : undefined;
  return () => (pid === undefined ? { passwd: [], group: [] } : readUserFiles([`/proc/${pid}/root`]));
}

function networkFileOf({ network }: ContainerOptions, pids: ReadonlyMap<string, number>): Joined['networkFile'] {
  const isContainer = typeof network === 'object' && 'container' in network;
  const pid = isContainer ? pids.get(nameOf(network.container)) : undefined;
  return pid === undefined ? undefined : (path) => readFileInside(`/proc/${pid}/root`, path);
}

/** What a container is called by who refers to it. */
export function nameOf(reference: ContainerReference): string {
  return typeof reference === 'string' ? reference : reference.id;
}
