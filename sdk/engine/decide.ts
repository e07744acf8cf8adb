/** What is looked up before anything is made: what options mean on this machine. */
import { containerPaths, placesLayer, type Store } from '../../store/places.ts';
import { readHosts, readResolvConf } from '../host/index.ts';
import type { Image } from '../image.ts';
import type { ImageRoot } from '../image-root.ts';
import type { EtcFacts } from '../spec/etc-files.ts';
import { mountsOf, type ResolvedMount } from '../spec/mounts.ts';
import { normalizeContainer } from '../spec/normalize.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { processFacts } from '../spec/process-facts.ts';
import type { Spec } from '../spec/spec.ts';
import { assertMapped, rememberUserFiles, resolveUser } from '../spec/user.ts';
import { decideIds, type FilePlaces, noteClaim } from './decide-ids.ts';
import { describeJoined, type Joined, type LookUp } from './joined.ts';
import { assertModes, resolveDevices } from './resolve-devices.ts';
import { resolveMounts } from './resolve-mounts.ts';

/**
 * Looks up what a container's options mean on this machine, and decides its spec.
 * @param effect whether what an image makes on demand is made now
 * @param lookUp finds out about containers whose namespaces are joined
 */
export function decideContainer(
  image: Image,
  options: ContainerOptions,
  id: string,
  store: Store,
  effect: 'prepare' | 'describe',
  lookUp: LookUp,
): Spec {
  const { layers, views, mayChange, isComplete } = image.root(store, effect);
  const rootPath = containerPaths(store, id).path;
  const joined = lookUp(options, { id, store, effect });
  const asked = options.user ?? image.config.User ?? '';
  const user = resolveUser(asked === '' ? 0 : asked, joined.files?.() ?? rememberUserFiles(layers, mayChange));
  const mounted = joined.files === undefined ? mountsOf(options, image.config) : [];
  const mounts = resolveMounts(mounted, { store, container: rootPath }, effect);
  const places = filePlaces(store, { layers, views }, mounts);
  const { facts, ids, idmapped, claim } = decideIds(options, joined.mappings, places, effect);
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
    assertMapped(user, facts);
    noteClaim(spec, claim);
    return spec;
  } catch (error) {
    claim?.release();
    throw error;
  }
}

/**
 * Decides how the files of a container that does not run are mounted. Whoever its command is, whether it has one and whom
 * it joins is of no concern yet; and root sees the ids that are on the disk.
 */
export function decideFiles(image: Image, options: ContainerOptions, id: string, store: Store): Spec {
  const { namespaces: _, network: __, timeOffsets: ___, userns, ...others } = options;
  const ids = processFacts('prepare').privileged
    ? 'host'
    : typeof userns === 'object' && 'uid' in userns
      ? userns
      : 'auto';
  return decideContainer(
    image,
    { ...others, userns: ids, user: 0, command: ['true'] },
    id,
    store,
    'prepare',
    describeJoined,
  );
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
