/** The user namespace that a process is launched in, where it is not one of its own. */
import { ownIds } from '../../store/index.ts';
import { entersNamespace, USER_NAMESPACE } from '../plan/launch.ts';
import type { Spec } from '../spec/spec.ts';
import type { LaunchValues } from './child.ts';

/** What a launch of this spec needs besides its other descriptors. */
export function userNamespaceOf({ linux }: Pick<Spec, 'linux'>): LaunchValues {
  const ids = ownIds();
  return ids.kind === 'subordinate' && entersNamespace(linux) ? { [USER_NAMESPACE.name]: ids.namespace } : {};
}
