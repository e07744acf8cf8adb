/** What is looked up before anything is made: what options mean on this machine. */
import { type Stats, statSync } from 'node:fs';
import { containerPaths, placesLayer, type Store } from '../../store/places.ts';
import { readHosts, readResolvConf } from '../host/index.ts';
import type { Image } from '../image.ts';
import { type ImageRoot, rootOf } from '../image-root.ts';
import type { EtcFacts } from '../spec/etc-files.ts';
import { mountsOf, type ResolvedMount } from '../spec/mounts.ts';
import { type IsOwnNamespace, withoutOwn } from '../spec/namespaces.ts';
import { normalizeContainer } from '../spec/normalize.ts';
import type { ContainerOptions } from '../spec/options.ts';
import type { Spec } from '../spec/spec.ts';
import { assertMapped, inGroups, resolveUser } from '../spec/user.ts';
import { readUserFiles, type UserFiles } from '../spec/user-files.ts';
import { decideIds, type FilePlaces, noteClaim } from './decide-ids.ts';
import { describeJoined, type Joined, type LookUp } from './joined.ts';
import { assertModes, resolveDevices } from './resolve-devices.ts';
import { type PartKind, resolveMounts } from './resolve-mounts.ts';

/** Reads who the users of a container are, given what it is made of and the directory of its changes. */
export type ReadUsers = (image: ImageRoot, upper: string) => UserFiles;

/** How a decision finds out what it depends on. */
export interface Looks {
  /** About containers whose namespaces are joined. */
  readonly joined: LookUp;
  readonly users: ReadUsers;
  readonly partKind: PartKind;
}

/** For who only wants to see what would be done, with what planning has loaded. */
export const DESCRIBING: Looks = {
  joined: describeJoined,
  users: ({ layers }) => readUserFiles(layers.toReversed()),
  partKind: () => 'directory',
};

/**
 * Looks up what a container's options mean on this machine, and decides its spec.
 * @param effect whether what an image makes on demand is made now
 */
export function decideContainer(
  image: Image,
  given: ContainerOptions,
  id: string,
  store: Store,
  effect: 'prepare' | 'describe',
  looks: Looks,
): Spec {
  const options = withoutOwn(given, isOwnNamespace);
  const root = rootOf(store, image.origin, effect);
  const { layers, views, isComplete } = root;
  const { path: rootPath, upper } = containerPaths(store, id);
  const joined = looks.joined(options, { id, store, effect });
  const asked = options.user ?? image.config.User ?? '';
  const files = joined.files?.() ?? looks.users(root, upper);
  const user = inGroups(resolveUser(asked === '' ? 0 : asked, files), options.groups ?? [], files);
  const mounted = joined.files === undefined ? mountsOf(options, image.config) : [];
  const mounts = resolveMounts(mounted, { store, container: rootPath, partKind: looks.partKind }, effect);
  const needed = { ...filePlaces(store, { layers, views }, mounts), user };
  const { facts, ids, idmapped, claim } = decideIds(options, joined.mappings, needed, effect);
  try {
    const devices = resolveDevices(options.devices ?? []);
    // With ids of its own, a container of root's has nodes of its own, too (plan/host-devices.ts).
    assertModes(devices, facts.mappings.uid.length > 0 && idmapped === undefined);
    const spec = normalizeContainer(options, {
      id,
      facts,
      config: image.config,
      user,
      mounts,
      devices,
      etc: etcFacts(options, joined.networkFile),
      rootPath,
      layers: isComplete ? layers : [placesLayer(store, effect), ...layers],
      views,
      findJoined: joined.find,
      hostname: joined.hostname,
      ids,
      idmapped,
    });
    assertMapped(user, spec.linux, options.groups);
    noteClaim(spec, claim);
    return spec;
  } catch (error) {
    claim?.release();
    throw error;
  }
}

const isOwnNamespace: IsOwnNamespace = (path, type) => {
  const [asked, own] = [path, `/proc/self/ns/${type}`].map(statIfThere);
  return asked !== undefined && asked.dev === own?.dev && asked.ino === own.ino;
};

/** Whatever is wrong with a path is said when it is opened. */
function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function filePlaces(
  store: Store,
  { layers, views }: Pick<ImageRoot, 'layers' | 'views'>,
  mounts: readonly ResolvedMount[],
): FilePlaces {
  const bound = mounts.filter((mount) => mount.type === 'bind' && mount.idmap !== false);
  return {
    store,
    directories: [
      ...layers,
      ...views.flatMap((view) => [view.source, ...(view.layers ?? [])]),
      ...mounts.flatMap((mount) => mount.layers ?? (mount.type === 'overlay' ? [mount.path ?? mount.source] : [])),
    ],
    binds: bound.flatMap(({ path }) => path ?? []),
  };
}

/** Whoever shares a network is told of it what its owner is told: this machine, or another container as it is now. */
function etcFacts({ network }: ContainerOptions, read: Joined['networkFile']): EtcFacts {
  if (network === 'host') return { resolvConf: readResolvConf(), hosts: readHosts(), isShared: true };
  const [hosts, resolvConf] = [read?.('etc/hosts'), read?.('etc/resolv.conf')];
  return { resolvConf: resolvConf ?? readResolvConf(), hosts, isShared: resolvConf !== undefined };
}
