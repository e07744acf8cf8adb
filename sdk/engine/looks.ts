/** How what a container depends on is found out, where containers are made. */

import type { Store } from '../../store/index.ts';
import type { Image } from '../image.ts';
import type { ContainerOptions } from '../spec/options.ts';
import { processFacts } from '../spec/process-facts.ts';
import type { Spec } from '../spec/spec.ts';
import { decideContainer, type Looks } from './decide.ts';
import { describeJoined } from './joined.ts';
import { findJoined } from './namespaces.ts';
import { readImageUsers, readUsers } from './users.ts';
import { kindOfPart } from './volume-part.ts';

/** For a container that may have been changed. */
export const LOOKS: Looks = { joined: findJoined, users: readUsers, partKind: kindOfPart };

/** For one that nobody has been in yet. */
export const LOOKS_WHEN_NEW: Looks = { ...LOOKS, users: readImageUsers };

const LOOKS_FOR_FILES: Looks = {
  joined: describeJoined,
  users: () => ({ passwd: [], group: [] }),
  partKind: kindOfPart,
};

/**
 * Decides how the files of a container that does not run are mounted. Whoever its command is, whether it has one and whom
 * it joins is of no concern yet; and root sees the ids that are on the disk.
 */
export function decideFiles(image: Image, options: ContainerOptions, id: string, store: Store): Spec {
  const { namespaces: _, network: __, timeOffsets: ___, groups: ____, userns, ...others } = options;
  const ids = processFacts('prepare').privileged
    ? 'host'
    : typeof userns === 'object' && 'uid' in userns
      ? userns
      : 'auto';
  const asked = { ...others, userns: ids, user: 0, command: ['true'] } as const;
  return decideContainer(image, asked, id, store, 'prepare', LOOKS_FOR_FILES);
}
