/** What is mounted into a container, opened while the host's files are in sight. */
import { AT_EMPTY_PATH, type Step, type Variable, variable } from '../../syscalls/index.ts';
import { mayMountFor, type NamespaceType, type Spec, type SpecMount } from '../spec/spec.ts';
import { isShared, openBind } from './binds.ts';
import { attributesOf, openMount, setAttributes } from './detached.ts';
import { openOtherMount } from './other-mounts.ts';
import { makeDirectory, openOverlay } from './overlay.ts';
import { idmapMount } from './show-ids.ts';

/** A mount of the spec that is open and not attached yet; a file is made only when the container's /dev is there. */
export interface OpenedMount {
  readonly specMount: SpecMount;
  readonly mount: Variable;
}

/** The steps that open a container's mounts, and what they open. */
export interface OpeningMounts {
  /** Those of what must be opened before mounts here are cut off from the host's. */
  readonly beforeCut: Step[];
  /** Those of all others, once the working directory is the container's own. */
  readonly steps: Step[];
  /** In the spec's order. */
  readonly opened: OpenedMount[];
  /** Those that need the host's rights, where the container has none: they are opened apart. */
  readonly outside: {
    readonly beforeCut: Step[];
    readonly binds: Step[];
    /** What overlays need in the container's directory. */
    readonly directories: Step[];
    readonly overlays: Step[];
    readonly opened: Variable[];
  };
}

/** What of a spec says which file systems of its own a container has. */
export type OwnFileSystems = Pick<Spec, 'mounts'> & { readonly linux: Pick<Spec['linux'], 'namespaces'> };

/** Makes the new file systems of the standard set: nothing but the namespaces that they are made in has to be there. */
export function openFileSystems(spec: OwnFileSystems): Step[] {
  return named(spec)
    .filter(isOwnFileSystem)
    .flatMap(({ specMount, mount }) => openMount(specMount, mount));
}

/** Whether a mount is one of those, as a spec has it. */
export function isOwnFileSystem({ specMount: { type, standard } }: Pick<OpenedMount, 'specMount'>): boolean {
  return standard === true && type !== 'bind' && type !== 'overlay' && type !== 'file';
}

/**
 * Opens all mounts of a spec.
 * @param isAhead whether {@link openFileSystems} has opened its part of them
 */
export function openMounts(spec: Spec, isAhead = false): OpeningMounts {
  const opened = named(spec);
  const open = (mounts: readonly OpenedMount[]) => mounts.flatMap((each) => openOne(each, spec));
  const isBind = ({ specMount }: OpenedMount) => specMount.type === 'bind';
  const isEarly = (each: OpenedMount) => isBind(each) && isBeneath(each.specMount, spec);
  const needsHost = (each: OpenedMount) =>
    !isOther(each.specMount) && (isBind(each) || each.specMount.type === 'overlay');
  const outside = spec.root.idmapped === undefined ? [] : opened.filter(needsHost);
  const inside = opened.filter((each) => !outside.includes(each) && !(isAhead && isOwnFileSystem(each)));
  return {
    beforeCut: open(inside.filter(isEarly)),
    steps: open(inside.filter((each) => !isEarly(each))),
    opened,
    outside: {
      beforeCut: open(outside.filter(isEarly)),
      binds: open(outside.filter((each) => isBind(each) && !isEarly(each))),
      directories: outside.flatMap(({ specMount }) => changesDirectories(specMount)),
      overlays: open(outside.filter((each) => !isBind(each))),
      opened: outside.map(({ mount }) => mount),
    },
  };
}

/** The mounts that may be, with what they are called: those of the standard set, which come first, in any spec alike. */
function named(spec: OwnFileSystems): OpenedMount[] {
  const allowed = spec.mounts.flatMap((specMount) => asAllowed(specMount, spec));
  return allowed.map((specMount, index) => {
    return { specMount, mount: variable(`mount ${index} (${specMount.destination})`) };
  });
}

/** Where an overlay keeps its changes, in the container's directory. */
function changesDirectories({ type, changes }: SpecMount): Step[] {
  if (type !== 'overlay') return [];
  const directories = changes === undefined ? ['mounts'] : ['mounts', changes, `${changes}/upper`, `${changes}/work`];
  return directories.map(makeDirectory);
}

/**
 * Shared with the host; or in the container's directory, which its root hides; or elsewhere, from where one comes back
 * with another working directory.
 */
function isBeneath(specMount: SpecMount, { root }: Spec): boolean {
  return isShared(specMount) || isOther(specMount) || specMount.source?.startsWith(`${root.path}/`) === true;
}

function isOther({ container }: SpecMount): boolean {
  return container !== undefined;
}

function openOne({ specMount, mount }: OpenedMount, spec: Spec): Step[] {
  switch (specMount.type) {
    case 'bind':
      if (isOther(specMount)) return openOtherMount(specMount, mount);
      return [...openBind(specMount, mount), ...showIds(specMount, mount, spec)];
    case 'overlay':
      return openOverlayMount(specMount, mount, spec);
    case 'file':
      return [];
    default:
      return openMount(specMount, mount);
  }
}

function showIds({ destination, options }: SpecMount, mount: Variable, { root }: Spec): Step[] {
  if (root.idmapped === undefined || !options.includes('idmap')) return [];
  return idmapMount(`showing ${destination} with the container's ids`, mount, options.includes('rbind'));
}

/** Layers of an image or a directory of the host, with the container's changes on top or read-only. */
function openOverlayMount(specMount: SpecMount, mount: Variable, spec: Spec): Step[] {
  const { destination, layers = [], changes, subpath, options } = specMount;
  const purpose = `preparing the overlay for ${destination}`;
  const attributes = attributesOf(options);
  // Where the host's rights are needed, they are there already.
  const directories = spec.root.idmapped === undefined ? changesDirectories(specMount) : [];
  const protect = attributes === 0 ? [] : [setAttributes(purpose, mount, '', attributes, AT_EMPTY_PATH)];
  if (changes !== undefined) {
    const [at, upper] = [`${changes}/work`, `${changes}/upper`];
    const parts = { at, subpath, layers, upper, work: at };
    return [...directories, ...openOverlay(purpose, parts, mount, spec), ...protect];
  }
  const [only = ''] = layers;
  // Of one directory overlayfs makes nothing that has no place for changes: as it is, it is the same.
  if (layers.length === 1)
    return openBind({ ...specMount, source: only, options: ['bind', 'private', ...options] }, mount);
  return [...directories, ...openOverlay(purpose, { at: 'mounts', subpath, layers }, mount, spec), ...protect];
}

/**
 * What shows a namespace may be mounted only by whoever owns that one: sysfs shows the network, proc the processes. A
 * container that shares the host's, from a user namespace, gets the host's own mount instead, as much as it may see of it.
 */
function asAllowed(specMount: SpecMount, spec: OwnFileSystems): SpecMount[] {
  const type = SHOWN_BY[specMount.type];
  if (type === undefined || mayMountFor(spec, type)) return [specMount];
  const source = SHOWN_AT[specMount.type];
  if (source === undefined) return [];
  const options = specMount.options.map((option) => (option === 'ro' ? 'rro' : option));
  return [{ ...specMount, type: 'bind', source, kind: 'directory', options: ['rbind', ...options] }];
}

/** The namespaces that mounts show. */
const SHOWN_BY: Readonly<Partial<Record<SpecMount['type'], NamespaceType>>> = {
  sysfs: 'network',
  proc: 'pid',
  mqueue: 'ipc',
};

/** Where the host has them; message queues need not be mounted anywhere. */
const SHOWN_AT: Readonly<Partial<Record<SpecMount['type'], string>>> = { sysfs: '/sys', proc: '/proc' };
