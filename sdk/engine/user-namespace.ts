/** The user namespace that a process is launched in, where it is not one of its own. */
import { idNamespaces, ownIds, userMappedNamespace } from '../../store/places.ts';
import { HOST_USER } from '../plan/idmap.ts';
import { entersNamespace, type LaunchedNamespaces, USER_NAMESPACE } from '../plan/launch.ts';
import { IDMAP_NAMESPACE } from '../plan/show-ids.ts';
import { idOutside } from '../spec/id-maps.ts';
import type { Spec } from '../spec/spec.ts';
import type { LaunchValues } from './child.ts';

/**
 * What a launch of this spec needs besides its other descriptors. They are this thread's, and stay open; a supervisor
 * that is to launch the spec again needs copies of them all.
 */
export function userNamespaceOf({
  linux,
  root,
  process: { user },
}: Pick<Spec, 'linux' | 'root' | 'process'>): LaunchValues {
  if (root.idmapped !== undefined) {
    const mappings = { uid: linux.uidMappings, gid: linux.gidMappings };
    const { user: namespace, idmap } = idNamespaces(mappings);
    const hostUser = idOutside(user.uid, mappings.uid) ?? 0;
    return { [USER_NAMESPACE.name]: namespace, [IDMAP_NAMESPACE.name]: idmap, [HOST_USER.name]: hostUser };
  }
  return userNamespaceOfThread(linux);
}

/** The same for one without idmapped mounts: of an ordinary user who has subordinate ids. */
export function userNamespaceOfThread(linux: LaunchedNamespaces): LaunchValues {
  const isGiven = linux.namespaces.some(({ type, path }) => type === 'user' && path !== undefined);
  if (!entersNamespace(linux) || isGiven) return {};
  const ids = ownIds();
  if (ids.kind !== 'subordinate') return {};
  return { [USER_NAMESPACE.name]: userMappedNamespace(ids, { uid: linux.uidMappings, gid: linux.gidMappings }) };
}
